"""Proving files one by one: every item that does not open is told, whatever becomes of the other files."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence

from secretsync import files, listing
from secretsync.cli._terminal import say, show_progress
from secretsync.documents.tree import Limits
from secretsync.errors import ManifestError, SecretsyncError, UnsealError
from secretsync.letters import counted
from secretsync.rotation.sealed_files import holds_sealed
from secretsync.sealed.privatekeys import UnsealingKey
from secretsync.sealed.proving import TriedItems, prove


def prove_files(paths: Sequence[str], keys: Sequence[UnsealingKey]) -> TriedItems:
    """Try the SealedSecrets of every file, and of every file in the folders that are named; return what opened.

    Raises:
        UnsealError: an item does not open. Each has been told by then.
        SecretsyncError: a file cannot be read, the first of which this is; or there is no SealedSecret at all.
    """
    chosen = [each for path in paths for each in _files_of(path)]
    total = TriedItems(0, 0, [], [])
    for number, (name, root) in enumerate(chosen, 1):
        shown, found = _proof_of(name, root, keys)
        for text in (*(f"{shown}{_glue(each)}{each}" for each in found.unopened), *map(str, found.unread)):
            say(text, kind="error")
        total = total.with_more(found)
        show_progress(number, len(chosen))
    if total.unopened:
        raise UnsealError(f"{len(total.unopened)} of {counted(total.items, 'item')} open with none of the keys")
    if total.unread:
        rest = counted(len(total.unread), "SealedSecret or file")
        raise type(total.unread[0])(f"{rest} could not be read, so nothing is proved of it")
    if not total.secrets:
        raise ManifestError("no SealedSecret in what was named, so nothing is proved")
    return total


def _files_of(path: str) -> Iterator[tuple[str, str | None]]:
    """Yield each file with the folder that it was found in. Raises: as `files.walk`."""
    if path == files.STDIN or not os.path.isdir(path):
        yield path, None
        return
    for name in listing.walk(path):
        yield name, path


def _proof_of(name: str, root: str | None, keys: Sequence[UnsealingKey]) -> tuple[str, TriedItems]:
    """Return how a file is shown, and what became of it; in a folder, what holds no SealedSecret is passed over."""
    shown = name if root is None else os.path.normpath(os.path.join(root, name))
    shown = "stdin" if name == files.STDIN else shown
    data = b""
    try:
        data = files.read(name) if root is None else files.read_confined(root, name, sys.maxsize)
        if root is not None and b"SealedSecret" not in data:
            return shown, TriedItems(0, 0, [], [])
        proof = prove(data, keys, limits=Limits.unbounded())
        return shown, proof._replace(unread=[error.at(shown) for error in proof.unread])
    except SecretsyncError as error:
        passed = root is not None and data and not holds_sealed(data)
        error = error if error.location == shown else error.at(shown)
        return shown, TriedItems(0, 0, [], [] if passed else [error])


def _glue(text: str) -> str:
    """Return what stands between a file and a place in it, as errors are placed."""
    return "" if text.startswith("#") else " "
