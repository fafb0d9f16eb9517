"""Reads stay in their tree and notice change; writes are whole or not there."""

from __future__ import annotations

import io
import os
import stat
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from secretsync import files, folders, listing
from secretsync.errors import ChangedFileError, EscapeError, FileAccessError, LimitError, MissingFileError


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "apps" / "db").mkdir(parents=True)
    (root / ".git").mkdir()
    (root / ".git" / "config").write_bytes(b"git")
    (root / "a.yaml").write_bytes(b"a: 1\n")
    (root / "apps" / "db" / "secret.yaml").write_bytes(b"b: 2\n")
    (tmp_path / "outside.yaml").write_bytes(b"outside: 1\n")
    return root


def test_read_returns_the_bytes(tree: Path) -> None:
    assert files.read(tree / "a.yaml") == b"a: 1\n"


def test_read_of_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"piped\xff")))
    assert files.read("-") == b"piped\xff"


def test_read_accepts_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(b"through",))
    writer.start()
    assert files.read(pipe) == b"through"
    writer.join()


def test_read_names_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"absent\.yaml: no such file or directory"):
        files.read(tmp_path / "absent.yaml")


def test_read_refuses_a_folder(tmp_path: Path) -> None:
    with pytest.raises(FileAccessError, match="is a directory"):
        files.read(tmp_path)


def test_read_notices_a_file_that_changes_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"old")
    versions = iter([(3, 1, 1), (3, 1, 2)])
    monkeypatch.setattr(files, "_version", lambda status: next(versions))
    with pytest.raises(ChangedFileError, match="changed while it was being read"):
        files.read(path)


def test_read_confined_notices_a_file_that_grew(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = folders.read_up_to

    def grow_first(file: io.FileIO, size: int) -> bytes:
        with (tree / "a.yaml").open("ab") as writer:
            writer.write(b"more")
        return whole(file, size)

    monkeypatch.setattr(files, "read_up_to", grow_first)
    with pytest.raises(ChangedFileError):
        files.read_confined(tree, "a.yaml", 100)


def test_read_confined_returns_a_nested_file(tree: Path) -> None:
    assert files.read_confined(tree, "apps/db/secret.yaml", 100) == b"b: 2\n"


def test_read_confined_resolves_the_path_of_a_file_only_where_a_link_may_be_on_it(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tree / "link.yaml").symlink_to("apps/db/secret.yaml")
    asked: list[str] = []
    real = os.path.realpath

    def counted(path: str) -> str:
        asked.append(os.fspath(path))
        return real(path)

    monkeypatch.setattr(os.path, "realpath", counted)
    for path in ("a.yaml", "apps/db/secret.yaml"):
        assert files.read_confined(tree, path, 100)
    assert asked == [str(tree)] * 2
    for path in ("link.yaml", "apps/../a.yaml", "apps//db/secret.yaml", "./a.yaml"):
        assert files.read_confined(tree, path, 100)
    assert len(asked) == 2 + 2 * 4


def test_read_confined_follows_a_link_inside_the_tree(tree: Path) -> None:
    (tree / "link.yaml").symlink_to("apps/db/secret.yaml")
    assert files.read_confined(tree, "link.yaml", 100) == b"b: 2\n"


@pytest.mark.parametrize(
    "path", ["../outside.yaml", "apps/../../outside.yaml", "link.yaml", "linked/outside.yaml", "."]
)
def test_read_confined_refuses_to_leave_the_tree(tree: Path, path: str) -> None:
    (tree / "link.yaml").symlink_to("../outside.yaml")
    (tree / "linked").symlink_to("..")
    with pytest.raises(EscapeError):
        files.read_confined(tree, path, 100)


def test_read_confined_refuses_an_absolute_path(tree: Path) -> None:
    with pytest.raises(EscapeError):
        files.read_confined(tree, str(tree / "a.yaml"), 100)


def test_read_confined_refuses_a_link_put_in_place_after_the_check(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tree / "late.yaml").symlink_to("../outside.yaml")
    monkeypatch.setattr(os.path, "realpath", os.path.abspath)
    with pytest.raises(EscapeError, match="symbolic link"):
        files.read_confined(tree, "late.yaml", 100)


def test_read_confined_refuses_a_pipe_without_waiting(tree: Path) -> None:
    os.mkfifo(tree / "pipe.yaml")
    with pytest.raises(EscapeError, match="not a regular file"):
        files.read_confined(tree, "pipe.yaml", 100)


def test_read_confined_refuses_a_file_over_the_limit(tree: Path) -> None:
    assert files.read_confined(tree, "a.yaml", 5) == b"a: 1\n"
    with pytest.raises(LimitError, match="larger than 4 bytes"):
        files.read_confined(tree, "a.yaml", 4)


def test_walk_lists_files_sorted_and_without_git(tree: Path) -> None:
    (tree / "apps" / "a.yaml").touch()
    (tree / "loop").symlink_to(".")
    (tree / "same").symlink_to("apps")
    assert listing.walk(tree) == ["a.yaml", "apps/a.yaml", "apps/db/secret.yaml"]


def test_walk_refuses_a_linked_folder_outside_the_tree(tree: Path) -> None:
    (tree / "out").symlink_to("..")
    with pytest.raises(EscapeError, match="outside"):
        listing.walk(tree)


def test_walk_names_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError):
        listing.walk(tmp_path / "absent")


