"""Files between the real age and ours, both ways, for every kind of key, with the keys of age-keygen and ssh-keygen."""

from __future__ import annotations

import os
import pty
import select
import subprocess
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest

from secretsync import age
from secretsync.age.hybrid import HybridIdentity
from secretsync.age.interaction import NOBODY, Interaction
from secretsync.age.scrypt import ScryptIdentity, ScryptRecipient
from secretsync.age.sshfile import parse_private_key
from secretsync.errors import IncorrectIdentityError, NoIdentityMatchError
from secretsync.secrecy import SecretBytes
from tests.unit.age.toy_plugin import IDENTITY, RECIPIENT, Toy

PLAINTEXTS = {"empty": b"", "short": b"secret\n", "one chunk": bytes(65536), "three chunks": os.urandom(140_000)}
Run = Callable[..., bytes]


@pytest.fixture(scope="session")
def run(peer: Callable[[str], Path]) -> Run:
    """Return a function that runs the real age and returns its standard output."""
    binary = peer("age")

    def age_command(*arguments: str, stdin: bytes) -> bytes:
        return subprocess.run([binary, *arguments], input=stdin, capture_output=True, check=True, timeout=60).stdout

    return age_command


@pytest.fixture
def identity(request: pytest.FixtureRequest) -> age.X25519Identity | HybridIdentity:
    post_quantum: bool = request.param == "hybrid"
    return age.generate(post_quantum=post_quantum)


both_kinds = pytest.mark.parametrize("identity", ["x25519", "hybrid"], indirect=True)
every_plaintext = pytest.mark.parametrize("plaintext", PLAINTEXTS.values(), ids=PLAINTEXTS.keys())
armored_or_not = pytest.mark.parametrize("armored", [False, True], ids=["binary", "armored"])


@both_kinds
@armored_or_not
@every_plaintext
def test_age_opens_what_we_write(
    run: Run, tmp_path: Path, identity: age.X25519Identity | HybridIdentity, armored: bool, plaintext: bytes
) -> None:
    (tmp_path / "key").write_text(identity.expose() + "\n")
    data = age.encrypt(plaintext, [identity.recipient()], armored=armored)
    assert run("-d", "-i", str(tmp_path / "key"), stdin=data) == plaintext


@both_kinds
@armored_or_not
@every_plaintext
def test_we_open_what_age_writes(
    run: Run, identity: age.X25519Identity | HybridIdentity, armored: bool, plaintext: bytes
) -> None:
    data = run(*(["-a"] if armored else []), "-r", str(identity), stdin=plaintext)
    assert age.decrypt(data, [identity]) == plaintext
    if not armored:
        assert b"".join(age.decrypt_stream(BytesIO(data), [identity])) == plaintext


@pytest.mark.parametrize("options", [[], ["-pq"]], ids=["x25519", "hybrid"])
def test_key_files_of_age_keygen_are_read(peer: Callable[[str], Path], run: Run, options: list[str]) -> None:
    keygen = peer("age").with_name("age-keygen")
    text = subprocess.run([keygen, *options], capture_output=True, check=True, text=True, timeout=60).stdout
    (identity,) = age.parse_identities(text)
    assert f"# public key: {identity}\n" in text
    assert age.decrypt(run("-r", str(identity), stdin=b"x"), [identity]) == b"x"


def test_plugins_serve_age_and_us_alike(peer: Callable[[str], Path], tmp_path: Path) -> None:
    toy = Toy(tmp_path)
    (tmp_path / "key").write_text(IDENTITY + "\n")

    def age_command(*arguments: str, stdin: bytes) -> bytes:
        command = [str(peer("age")), *arguments]
        return subprocess.run(command, input=stdin, capture_output=True, check=True, timeout=60, env=toy.environ).stdout

    interaction = toy.interaction()
    theirs = age_command("-r", RECIPIENT, stdin=b"from age")
    assert age.decrypt(theirs, [age.parse_identity(IDENTITY, interaction)]) == b"from age"
    ours = age.encrypt(b"from us", [age.parse_recipient(RECIPIENT, interaction)])
    assert age_command("-d", "-i", str(tmp_path / "key"), stdin=ours) == b"from us"


def make_ssh_key(folder: Path, kind: str, passphrase: str = "", *options: str) -> Path:
    path = folder / f"id_{kind}"
    command = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "a comment", "-f", str(path), *options]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return path


