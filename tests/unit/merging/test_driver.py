"""What the merge driver says and leaves behind, asked in this process."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from secretsync.cli.__main__ import run
from secretsync.documents.tree import Limits
from secretsync.errors import ConfigError
from secretsync.merging import driver
from secretsync.merging.driver import DriverCall, DriverResult, drive
from tests.unit.git.repositories import Made
from tests.unit.merging.encrypted import EVE, ME, edited, given_to, key, made, opened, rotated

NOW = datetime(2026, 11, 28, tzinfo=UTC)
PLAIN = "a: 1\nb: 2\n"
BASE = made(PLAIN)
OURS, THEIRS = edited(BASE, "a: 10\nb: 2\n"), edited(BASE, "a: 1\nb: 20\n")
PATH = "app s'.yaml"
NOTES = ".git/secretsync/unresolved"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    repository = Made(tmp_path / "repository")
    monkeypatch.chdir(repository.root)
    return repository.root


def _drive(base: bytes, ours: bytes, theirs: bytes, identity: object = ME, path: str = PATH) -> DriverResult:
    for name, data in (("base", base), ("ours", ours), ("theirs", theirs)):
        Path(name).write_bytes(data)
    environ = {"SOPS_AGE_KEY": identity.expose(), "HOME": "/nonexistent"}  # type: ignore[attr-defined]
    return drive(DriverCall("base", "ours", "theirs", path, 7), environ, NOW)


def _said(result: DriverResult) -> list[tuple[str, str]]:
    return [(line.kind, line.text) for line in result.lines]


def _noted(folder: Path) -> str:
    return str(json.loads((folder / NOTES).read_text())["reason"])


def test_a_clean_merge_says_nothing_and_notes_nothing(folder: Path) -> None:
    assert _drive(BASE, OURS, THEIRS) == DriverResult(0, [])
    assert opened(Path("ours").read_bytes()) == "a: 10\nb: 20\n"
    assert not (folder / NOTES).exists()


def test_a_clean_merge_says_what_a_person_should_know(folder: Path) -> None:
    assert _said(_drive(BASE, OURS, rotated(THEIRS))) == [
        ("note", f"{PATH}: theirs has a new data key, which is taken"),
    ]
    assert not (folder / NOTES).exists()


def test_a_conflict_is_one_line_and_a_hint_that_can_be_pasted(folder: Path) -> None:
    result = _drive(BASE, OURS, edited(BASE, "a: 11\nb: 20\n"))
    assert result.code == 1
    assert _said(result) == [
        ("conflict", f"{PATH} a: both sides changed it"),
        ("hint", "secretsync resolve 'app s'\"'\"'.yaml'"),
    ]
    assert opened(Path("ours").read_bytes()) == "a: 10\nb: 20\n"
    assert _noted(folder) == "conflict: a: both sides changed it"


def test_recipients_are_a_conflict_of_the_file(folder: Path) -> None:
    Path(".sops.yaml").write_text(f"creation_rules:\n  - age: {EVE}\n")
    result = _drive(BASE, OURS, given_to(THEIRS, [key(ME), key(EVE)]))
    place = "creation_rules[0] of .sops.yaml"
    assert _said(result)[0] == ("conflict", f"{PATH}: recipients differ, and neither side has those of {place}")
    assert Path("ours").read_bytes() == OURS
    assert _noted(folder) == "conflict: recipients"


def test_the_rule_of_the_work_tree_decides(folder: Path) -> None:
    Path(".sops.yaml").write_text(f"creation_rules:\n  - age: {ME}\n")
    result = _drive(BASE, OURS, given_to(THEIRS, [key(ME), key(EVE)]))
    assert result.code == 0
    assert [line.kind for line in result.lines] == ["note"]
    assert result.lines[0].text.startswith(f"{PATH}: the recipients are those of ours, as the rule has them; ")
    assert str(EVE).encode() not in Path("ours").read_bytes()
    assert not (folder / NOTES).exists()


def test_a_malformed_rule_is_told_only_where_a_rule_is_needed(folder: Path) -> None:
    Path(".sops.yaml").write_text("creation_rules: 7\n")
    assert _drive(BASE, OURS, THEIRS).code == 0
    result = _drive(BASE, OURS, given_to(THEIRS, [key(ME), key(EVE)]))
    assert result.code == 1
    assert _said(result)[0][0] == "error"
    assert ".sops.yaml" in _said(result)[0][1]
    assert Path("ours").read_bytes() == OURS
    assert _noted(folder).startswith("refused: ")


def test_what_is_refused_names_the_side_and_leaves_ours(folder: Path) -> None:
    result = _drive(BASE, OURS, PLAIN.encode())
    assert _said(result)[0] == ("error", f"{PATH} theirs: is not encrypted; it was not merged")
    assert Path("ours").read_bytes() == OURS
    assert _noted(folder) == "refused: theirs: is not encrypted"


def test_a_side_above_the_limit_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "Limits", lambda: Limits(size=100))
    result = _drive(BASE, OURS, THEIRS)
    assert _said(result)[0] == ("error", f"{PATH}: is larger than 100 bytes; it was not merged")
    assert (folder / NOTES).exists()


def test_without_a_key_git_merges_the_text(folder: Path) -> None:
    result = _drive(BASE, OURS, THEIRS, EVE)
    assert result.code == 1
    assert [kind for kind, _ in _said(result)] == ["warning", "hint"]
    assert b"<<<<<<< ours\n" in Path("ours").read_bytes()
    assert _noted(folder) == "merged as text, without a key"


def test_without_a_key_a_text_that_git_cannot_merge_stays_ours(folder: Path) -> None:
    recipients = made(b"\0", "binary", groups=[[key(EVE)]])
    result = _drive(recipients, recipients + b"\0", recipients + b"\0\0", path="file.bin")
    assert result.code == 1
    assert Path("ours").read_bytes() == recipients + b"\0"
    assert (folder / NOTES).exists()


def test_a_note_that_cannot_be_made_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = _drive(BASE, OURS, edited(BASE, "a: 11\nb: 2\n"))
    assert result.code == 1
    assert [kind for kind, _ in _said(result)] == ["conflict", "warning", "hint"]


@pytest.mark.parametrize("words", [[], ["--"], ["a", "b", "c", "d"], ["--marker-size", "x", "--", "a", "b", "c", "d"]])
def test_a_command_line_that_git_does_not_write_is_a_failure(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["git", "merge-driver", *words]) == 129
    assert "usage: secretsync git merge-driver" in capsys.readouterr().err


def test_help_says_what_git_is_to_do(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert run(["git", "merge-driver", "--help"]) == 0
    assert capfdbinary.readouterr().out.startswith(b"usage: secretsync git merge-driver")


@pytest.mark.parametrize("option", [["--marker-size=9"], ["--marker-size", "9"], []])
def test_the_size_of_markers_is_taken_as_git_gives_it(
    folder: Path, option: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOPS_AGE_KEY", EVE.expose())
    for name, data in (("base", BASE), ("ours", OURS), ("theirs", THEIRS)):
        (folder / name).write_bytes(data)
    assert run(["git", "merge-driver", *option, "--", "base", "ours", "theirs", "app.yaml"]) == 1
    assert b"<" * (9 if option else 7) + b" ours\n" in (folder / "ours").read_bytes()


@pytest.mark.parametrize(
    ("error", "code"),
    [(ConfigError("broken", hint="do this"), 129), (KeyboardInterrupt(), 130), (ValueError("hunter2"), 129)],
)
def test_whatever_fails_ends_above_128_and_shows_no_value(
    error: BaseException, code: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(driver, "drive", fail)
    assert run(["git", "merge-driver", "--", "a", "b", "c", "d"]) == code
    assert "hunter2" not in capsys.readouterr().err
