"""Killed at any moment, a verb leaves each file old or new, never torn, and no plaintext behind."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from secretsync import age
from secretsync.cli.__main__ import run
from secretsync.cli._private import _memory_backed

PROGRAM = Path(sys.executable).parent / "secretsync"
CANARY = "canary-kill-5Rw2"
PLAIN = f"a: {CANARY}\nb: {'x' * 2000}\nc: [1, 2, 3]\n"
FILES = 8

# Each verb is killed this often; CI makes it the 1,000 kills of all four together.
ROUNDS = 250 if "CI" in os.environ else 12

VERBS = {
    "edit": ["edit", "0.yaml"],
    "set": ["set", "0.yaml", '["c"][1]', "{number}"],
    "rotate": ["rotate", "-i", "."],
    "updatekeys": ["updatekeys", "--yes", "."],
}


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of encrypted files, whose rule names a recipient they do not have yet."""
    folder = tmp_path / "repository"
    folder.mkdir()
    monkeypatch.chdir(folder)
    first, second = age.generate(), age.generate()
    monkeypatch.setenv("SOPS_AGE_KEY", first.expose())
    for number in range(FILES):
        path = folder / f"{number}.yaml"
        path.write_text(PLAIN)
        assert run(["encrypt", "-i", "--age", str(first), str(path)]) == 0
    (folder / ".sops.yaml").write_text(f"creation_rules:\n  - age: {first},{second}\n")
    return folder


def _duration(command: list[str], environment: dict[str, str]) -> float:
    start = time.monotonic()
    subprocess.run(command, env=environment, capture_output=True, check=False)
    return time.monotonic() - start


def _leftovers(folder: Path) -> list[Path]:
    """Return what a killed run left in memory or beside the files; an unfinished temporary file is ciphertext."""
    memory = _memory_backed()
    deadline = time.monotonic() + 5
    found: list[Path] = []
    while time.monotonic() < deadline:
        found = [path for path in Path(memory or "/tmp").glob("secretsync-*") if path.owner() == folder.owner()]
        if not found:
            break
        time.sleep(0.02)
    return [*found, *(path for path in folder.iterdir() if CANARY.encode() in path.read_bytes())]


@pytest.mark.parametrize("verb", VERBS)
def test_a_killed_verb_tears_no_file_and_leaves_no_plaintext(
    verb: str, repository: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(verb)
    environment = {**os.environ, "EDITOR": "sh -c 'echo d: $$ >> \"$1\"' editor"}
    usual = _duration([str(PROGRAM), *VERBS[verb]], environment)
    for number in range(ROUNDS):
        command = [str(PROGRAM), *(part.format(number=number) for part in VERBS[verb])]
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL
        )
        time.sleep(chance.uniform(0, 1.2 * usual))
        process.kill()
        process.wait()
        assert _leftovers(repository) == []
        for path in sorted(repository.glob("[0-9].yaml")):
            assert run(["decrypt", str(path)]) == 0, f"{path.name} after kill {number}"
            assert CANARY in capfd.readouterr().out
