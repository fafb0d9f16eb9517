"""Writing a set of changes: all or none, inside the repository, and never over what somebody else wrote."""

from __future__ import annotations

from pathlib import Path

import pytest

from secretsync import files
from secretsync.errors import EscapeError, FileAccessError
from secretsync.keyring import Changes
from secretsync.keyring.applying import apply


def contents(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys/groups.yaml").write_bytes(b"old")
    (tmp_path / "keys/gone.yaml").write_bytes(b"gone")
    return tmp_path


CHANGES: Changes = {
    "keys/groups.yaml": b"new", "keys/people/bob.yaml": b"bob", "keys/gone.yaml": None,
    ".sops.yaml": b"rules", "keys/keyring.lock": b"lock",
}  # fmt: skip


def test_all_changes_are_written_and_the_generated_files_last(root: Path) -> None:
    assert apply(root, CHANGES)[-2:] == [".sops.yaml", "keys/keyring.lock"]
    assert contents(root) == {path: data for path, data in CHANGES.items() if data is not None}


@pytest.mark.parametrize("number", range(4))
def test_a_failure_at_any_file_leaves_everything(root: Path, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    before, writes = contents(root), []
    create, write = files.create_below, files.write_below

    def failing(top: Path, path: str, *rest: object, **named: object) -> None:
        writes.append(path)
        if len(writes) == number + 1:
            raise FileAccessError("disk full", location=path)
        (write if (top / path).exists() else create)(top, path, *rest, **named)  # type: ignore[arg-type]  # as given

    monkeypatch.setattr(files, "create_below", failing)
    monkeypatch.setattr(files, "write_below", failing)
    with pytest.raises(FileAccessError, match="disk full"):
        apply(root, CHANGES)
    assert contents(root) == before


def test_a_folder_that_leads_out_of_the_repository_is_refused(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (root / "keys/people").symlink_to(outside)
    with pytest.raises(EscapeError):
        apply(root, CHANGES)
    assert (list(outside.iterdir()), (root / "keys/groups.yaml").read_bytes()) == ([], b"old")


def test_a_file_that_appeared_meanwhile_is_not_overwritten(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create = files.create_below

    def late(top: Path, path: str, data: bytes, mode: int) -> None:
        (top / path).write_bytes(b"theirs")
        create(top, path, data, mode)

    monkeypatch.setattr(files, "create_below", late)
    with pytest.raises(FileAccessError, match="already exists"):
        apply(root, {"keys/new.yaml": b"ours"})
    assert (root / "keys/new.yaml").read_bytes() == b"theirs"
