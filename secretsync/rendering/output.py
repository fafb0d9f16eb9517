"""A rendering as a folder that mirrors the tree it was made from: all files, or none of them.

The files are staged beside the folder first. A folder that is not there yet appears in one step; in one that is
there, each file is replaced in one step and foreign files are left alone.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence

from secretsync import files
from secretsync.errors import ConflictingOptionsError, FileAccessError
from secretsync.rendering.formats import FORMATS, Piece
from secretsync.rendering.rendering import Rendered

_PRIVATE_FILE, _PRIVATE_FOLDER = 0o600, 0o700


def write_folder(folder: str, rendered: Rendered, *, private: bool, inputs: Sequence[str] = ()) -> None:
    """Write every file of `rendered` below `folder`; with `private` nobody else may read them.

    Raises:
        ConflictingOptionsError: two files would have one name, or `folder` lies in a folder that was read.
        FileAccessError: the disk is full, or the folder may not be written. No file has changed then.

    What is staged is removed where an exception ends this; an entry point lets signals raise one.
    """
    _refuse_inside(folder, inputs)
    target = os.path.realpath(folder)
    staging = f"{target}.{os.urandom(8).hex()}.tmp"
    named = _named(rendered.pieces)
    try:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.mkdir(staging, _PRIVATE_FOLDER if private else 0o777)
        try:
            for name, piece in named.items():
                _stage(os.path.join(staging, name), piece.data, private=private)
            _put_in_place(staging, target, list(named))
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    except OSError as error:
        raise FileAccessError((error.strerror or "cannot be written").lower(), location=folder) from None


def _named(pieces: Sequence[Piece]) -> dict[str, Piece]:
    """Return the pieces by their path, whose suffix says the format that was written."""
    named: dict[str, Piece] = {}
    for piece in pieces:
        stem, suffix = os.path.splitext(piece.relpath)
        suffixes = FORMATS[piece.format].suffixes
        name = piece.relpath if suffix in suffixes else stem + suffixes[0]
        if name in named:
            raise ConflictingOptionsError("two files would be written here; render them apart", location=name)
        named[name] = piece
    return named


def _stage(path: str, data: bytes, *, private: bool) -> None:
    os.makedirs(os.path.dirname(path), _PRIVATE_FOLDER if private else 0o777, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags, _PRIVATE_FILE if private else 0o666)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)


def _put_in_place(staging: str, target: str, names: list[str]) -> None:
    if not os.path.isdir(target) or not os.listdir(target):
        os.rename(staging, target)
        files.sync_folder(os.path.dirname(target))
        return
    for name in names:
        _require_free(target, name)
    for name in names:
        files.take_below(target, name, os.path.join(staging, name))


def _require_free(target: str, name: str) -> None:
    """Refuse what could not be replaced, before anything is."""
    *folders, last = name.split(os.sep)
    step = target
    for number, part in enumerate((*folders, last)):
        step = os.path.join(step, part)
        wanted = os.path.isdir(step) if number < len(folders) else os.path.isfile(step)
        if os.path.islink(step) or (os.path.lexists(step) and not wanted):
            raise FileAccessError("a folder or a link stands where a file is to be written", location=step)


def _refuse_inside(folder: str, inputs: Sequence[str]) -> None:
    """Refuse to write where the next rendering would read its own output."""
    target = os.path.realpath(folder)
    for path in inputs:
        top = os.path.realpath(path)
        if path != files.STDIN and os.path.isdir(top) and os.path.commonpath([top, target]) == top:
            raise ConflictingOptionsError(f"the output folder lies in {path!r}, which is read", location=folder)
