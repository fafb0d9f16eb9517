"""Where the files come from that are examined: a work tree, or what git has staged."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

import secretsync.audit.walking as walking
from secretsync import files
from secretsync.errors import ConfigError, FileAccessError, LimitError
from secretsync.git.history import REGULAR
from secretsync.git.index import Index, path_within

Reading: TypeAlias = "Callable[[int], bytes]"
"""Returns a file's bytes, at most so many. Raises: FileAccessError, LimitError, RepositoryError."""


class FileToExamine(NamedTuple):
    """One file to examine. `name` is what decides its store, `shown` is for messages and relative to the working folder.

    `found` says that nobody named it: it lay in a folder. `read` takes the most bytes that a found file may have.
    """

    name: str
    shown: str
    found: bool
    read: Reading


def chosen(paths: Iterable[str | FileToExamine]) -> Iterator[FileToExamine]:
    """Yield the files that were named, and those of folders; hidden ones too, since `.env` is where secrets are kept.

    Raises:
        FileAccessError: a folder cannot be listed.
    """
    for path in paths:
        if isinstance(path, FileToExamine):
            yield path
        elif path == files.STDIN or not os.path.isdir(path):
            yield FileToExamine(path, path, found=False, read=_named(path))
        else:
            yield from _lying_in(path)


def _lying_in(folder: str) -> Iterator[FileToExamine]:
    for name, problem in walking.below(folder):
        read = _below(folder, name) if problem is None else _refused(problem)
        yield FileToExamine(name, os.path.normpath(os.path.join(folder, name)), found=True, read=read)


def staged(index: Index, paths: Sequence[str]) -> Iterator[FileToExamine]:
    """Yield the regular files that are staged below `paths`, or, without any, those that differ from the last commit.

    Raises:
        ConfigError: a path lies outside the repository, or nothing of it is staged.
        RepositoryError: the index cannot be read, or a merge is not finished.
    """
    entries = index.entries()
    wanted = _staged_below(index, entries, paths) if paths else index.changed()
    for path in sorted(path for path in set(wanted) if entries[path].mode in REGULAR):
        shown = os.path.relpath(os.path.join(index.root, path))
        yield FileToExamine(path, shown, found=True, read=_blob(index, entries[path].id, shown))


def _named(path: str) -> Reading:
    return lambda _: files.read(path)


def _below(root: str, name: str) -> Reading:
    return lambda most: files.read_confined(root, name, most)


def _refused(problem: FileAccessError) -> Reading:
    def read(_: int) -> bytes:
        raise problem

    return read


def _blob(index: Index, blob: str, shown: str) -> Reading:
    def read(most: int) -> bytes:
        data = index.read(blob)
        if len(data) > most:
            raise LimitError(f"is larger than {most} bytes", location=shown)
        return data

    return read


def _staged_below(index: Index, entries: Collection[str], paths: Sequence[str]) -> list[str]:
    found: list[str] = []
    for path in paths:
        inside = path_within(index.root, path)
        if inside.partition("/")[0] == os.pardir:
            raise ConfigError("lies outside the repository whose index is asked for", location=path)
        some = [each for each in entries if inside in {".", each} or each.startswith(f"{inside}/")]
        if not some and inside != ".":
            raise ConfigError("nothing is staged there", location=path, hint="git add it first")
        found += some
    return found