def test_write_creates_a_file_with_the_mode_asked_for(tmp_path: Path) -> None:
    files.write_atomic(tmp_path / "new", b"x", 0o600)
    assert (tmp_path / "new").read_bytes() == b"x"
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o600


def test_write_keeps_mode_and_symlink_target(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"old")
    target.chmod(0o640)
    link = tmp_path / "link"
    link.symlink_to("target")
    files.write_atomic(link, b"new", 0o600, replaces=b"old")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


def test_write_refuses_to_overwrite_what_someone_else_changed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"theirs")
    with pytest.raises(ChangedFileError):
        files.write_atomic(path, b"ours", replaces=b"old")
    assert path.read_bytes() == b"theirs"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(FileAccessError, match="no space left on device"):
        files.write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_write_goes_straight_to_what_is_no_regular_file(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    files.write_atomic(pipe, b"through")
    reader.join()
    assert read == [b"through"]


def test_write_names_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError):
        files.write_atomic(tmp_path / "absent" / "file", b"x")


def test_create_makes_a_private_file(tmp_path: Path) -> None:
    files.create(tmp_path / "key", b"secret")
    assert (tmp_path / "key").read_bytes() == b"secret"
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["key"]


def test_create_never_replaces(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"old")
    with pytest.raises(FileAccessError, match="already exists"):
        files.create(tmp_path / "key", b"new")
    assert (tmp_path / "key").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["key"]


def test_walk_stops_at_its_limit_whatever_the_files_are(tree: Path) -> None:
    assert listing.walk(tree, at_most=2) == ["a.yaml", "apps/db/secret.yaml"]
    with pytest.raises(LimitError, match="more than 1 files"):
        listing.walk(tree, at_most=1)


def test_walk_lists_folders_nested_deeper_than_python_calls(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tree)
    depth = sys.getrecursionlimit() + 50
    for _ in range(depth):
        os.mkdir("d")
        os.chdir("d")
    Path("deep.yaml").touch()
    try:
        assert listing.walk(tree)[-1].endswith("d/deep.yaml")
    finally:  # what removes the test's folder would recurse too deeply
        os.unlink("deep.yaml")
        for _ in range(depth):
            os.chdir("..")
            os.rmdir("d")


def test_a_link_in_a_circle_is_listed_and_not_read(tree: Path) -> None:
    (tree / "circle.yaml").symlink_to("circle.yaml")
    assert "circle.yaml" in listing.walk(tree)
    with pytest.raises(EscapeError):
        files.read_confined(tree, "circle.yaml", 100)


def test_a_path_with_a_zero_byte_is_no_file(tree: Path) -> None:
    with pytest.raises(MissingFileError):
        files.read_confined(tree, "a\0.yaml", 100)


