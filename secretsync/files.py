"""The only way to the file system: reads that stay in their tree and notice change, writes that are whole or not there.

Repository content is untrusted, so `read_confined` and all `…_below` open every step below their root without following
links. What a file means, and which files of a tree matter, is decided elsewhere.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from secretsync.errors import ChangedFileError, EscapeError, FileAccessError, LimitError, MissingFileError
from secretsync.folders import (
    BY_DESCRIPTOR,
    CLOSED_ON_EXEC,
    TEMPORARY_PREFIX,
    Durable,
    OpenFolder,
    read_up_to,
    refusal,
    write_all,
)

__all__ = [
    "STDIN", "TEMPORARY_PREFIX", "create", "create_below", "is_below", "read", "read_confined", "read_stdin", "remove_below",
    "sync_folder", "take_below", "write_atomic", "write_below",
]  # fmt: skip

STDIN: Final = "-"

_NO_NAMES: Final = frozenset(("", os.curdir, os.pardir))
"""Steps of a path that lead to no file of that name."""


def read(path: str | os.PathLike[str]) -> bytes:
    """Return all bytes of a file the user named, or of standard input for `-`; pipes and devices are fine.

    Raises:
        MissingFileError: there is no such file.
        FileAccessError: it is a folder, or may not be read.
        ChangedFileError: it changed while it was being read.
    """
    if (name := os.fspath(path)) == STDIN:
        return read_stdin()
    try:
        descriptor = os.open(name, os.O_RDONLY | CLOSED_ON_EXEC | getattr(os, "O_BINARY", 0))
    except OSError as error:
        raise refusal(error, name) from error
    if stat.S_ISDIR(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileAccessError("is a directory", location=name)
    return _read_and_close(descriptor, name, limit=None)


def read_stdin(limit: int = -1) -> bytes:
    """Return what this process is sent on standard input, at most `limit` bytes of it where that is not negative."""
    return sys.stdin.buffer.read(limit)


def read_confined(root: str | os.PathLike[str], relpath: str, limit: int) -> bytes:
    """Return the bytes of a regular file below the folder `root`; at most `limit` bytes.

    A symbolic link is followed where its target is a regular file of the same tree.

    Raises:
        EscapeError: the path or a link on it leads out of `root`, or to something that is no regular file.
        LimitError: the file is larger than `limit`.
        MissingFileError, FileAccessError, ChangedFileError: as for `read`.
    """
    location = os.path.join(root, relpath)
    if "\0" in relpath:
        raise MissingFileError("no such file or directory", location=location)
    top = os.path.realpath(root)
    descriptor = _opened_without_links(top, relpath)
    if descriptor is None:
        target = os.path.realpath(os.path.join(top, relpath))
        if os.path.isabs(relpath) or not is_below(target, top):
            raise EscapeError(f"leads out of {os.fspath(root)!r}", location=location)
        try:
            descriptor = _opened_below(top, os.path.relpath(target, top).split(os.sep))
        except OSError as error:
            raise refusal(error, location) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise EscapeError("is not a regular file", location=location)
    return _read_and_close(descriptor, location, limit=limit)


def _opened_without_links(top: str, relpath: str) -> int | None:
    """Open a file where no link is on the way, as is nearly always so; None where there may be one, or anything else."""
    steps = relpath.split(os.sep)
    if not BY_DESCRIPTOR or not _NO_NAMES.isdisjoint(steps):
        return None
    try:
        return _opened_below(top, steps)
    except OSError:
        return None


def _opened_below(top: str, steps: list[str]) -> int:
    """Open a file below a folder, each step without following a link. Raises: OSError."""
    *folders, name = steps
    with OpenFolder(top) as folder:
        for step in folders:
            folder.enter(step)
        return folder.open(name)


def write_atomic(
    path: str | os.PathLike[str], data: bytes, mode: int | None = None, *, replaces: bytes | None = None
) -> None:
    """Put `data` in place of the file as one step that survives a crash; the file is old or new, never torn.

    The mode and owner of an existing file are kept, a symbolic link's target is what is replaced. A new file gets
    `mode`, or what the umask leaves of 0666. `replaces` is the content the new one was made from. A target that is
    no regular file (`/dev/stdout`, a pipe) is written to directly.

    Raises:
        ChangedFileError: the file no longer holds `replaces`.
        FileAccessError: the folder is missing, full or may not be written.
    """
    name = os.fspath(path)
    target = os.path.realpath(name)
    try:
        present = os.stat(target)
    except OSError:
        present = None
    try:
        if present is not None and not stat.S_ISREG(present.st_mode):
            _write_directly(target, data)
            return
        with OpenFolder(os.path.dirname(target)) as folder:
            folder.replace(os.path.basename(target), data, mode, present, replaces)
    except OSError as error:
        raise refusal(error, name) from error


def create(path: str | os.PathLike[str], data: bytes, mode: int = 0o600) -> None:
    """Put a new file at `path`, whole or not at all; what is there already is never replaced.

    Raises:
        FileAccessError: something is there, or the folder is missing, full or may not be written.
    """
    name = os.fspath(path)
    try:
        with OpenFolder(os.path.dirname(os.path.abspath(name))) as folder:
            folder.create(os.path.basename(name), data, mode)
    except FileExistsError:
        raise FileAccessError("already exists; not overwritten", location=name) from None
    except OSError as error:
        raise refusal(error, name) from error


def write_below(
    root: str | os.PathLike[str],
    relpath: str,
    data: bytes,
    mode: int | None = None,
    *,
    replaces: bytes | None = None,
    durable: Durable = "all",
) -> None:
    """Put `data` at a path below the folder `root` as `write_atomic` does, its folders made, no link on the way followed.

    Raises:
        EscapeError: the path leads out of `root`, a step on it is a link, or no regular file stands there.
        ChangedFileError, FileAccessError: as for `write_atomic`.
    """
    with _folder_of(root, relpath, make=True, durable=durable) as (folder, name):
        present = folder.status(name)
        if present is not None and not stat.S_ISREG(present.st_mode):
            raise EscapeError("is a symbolic link, or no regular file", location=os.path.join(root, relpath))
        folder.replace(name, data, mode, present, replaces)


def create_below(root: str | os.PathLike[str], relpath: str, data: bytes, mode: int = 0o600) -> None:
    """Put a new file below the folder `root` as `create` does, its folders made, no link on the way followed.

    Raises:
        EscapeError: as for `write_below`.
        FileAccessError: as for `create`.
    """
    with _folder_of(root, relpath, make=True) as (folder, name):
        folder.create(name, data, mode)


def take_below(root: str | os.PathLike[str], relpath: str, path: str) -> None:
    """Move the file at `path`, on the same disk, to a place below `root`; folders are made, no link is followed.

    Raises:
        EscapeError, FileAccessError: as for `write_below`.
    """
    with _folder_of(root, relpath, make=True) as (folder, name), OpenFolder(os.path.dirname(path)) as other:
        folder.take(other, os.path.basename(path), name)
        folder.sync()


def remove_below(root: str | os.PathLike[str], relpath: str) -> None:
    """Remove a file below the folder `root`, where there is one; no link on the way is followed.

    Raises:
        EscapeError: as for `write_below`.
        FileAccessError: it may not be removed.
    """
    with suppress(MissingFileError), _folder_of(root, relpath) as (folder, name):
        folder.remove(name)


def is_below(path: str, top: str) -> bool:
    """Say whether a real path lies in the real folder `top`; the folder itself does not."""
    return path.startswith(top if top.endswith(os.sep) else top + os.sep)


def sync_folder(path: str) -> None:
    """Put the names in a folder on disk, so that a file that was put in place stays there."""
    with OpenFolder(path) as folder:
        folder.sync()


@contextmanager
def _folder_of(
    root: str | os.PathLike[str], relpath: str, *, make: bool = False, durable: Durable = "all"
) -> Iterator[tuple[OpenFolder, str]]:
    """Hold the folder of a path below `root` open, and give it with the last step; errors are placed at the path."""
    location = os.path.join(root, relpath)
    *folders, name = relpath.replace(os.sep, "/").split("/")
    if "\0" in relpath or os.path.isabs(relpath) or {"", ".", ".."} & {*folders, name}:
        raise EscapeError(f"leads out of {os.fspath(root)!r}", location=location)
    try:
        with OpenFolder(os.fspath(root), durable) as folder:
            for step in folders:
                folder.enter(step, make=make)
            yield folder, name
    except FileExistsError:
        raise FileAccessError("already exists; not overwritten", location=location) from None
    except OSError as error:
        raise refusal(error, location) from error


def _read_and_close(descriptor: int, location: str, *, limit: int | None) -> bytes:
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        before = os.fstat(descriptor)
        if limit is not None and before.st_size > limit:
            raise LimitError(f"is larger than {limit} bytes", location=location)
        try:
            data = file.readall() if limit is None else read_up_to(file, before.st_size + 1)
        except OSError as error:
            raise refusal(error, location) from error
        after = os.fstat(descriptor)
    grew = limit is not None and len(data) != before.st_size
    if stat.S_ISREG(after.st_mode) and (grew or _version(before) != _version(after)):
        raise ChangedFileError("changed while it was being read", location=location, hint="run the command again")
    return data


def _version(status: os.stat_result) -> tuple[int, int, int]:
    """Return what differs once a file was written to; the change time also tells where a writer reset the other."""
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _write_directly(target: str, data: bytes) -> None:
    with open(target, "wb", buffering=0) as file:
        write_all(file, data)
