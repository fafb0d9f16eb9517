"""The less common places of age identities: SSH keys, commands, protected key files; in which order, and who is asked."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from secretsync import age
from secretsync.age.scrypt import ScryptRecipient
from secretsync.errors import IncorrectIdentityError, KeyServiceError, SecretsyncError
from secretsync.masterkeys import MasterKeys
from secretsync.masterkeys.commands import output_of
from secretsync.secrecy import SecretBytes

DATA_KEY = SecretBytes(bytes(range(32)))


@pytest.fixture
def identity() -> age.X25519Identity:
    return age.generate()


@pytest.fixture
def ssh_key(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that makes an SSH key pair below a home folder and returns the private key's path."""

    def make(name: str = "home/.ssh/id_ed25519", passphrase: bytes | None = None) -> Path:
        key = Ed25519PrivateKey.generate()
        protection = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, protection))
        public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
        path.with_name(path.name + ".pub").write_bytes(public + b" me@home\n")
        return path

    return make


def public_of(path: Path) -> str:
    return path.with_name(path.name + ".pub").read_text().strip()


def envelope_for(recipient: str) -> dict[str, object]:
    return MasterKeys({}).wrap("age", recipient, DATA_KEY)


@pytest.mark.parametrize("variable", ["HOME", "SOPS_AGE_SSH_PRIVATE_KEY_FILE", "SOPS_AGE_SSH_PRIVATE_KEY_CMD"])
def test_ssh_keys_are_found(ssh_key: Callable[..., Path], tmp_path: Path, variable: str) -> None:
    path = ssh_key()
    value = {"HOME": str(tmp_path / "home"), "SOPS_AGE_SSH_PRIVATE_KEY_FILE": str(path)}.get(variable, f"cat '{path}'")
    keys = MasterKeys({variable: value, "PATH": "/usr/bin:/bin"})
    assert keys.unwrap("age", envelope_for(public_of(path))) == DATA_KEY


def test_the_recipient_keeps_the_comment_of_an_ssh_key(ssh_key: Callable[..., Path]) -> None:
    fields = envelope_for(public_of(ssh_key()))
    assert str(fields["recipient"]).endswith(" me@home")


def test_a_protected_ssh_key_asks_only_when_its_stanza_is_there(
    ssh_key: Callable[..., Path], identity: age.X25519Identity
) -> None:
    path = ssh_key(passphrase=b"open sesame")
    questions: list[str] = []

    def answer(question: str) -> str:
        questions.append(question)
        return "open sesame"

    environ = {"SOPS_AGE_SSH_PRIVATE_KEY_FILE": str(path), "SOPS_AGE_KEY": identity.expose()}
    keys = MasterKeys(environ, prompt=answer)
    assert keys.unwrap("age", envelope_for(str(identity))) == DATA_KEY
    assert questions == []
    assert keys.unwrap("age", envelope_for(public_of(path))) == DATA_KEY
    assert questions == [f"Passphrase of {path}: "]


def test_a_protected_key_without_a_terminal_says_so(ssh_key: Callable[..., Path]) -> None:
    path = ssh_key(passphrase=b"open sesame")
    with pytest.raises(KeyServiceError, match="no terminal"):
        MasterKeys({"SOPS_AGE_SSH_PRIVATE_KEY_FILE": str(path)}).unwrap("age", envelope_for(public_of(path)))


def test_a_protected_key_from_a_command_is_refused(ssh_key: Callable[..., Path]) -> None:
    path = ssh_key(passphrase=b"open sesame")
    environ = {"SOPS_AGE_SSH_PRIVATE_KEY_CMD": f"cat {path}", "PATH": "/usr/bin:/bin"}
    with pytest.raises(IncorrectIdentityError, match="protected by a passphrase"):
        MasterKeys(environ, prompt=lambda _: "open sesame").unwrap("age", envelope_for(public_of(path)))


@pytest.mark.parametrize("armored", [False, True], ids=["binary", "armored"])
def test_a_protected_key_file_is_opened_once_with_its_passphrase(
    identity: age.X25519Identity, tmp_path: Path, armored: bool
) -> None:
    recipient = ScryptRecipient(SecretBytes(b"open sesame"), work_factor=4)
    path = tmp_path / "keys.age"
    path.write_bytes(age.encrypt(identity.expose().encode(), [recipient], armored=armored))
    answers = ["open sesame"]
    keys = MasterKeys({"SOPS_AGE_KEY_FILE": str(path)}, prompt=lambda _: answers.pop())
    assert keys.unwrap("age", envelope_for(str(identity))) == DATA_KEY
    assert keys.unwrap("age", envelope_for(str(identity))) == DATA_KEY


