"""The error boundary: how failures look, which code they end with, and what interrupts do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from secretsync import errors
from secretsync.cli import _errors, _terminal
from secretsync.errors import MacMismatchError, PlaintextError, UnsealError
from secretsync.sops import operations
from tests.cli.conftest import Invoke

PROGRAM = Path(sys.executable).parent / "secretsync"


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["encypt"], "no such command 'encypt'; did you mean 'encrypt'?", "secretsync --help"),
        (["--nonsense"], "no such option: --nonsense", "secretsync --help"),
        (["decrypt", "--nonsense"], "no such option: --nonsense", "secretsync decrypt --help"),
        (["render"], "missing argument 'PATH...'", "secretsync render --help"),
        (["render", "--mode", "hide", "."], "invalid value for '--mode'", "secretsync render --help"),
    ],
    ids=["command", "root option", "option", "argument", "choice"],
)
def test_a_wrong_command_line_is_told_in_one_line(
    invoke: Invoke, arguments: list[str], message: str, hint: str
) -> None:
    outcome = invoke(*arguments)
    first, second = outcome.err.splitlines()
    assert outcome.code == errors.USAGE
    assert first.startswith(f"secretsync: error: {message}")
    assert second == f"secretsync: hint: {hint}"


def test_the_file_commands_use_the_codes_of_sops() -> None:
    assert _errors.exit_code(MacMismatchError(""), sops_codes=True) == 51
    assert _errors.exit_code(MacMismatchError(""), sops_codes=False) == 7
    assert _errors.exit_code(PlaintextError(""), sops_codes=True) == PlaintextError.exit_code
    assert _errors.exit_code(UnsealError(""), sops_codes=True) == 8


def test_an_interrupt_ends_with_130(invoke: Invoke, encrypted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(operations, "open_file", interrupt)
    outcome = invoke("decrypt", encrypted)
    assert (outcome.code, outcome.out) == (errors.INTERRUPTED, b"")


def test_control_characters_never_reach_the_terminal(invoke: Invoke, folder: Path) -> None:
    outcome = invoke("render", "a\x1b[31m\nb.yaml")
    assert "\x1b" not in outcome.err
    assert "a\\x1b[31m\\nb.yaml: no such file" in outcome.err


@pytest.mark.parametrize(
    ("variables", "terminal", "coloured"),
    [({}, True, True), ({"NO_COLOR": "1"}, True, False), ({"TERM": "dumb"}, True, False), ({}, False, False)],
    ids=["terminal", "NO_COLOR", "dumb", "pipe"],
)
def test_colour_is_for_terminals_that_want_it(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], terminal: bool, coloured: bool
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)
    assert ("\x1b" in _terminal._coloured("error")) is coloured


def test_verbose_shows_where_an_error_arose(invoke: Invoke, folder: Path) -> None:
    outcome = invoke("render", "absent.yaml", "--verbose")
    assert "secretsync/files.py" in outcome.err
    assert "raised MissingFileError" in outcome.err


def test_a_reader_that_goes_away_ends_the_program_quietly(folder: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as gone:
        outcome = subprocess.run([PROGRAM, "keygen"], stdout=gone, stderr=subprocess.PIPE, text=True, check=False)
    assert (outcome.returncode, outcome.stderr) == (141, "")


def test_a_full_disk_is_an_error(encrypted: Path) -> None:
    with open("/dev/full", "wb") as full:
        outcome = subprocess.run(
            [PROGRAM, "decrypt", encrypted], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert outcome.returncode == 2
    assert outcome.stderr == "secretsync: error: standard output: no space left on device\n"


@pytest.mark.parametrize("name", ["render", "check", "encrypt", "decrypt", "seal", "unseal", "keygen", "doctor"])
def test_every_command_starts_as_a_program(name: str) -> None:
    outcome = subprocess.run(
        [PROGRAM, name, "--help"], capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "80"}
    )
    assert (outcome.returncode, outcome.stderr) == (0, "")
    assert outcome.stdout.startswith(f"Usage: secretsync {name}")


def test_completion_scripts_are_offered(folder: Path) -> None:
    environment = {
        **os.environ,
        "_SECRETSYNC_COMPLETE": "complete_bash",
        "COMP_WORDS": "secretsync de",
        "COMP_CWORD": "1",
    }
    outcome = subprocess.run([PROGRAM], capture_output=True, text=True, check=False, env=environment)
    assert "decrypt" in outcome.stdout.split()
