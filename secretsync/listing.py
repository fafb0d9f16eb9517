"""Which files lie below a folder, without following a link anywhere."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress

from secretsync.errors import EscapeError, LimitError
from secretsync.files import is_below
from secretsync.folders import refusal


def walk(
    root: str | os.PathLike[str], *, skip: frozenset[str] = frozenset({".git"}), at_most: int | None = None
) -> list[str]:
    """Return the paths of all files below the folder `root`, relative to it and sorted; folders named in `skip` left out.

    A link to a folder of the same tree is not followed, because that folder's files are listed where they are.

    Raises:
        EscapeError: a link to a folder leads out of `root`.
        LimitError: there are more than `at_most` files.
        MissingFileError, FileAccessError: a folder is missing or may not be listed.
    """
    top = os.path.realpath(root)
    start = len(os.path.join(top, ""))
    found: list[str] = []
    for path in _files_below(top, skip):
        found.append(path[start:])
        if at_most is not None and len(found) > at_most:
            raise LimitError(f"more than {at_most} files", location=os.fspath(root))
    return sorted(found)


def _files_below(top: str, skip: frozenset[str]) -> Iterator[str]:
    folders = [top]
    while folders:  # no recursion: a repository may nest its folders deeper than Python its calls
        folder = folders.pop()
        try:
            with os.scandir(folder) as listing:
                entries = list(listing)
        except OSError as error:
            raise refusal(error, folder) from error
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in skip:
                    folders.append(entry.path)
            elif not leads_to_folder(entry):
                yield entry.path
            elif not is_below(os.path.join(os.path.realpath(entry.path), ""), top):
                raise EscapeError(f"is a link to a folder outside {top!r}", location=entry.path)


def leads_to_folder(entry: os.DirEntry[str]) -> bool:
    """Return whether a link of a listing leads to a folder; one in a circle leads nowhere."""
    with suppress(OSError):  # a link in a circle: whoever reads it is told
        return entry.is_dir()
    return False