@pytest.fixture(params=["by descriptor", "by path"])
def stage(tree: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the tree, on a system that names files by their folder's descriptor, and on one that cannot."""
    if request.param == "by path":
        monkeypatch.setattr(folders, "BY_DESCRIPTOR", False)
    return tree


def test_a_write_below_makes_its_folders_and_keeps_the_mode(stage: Path) -> None:
    files.write_below(stage, "a/b/new.yaml", b"x", 0o640)
    assert (stage / "a/b/new.yaml").read_bytes() == b"x"
    files.write_below(stage, "a/b/new.yaml", b"y", 0o600, replaces=b"x")
    assert (stage / "a/b/new.yaml").read_bytes() == b"y"
    assert stat.S_IMODE((stage / "a/b/new.yaml").stat().st_mode) == 0o640
    assert os.listdir(stage / "a/b") == ["new.yaml"]


def test_a_root_may_be_named_by_a_link(stage: Path, tmp_path: Path) -> None:
    (tmp_path / "named").symlink_to(stage)
    files.write_below(tmp_path / "named", "keys/new", b"x")
    assert (stage / "keys/new").read_bytes() == b"x"


WRITES: dict[str, Callable[[Path, str], None]] = {
    "write": lambda root, path: files.write_below(root, path, b"ours"),
    "create": lambda root, path: files.create_below(root, path, b"ours"),
    "remove": files.remove_below,
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
@pytest.mark.parametrize("target", ["outside", "tree/inside"])
def test_nothing_is_written_or_removed_below_through_a_linked_folder(
    stage: Path, tmp_path: Path, write: Callable[[Path, str], None], target: str
) -> None:
    away = tmp_path / target
    away.mkdir(parents=True)
    (away / "file").write_bytes(b"theirs")
    (stage / "link").symlink_to(away)
    for path in ("link/file", "link/deeper/file", "link/new"):
        with pytest.raises(EscapeError, match="symbolic link"):
            write(stage, path)
    assert [path.read_bytes() for path in away.iterdir()] == [b"theirs"]


@pytest.mark.parametrize("replaces", [None, b"theirs"])
def test_a_write_below_replaces_no_link_and_writes_to_no_pipe(
    stage: Path, tmp_path: Path, replaces: bytes | None
) -> None:
    (tmp_path / "outside").write_bytes(b"theirs")
    (stage / "link").symlink_to(tmp_path / "outside")
    (stage / "dangling").symlink_to(tmp_path / "nowhere")
    os.mkfifo(stage / "pipe")
    for path in ("link", "dangling", "pipe"):
        with pytest.raises(EscapeError):
            files.write_below(stage, path, b"ours", replaces=replaces)
    assert (tmp_path / "outside").read_bytes() == b"theirs"
    assert not (tmp_path / "nowhere").exists()
    assert (stage / "link").is_symlink()


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/tmp/x", "", ".", "a//b", "a/./b", "a\0b"])
def test_a_path_that_is_not_below_is_refused(stage: Path, path: str) -> None:
    for write in WRITES.values():
        with pytest.raises(EscapeError, match="leads out"):
            write(stage, path)


def test_creating_below_never_replaces(stage: Path) -> None:
    (stage / "there").write_bytes(b"theirs")
    with pytest.raises(FileAccessError, match="already exists"):
        files.create_below(stage, "there", b"ours")
    assert (stage / "there").read_bytes() == b"theirs"


def test_removing_what_is_gone_is_no_error(stage: Path) -> None:
    (stage / "gone").write_bytes(b"")
    files.remove_below(stage, "gone")
    files.remove_below(stage, "gone")
    files.remove_below(stage, "never/was")
    assert not (stage / "gone").exists()


def test_a_folder_that_becomes_a_link_while_it_is_written_leads_nowhere_else(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tree / "folder").mkdir()
    (tmp_path / "outside").mkdir()
    fsync = os.fsync
    swapped: list[Path] = []

    def swap_first(descriptor: int) -> None:
        if not swapped:
            swapped.append((tree / "folder").rename(tree / "moved"))
            (tree / "folder").symlink_to(tmp_path / "outside")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", swap_first)
    files.write_below(tree, "folder/new", b"x")
    assert list((tmp_path / "outside").iterdir()) == []
    assert (tree / "moved/new").read_bytes() == b"x"
