"""Killed at any moment, a verb leaves each file old or new, never torn, and no plaintext behind."""

from __future__ import annotations

import os
import random
import signal
import tempfile
import time
from pathlib import Path

import pytest

import secretsync.cli.edit
import secretsync.cli.rotate
import secretsync.cli.set_value
import secretsync.cli.updatekeys  # noqa: F401  # commands load late; the processes to kill shall start with all of them
from secretsync import age
from secretsync.cli.__main__ import run
from secretsync.cli._memory_folder import _memory_backed

CANARY = "canary-kill-5Rw2"
PLAIN = f"a: {CANARY}\nb: {'x' * 2000}\nc: [1, 2, 3]\n"
FILES = 8

# Each verb is killed this often; CI makes it the 1,000 kills of all four together.
ROUNDS = 250 if "CI" in os.environ else 12

VERBS = {
    "edit": ["edit", "0.yaml"],
    "set": ["set", "0.yaml", '["c"][1]', "{number}"],
    "rotate": ["rotate", "-i", "."],
    "updatekeys": ["updatekeys", "--yes", "--config", "rules.{parity}", "."],
}


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of encrypted files, and two sets of rules: for them, and with one more recipient."""
    folder = tmp_path / "repository"
    folder.mkdir()
    monkeypatch.chdir(folder)
    first, second = age.generate(), age.generate()
    monkeypatch.setenv("SOPS_AGE_KEY", first.expose())
    for number in range(FILES):
        path = folder / f"{number}.yaml"
        path.write_text(PLAIN)
        assert run(["encrypt", "-i", "--age", str(first), str(path)]) == 0
    (folder / "rules.1").write_text(f"creation_rules:\n  - age: {first}\n")
    (folder / "rules.0").write_text(f"creation_rules:\n  - age: {first},{second}\n")
    return folder


def _command(verb: str, number: int) -> list[str]:
    return [part.format(number=number, parity=number % 2) for part in VERBS[verb]]


def _started(command: list[str]) -> int:
    """Start a verb in a process that has its modules loaded, so that kills meet its work and not the interpreter's."""
    pid = os.fork()
    if pid:
        return pid
    try:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in range(3):
            os.dup2(nowhere, descriptor)
        run(command)
    finally:
        os._exit(0)


def _duration(command: list[str]) -> float:
    start = time.monotonic()
    os.waitpid(_started(command), 0)
    return time.monotonic() - start


def _private_folders() -> set[Path]:
    return set(Path(_memory_backed() or tempfile.gettempdir()).glob("secretsync-*"))


def _leftovers(folder: Path, others: set[Path]) -> list[Path]:
    """Return what a killed run left in memory or beside the files; an unfinished temporary file is ciphertext.

    `others` are private folders that were there before the run.
    """
    deadline = time.monotonic() + 5
    while (found := _private_folders() - others) and time.monotonic() < deadline:
        time.sleep(0.02)
    return [*found, *(path for path in folder.iterdir() if CANARY.encode() in path.read_bytes())]


@pytest.mark.parametrize("verb", VERBS)
def test_a_killed_verb_tears_no_file_and_leaves_no_plaintext(
    verb: str, repository: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(verb)
    monkeypatch.setenv("EDITOR", "sh -c 'echo d: $$ >> \"$1\"' editor")
    usual = max(_duration(_command(verb, number)) for number in range(3))
    proved: set[bytes] = set()
    for number in range(ROUNDS):
        others = _private_folders()
        pid = _started(_command(verb, number))
        time.sleep(chance.uniform(0, 1.2 * usual))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        assert _leftovers(repository, others) == []
        for path in sorted(repository.glob("[0-9].yaml")):
            if path.read_bytes() in proved:
                continue
            proved.add(path.read_bytes())
            assert run(["decrypt", str(path)]) == 0, f"{path.name} after kill {number}"
            assert CANARY in capfd.readouterr().out
