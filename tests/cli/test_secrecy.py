"""The canary: no secret value, and no private key, reaches messages, logs or tracebacks, whatever goes wrong."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from secretsync import errors
from secretsync.sops import decryption, mac, values
from tests.cli.conftest import SECRET_MANIFEST, Invoke

CANARY = re.compile(r"canary-[a-z]+-\w{4}|AGE-SECRET-KEY-1")


def _fail(*arguments: object, **options: object) -> None:
    """Raise a bug whose text holds everything it was given, secrets included."""
    raise RuntimeError(f"canary-bug-0000 {arguments!r} {options!r}")


@pytest.mark.parametrize("verbose", [[], ["--verbose"]], ids=["quiet", "verbose"])
@pytest.mark.parametrize(
    ("module", "name"),
    [(values, "decode"), (mac, "verify"), (decryption, "decrypt_with")],
    ids=["decoding", "verifying", "decrypting"],
)
@pytest.mark.parametrize("command", ["decrypt", "render", "check"])
def test_a_bug_shows_its_place_and_no_value(
    invoke: Invoke,
    encrypted: Path,
    monkeypatch: pytest.MonkeyPatch,
    verbose: list[str],
    module: object,
    name: str,
    command: str,
) -> None:
    monkeypatch.setattr(module, name, _fail)
    outcome = invoke(*verbose, command, encrypted)
    assert (outcome.code, outcome.out) == (errors.BUG, b"")
    assert "please report" in outcome.err
    assert "test_secrecy.py" in outcome.err
    assert not CANARY.search(outcome.err)


@pytest.mark.parametrize("verbose", [[], ["--verbose"]], ids=["quiet", "verbose"])
@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("name: database", "name: other"),
        lambda text: text.replace(" password:", " passwort:"),
        lambda text: re.sub(r"password: ENC.*", "password: canary-clear-0001", text),
        lambda text: re.sub(r"type:str\]", "type:int]", text),
        lambda text: text[: len(text) // 2],
        lambda text: text + "\n  bad: [canary-tail-0002",
    ],
    ids=["clear value", "key", "plaintext", "type label", "cut", "syntax"],
)
@pytest.mark.parametrize("command", ["decrypt", "render", "check"])
def test_bad_input_shows_no_value(
    invoke: Invoke, encrypted: Path, verbose: list[str], change: object, command: str
) -> None:
    assert callable(change)
    encrypted.write_text(change(encrypted.read_text()))
    outcome = invoke(*verbose, command, encrypted)
    assert outcome.code not in {0, errors.BUG}
    assert not CANARY.search(outcome.err)
    assert not CANARY.search(outcome.out.decode())


@pytest.mark.parametrize(
    "text",
    [
        SECRET_MANIFEST.replace("canary-user-9Kd1\n", "canary-user-9Kd1: {\n", 1),
        SECRET_MANIFEST.replace("  user: ", "  - user: "),
        SECRET_MANIFEST.replace("user: canary", 'user: "canary', 1),
        SECRET_MANIFEST.replace("stringData:", "data:"),
        SECRET_MANIFEST.replace("canary-password-4Zt8\n", "!!int canary-password-4Zt8\n", 1),
        SECRET_MANIFEST + "  user: canary-again-0005\n",
    ],
    ids=["mapping", "sequence", "quote", "base64", "tag", "duplicate"],
)
@pytest.mark.parametrize("command", ["encrypt --age {} --encrypted-regex Data", "seal --cert {}", "render", "check"])
def test_malformed_plaintext_shows_no_value(
    invoke: Invoke, folder: Path, recipient: str, sealing: tuple[Path, Path], text: str, command: str
) -> None:
    (folder / "secret.yaml").write_text(text)
    value = recipient if command.startswith("encrypt") else str(sealing[0])
    outcome = invoke(*command.format(value).split(), "secret.yaml", "--verbose")
    assert outcome.code != errors.BUG, outcome.err
    assert not CANARY.search(outcome.err)


def test_an_uncaught_bug_has_no_python_traceback(
    invoke: Invoke, encrypted: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(values, "decode", _fail)
    invoke("decrypt", encrypted)
    captured = capfd.readouterr()
    assert "Traceback" not in captured.err
    assert captured.out == ""
    assert sys.exc_info() == (None, None, None)