def test_a_wrong_passphrase_is_named_as_the_cause(identity: age.X25519Identity, tmp_path: Path) -> None:
    path = tmp_path / "keys.age"
    path.write_bytes(
        age.encrypt(identity.expose().encode(), [ScryptRecipient(SecretBytes(b"open sesame"), work_factor=4)])
    )
    keys = MasterKeys({"SOPS_AGE_KEY_FILE": str(path)}, prompt=lambda _: "wrong")
    with pytest.raises(IncorrectIdentityError, match="the passphrase is wrong"):
        keys.unwrap("age", envelope_for(str(identity)))


def test_a_command_is_told_the_recipient_and_no_other_key(identity: age.X25519Identity, tmp_path: Path) -> None:
    script = tmp_path / "print-key"
    script.write_text(f'#!/bin/sh\nenv > "{tmp_path}/seen"\necho "{identity.expose()}"\n')
    script.chmod(0o755)
    environ = {
        "SOPS_AGE_KEY": age.generate().expose(), "SOPS_AGE_KEY_CMD": str(script), "PATH": "/usr/bin:/bin",
        "VAULT_TOKEN": "the helper may need it",
    }  # fmt: skip
    assert MasterKeys(environ).unwrap("age", envelope_for(str(identity))) == DATA_KEY
    seen = (tmp_path / "seen").read_text()
    assert f"SOPS_AGE_RECIPIENT={identity}" in seen
    assert "VAULT_TOKEN" in seen
    assert "AGE-SECRET-KEY" not in seen


def test_a_command_does_not_run_when_a_key_at_hand_opens(identity: age.X25519Identity, tmp_path: Path) -> None:
    environ = {"SOPS_AGE_KEY": identity.expose(), "SOPS_AGE_KEY_CMD": f"touch {tmp_path}/ran", "PATH": "/usr/bin:/bin"}
    MasterKeys(environ).unwrap("age", envelope_for(str(identity)))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("", "NAME is empty"),
        ("echo 'x", "NAME is not a command"),
        ("false", "'false' fails with exit code 1"),
        ("/does/not/exist --flag", "'/does/not/exist' cannot be started"),
        ("sleep 60", "'sleep' does not end within 0.1 seconds"),
    ],
)
def test_a_command_that_fails_is_named_with_its_failure(command: str, message: str) -> None:
    with pytest.raises(SecretsyncError, match=message):
        output_of(command, {"PATH": "/usr/bin:/bin"}, name="NAME", recipient="age1", timeout_seconds=0.1)


def test_sources_are_listed_in_the_order_of_sops(tmp_path: Path) -> None:
    names = [source.name for source in MasterKeys({"HOME": str(tmp_path)}).sources() if "gpg" not in source.name]
    assert names == [
        "SOPS_AGE_SSH_PRIVATE_KEY_FILE",
        "SOPS_AGE_SSH_PRIVATE_KEY_CMD",
        f"{tmp_path}/.ssh/id_ed25519",
        f"{tmp_path}/.ssh/id_rsa",
        "SOPS_AGE_KEY",
        "SOPS_AGE_KEY_FILE",
        "SOPS_AGE_KEY_CMD",
        f"{tmp_path}/.config/sops/age/keys.txt",
    ]


def test_no_program_runs_for_a_plain_key() -> None:
    program = (
        "import sys\nfrom secretsync import age\nfrom secretsync.masterkeys import MasterKeys\n"
        "from secretsync.secrecy import SecretBytes\nidentity = age.generate()\n"
        "keys = MasterKeys({'SOPS_AGE_KEY': identity.expose()})\n"
        "keys.unwrap('age', keys.wrap('age', str(identity), SecretBytes(bytes(32))))\n"
        "print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    unwanted = {"subprocess", "ssl", "asyncio", "logging", "cryptography.hazmat.primitives.serialization", "gnupg"}
    assert unwanted.isdisjoint(loaded)
