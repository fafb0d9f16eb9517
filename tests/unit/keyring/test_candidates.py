"""Keys that somebody hands in: what kind they are, and which are refused."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from secretsync import age
from secretsync.errors import ConfigError, PolicyError
from secretsync.keyring.key_intake import examine
from secretsync.masterkeys.kinds import DEMO_RECIPIENTS
from tests.unit.keyring.rings import TODAY, recipient

ARN = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def ssh(key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (recipient("a"), "age"),
        (str(age.generate(post_quantum=True)), "age-pq"),
        ("age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t", "age-plugin"),
        (ssh(ed25519.Ed25519PrivateKey.generate()) + " alice@laptop", "age-ssh"),
        (ssh(rsa.generate_private_key(65537, 3072)), "age-ssh"),
        (ARN, "aws-kms"),
        (f"{ARN}+arn:aws:iam::123456789012:role/secrets", "aws-kms"),
        ("projects/p/locations/global/keyRings/r/cryptoKeys/k", "gcp-kms"),
        ("https://vault.vault.azure.net/keys/name/version", "azure-kv"),
        ("https://vault.example.org:8200/v1/transit/keys/sops", "vault-transit"),
    ],
    ids=lambda value: value if len(value) < 14 else "",
)
def test_the_kind_of_a_key_is_told_from_its_text(text: str, kind: str) -> None:
    found = examine(f"# comment\n\n{text}\n", today=TODAY)
    assert found.type == kind
    assert found.recipient == text.removesuffix(" alice@laptop")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (age.generate().expose(), "private key"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nxx\n", "private key"),
        ("-----BEGIN PGP PRIVATE KEY BLOCK-----\n", "private key"),
        (min(DEMO_RECIPIENTS), "demo key"),
        ("sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaA== token", "sign and not decrypt"),
        (ssh(rsa.generate_private_key(65537, 2048)), "2048 bits"),
    ],
    ids=["an age identity", "an SSH key", "a PGP key", "a demo key", "a token", "short RSA"],
)
def test_an_unsound_key_is_refused(text: str, match: str) -> None:
    with pytest.raises(PolicyError, match=match) as refused:
        examine(text, today=TODAY)
    assert "AGE-SECRET" not in str(refused.value)


def _mistyped(text: str) -> str:
    """Return a recipient with another last letter."""
    return text[:-1] + ("p" if text.endswith("q") else "q")


@pytest.mark.parametrize(
    "text",
    ["", "alice", "age1qqqq", _mistyped(recipient("a")), f"{recipient('a')}\n{recipient('b')}", "ssh-dss AAAA"],
    ids=["nothing", "a word", "short", "mistyped", "two keys", "dsa"],
)
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        examine(text, today=TODAY)


@pytest.fixture
def gpg(tmp_path: Path) -> Callable[..., str]:
    """Return a function that makes a PGP key of an algorithm, usage and age, and returns it armored."""
    if shutil.which("gpg") is None:
        pytest.skip("gpg is not installed")
    home = tmp_path / "gpg"
    home.mkdir(mode=0o700)

    def make(algorithm: str, usage: str, expire: str) -> str:
        run = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--passphrase", "", "--pinentry-mode", "loopback"]
        name = f"{algorithm}@example.org"
        subprocess.run([*run, "--quick-gen-key", name, algorithm, usage, expire], check=True, capture_output=True)
        exported = subprocess.run([*run, "--armor", "--export", name], check=True, capture_output=True)
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False, capture_output=True)
        return exported.stdout.decode()

    return make


def test_a_pgp_key_is_known_by_its_fingerprint_and_expiry(gpg: Callable[..., str]) -> None:
    today = date.today()  # noqa: DTZ011  # gpg makes keys of today
    found = examine(gpg("rsa3072", "encrypt,sign", "30d"), today=today)
    assert found.type == "pgp"
    assert len(found.recipient) == 40
    assert found.expires is not None
    assert abs(found.expires - today - timedelta(days=30)) <= timedelta(days=1)
    assert found.armored.startswith(b"-----BEGIN PGP PUBLIC KEY BLOCK-----")


def test_an_expired_pgp_key_is_refused(gpg: Callable[..., str]) -> None:
    later = date.today() + timedelta(days=60)  # noqa: DTZ011  # gpg makes keys of today
    armored = gpg("rsa3072", "encrypt,sign", "30d")
    with pytest.raises(PolicyError, match="expired"):
        examine(armored, today=later)


def test_a_pgp_key_that_cannot_encrypt_is_refused(gpg: Callable[..., str]) -> None:
    with pytest.raises(PolicyError, match="no key that encrypts"):
        examine(gpg("ed25519", "sign", "0"), today=TODAY)


def test_a_short_pgp_key_is_refused(gpg: Callable[..., str]) -> None:
    with pytest.raises(PolicyError, match="RSA of 2048 bits"):
        examine(gpg("rsa2048", "encrypt,sign", "0"), today=TODAY)
