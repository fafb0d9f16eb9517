"""Files that stay open between plan, change and proof, so that each is read, unwrapped and decrypted once."""

from __future__ import annotations

from typing import Final, NamedTuple

from secretsync.documents.tree import Source
from secretsync.sops.open_file import OpenFile

_LIMIT: Final = 2 * 1024 * 1024
"""Bytes of files in one process. Their trees are some twenty times as large; measured."""


class KeptFile(NamedTuple):
    """A file as it was: its bytes, and what it opened to."""

    data: bytes
    opened: OpenFile


class ReadBack(NamedTuple):
    """A file as it was written, and the tree that reading those bytes gave."""

    data: bytes
    source: Source


class OpenFiles:
    """Files by their blob before the change. What is not kept, because all of it would be too large, is opened again."""

    def __init__(self) -> None:
        self._files: dict[str, KeptFile] = {}
        self._written: dict[str, ReadBack] = {}
        self._size = 0

    def keep(self, blob: str, data: bytes, opened: OpenFile) -> None:
        """Keep a file as it was."""
        if blob not in self._files and self._fits(data):
            self._files[blob] = KeptFile(data, opened)

    def keep_written(self, blob: str, data: bytes, source: Source | None) -> None:
        """Keep what a file became."""
        if blob not in self._written and source is not None and self._fits(data):
            self._written[blob] = ReadBack(data, source)

    def find(self, blob: str) -> KeptFile | None:
        """Return a file as it was."""
        return self._files.get(blob)

    def take(self, blob: str) -> KeptFile | None:
        """Return a file as it was, and keep it no longer."""
        found = self._files.pop(blob, None)
        self._size -= len(found.data) if found else 0
        return found

    def take_source(self, blob: str, data: bytes) -> Source | None:
        """Return the tree of a written file if it is of exactly these bytes, and keep it no longer."""
        found = self._written.pop(blob, None)
        self._size -= len(found.data) if found else 0
        return found.source if found and found.data == data else None

    def _fits(self, data: bytes) -> bool:
        fits = self._size + len(data) <= _LIMIT
        self._size += len(data) if fits else 0
        return fits