ssh_kinds = pytest.mark.parametrize(
    "arguments",
    [("ed25519",), ("rsa", "", "-b", "2048"), ("rsa", "", "-b", "3072", "-m", "PEM"), ("rsa", "", "-m", "PKCS8")],
    ids=lambda arguments: " ".join(filter(None, arguments)),
)


@ssh_kinds
def test_ssh_keys_work_both_ways(run: Run, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    path = make_ssh_key(tmp_path, *arguments)
    public = path.with_suffix(".pub").read_text().strip()
    identity = parse_private_key(path.read_bytes(), str(path), NOBODY)
    assert age.decrypt(run("-r", public, stdin=b"from age"), [identity]) == b"from age"
    ours = age.encrypt(b"from us", [age.parse_recipient(public)])
    assert run("-d", "-i", str(path), stdin=ours) == b"from us"
    assert str(identity) == " ".join(public.split(" ")[:2])


@pytest.mark.parametrize(
    "arguments",
    [("ed25519", "pass word"), ("rsa", "pass word", "-b", "2048"), ("rsa", "pass word", "-m", "PEM"),
     ("rsa", "pass word", "-m", "PKCS8")],
    ids=" ".join,
)  # fmt: skip
def test_encrypted_ssh_keys_ask_once_and_only_for_their_own_files(
    run: Run, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    path = make_ssh_key(tmp_path, *arguments)
    public = path.with_suffix(".pub").read_text().strip()
    questions: list[str] = []

    def answer(question: str) -> str:
        questions.append(question)
        return "pass word"

    identity = parse_private_key(
        path.read_bytes(), "my key", Interaction(prompt=answer), public_half=path.with_suffix(".pub").read_bytes
    )
    with pytest.raises(NoIdentityMatchError):
        age.decrypt(run("-r", str(age.generate()), stdin=b""), [identity])
    assert questions == []
    data = run("-r", public, stdin=b"from age")
    assert age.decrypt(data, [identity]) == age.decrypt(data, [identity]) == b"from age"
    assert questions == ["Passphrase of my key: "]


def test_a_key_of_another_person_with_the_same_type_does_not_match(run: Run, tmp_path: Path) -> None:
    path = make_ssh_key(tmp_path, "ed25519")
    data = run("-r", path.with_suffix(".pub").read_text().strip(), stdin=b"")
    path.unlink()
    other = parse_private_key(make_ssh_key(tmp_path, "ed25519").read_bytes(), "other", NOBODY)
    with pytest.raises(IncorrectIdentityError):
        other.unwrap(())
    with pytest.raises(NoIdentityMatchError, match="no ssh-ed25519 stanza is for it"):
        age.decrypt(data, [other])


def test_age_opens_what_we_protect_with_a_passphrase_and_back(peer: Callable[[str], Path], tmp_path: Path) -> None:
    secret = SecretBytes(b"correct horse")
    data = age.encrypt(b"x" * 100, [ScryptRecipient(secret, work_factor=10)])
    assert age.decrypt(data, [ScryptIdentity(secret)]) == b"x" * 100
    assert _age_with_terminal(peer("age"), ["-d", "-o", str(tmp_path / "out")], data, tmp_path, ["correct horse"]) == 0
    assert (tmp_path / "out").read_bytes() == b"x" * 100
    _age_with_terminal(peer("age"), ["-p", "-o", str(tmp_path / "enc")], b"hello", tmp_path, ["one two", "one two"])
    assert age.decrypt((tmp_path / "enc").read_bytes(), [ScryptIdentity(SecretBytes(b"one two"))]) == b"hello"


def _age_with_terminal(binary: Path, arguments: list[str], data: bytes, folder: Path, answers: list[str]) -> int:
    """Run age with a terminal that types the answers, and return its exit code."""
    (folder / "in").write_bytes(data)
    child, terminal = pty.fork()
    if child == 0:
        os.execv(binary, [str(binary), *arguments, str(folder / "in")])
    shown = b""
    while select.select([terminal], [], [], 30)[0]:
        try:
            shown += os.read(terminal, 1000)
        except OSError:
            break
        if answers and b":" in shown:
            os.write(terminal, answers.pop(0).encode() + b"\n")
            shown = b""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
