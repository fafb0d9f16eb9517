"""Where the files of a key ring come from: a checkout, a checkout with changes not yet written, or a commit's files.

Paths are relative to the repository's root and have `/` between their steps.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol, TypeAlias

from secretsync import files, listing
from secretsync.errors import EscapeError, SecretsyncError

Changes: TypeAlias = "dict[str, bytes | None]"
"""New contents by path; None is a file that goes."""

FOLDER: Final = "keys"
MAX_SIZE: Final = 1024 * 1024  # bytes; a key ring file of a thousand keys has 400 KB


class RingSource(Protocol):
    """Read access to the files of one state of the repository, as far as the key ring needs it."""

    def read(self, path: str) -> bytes | None:
        """Return a file's bytes, or None where there is no such file. Raises: FileAccessError."""

    def names(self, folder: str) -> list[str]:
        """Return the paths of all files below `folder`, sorted; none where there is no such folder."""


class Checkout:
    """The files of a working tree, read without leaving it."""

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)

    def read(self, path: str) -> bytes | None:
        """See `Source.read`."""
        if not (self.root / path).exists() and not (self.root / path).is_symlink():
            return None
        try:
            return files.read_confined(self.root, path, MAX_SIZE)
        except SecretsyncError as error:
            error.location = path
            raise

    def names(self, folder: str) -> list[str]:
        """See `Source.names`."""
        if not (self.root / folder).is_dir():
            return []
        if not files.is_below(os.path.realpath(self.root / folder), os.path.realpath(self.root)):
            raise EscapeError("is a link out of the repository", location=folder)
        return [f"{folder}/{name}" for name in listing.walk(self.root / folder)]


class Snapshot:
    """Files held in memory, such as those of a commit."""

    def __init__(self, contents: Mapping[str, bytes]) -> None:
        self._contents = contents

    def read(self, path: str) -> bytes | None:
        """See `Source.read`."""
        return self._contents.get(path)

    def names(self, folder: str) -> list[str]:
        """See `Source.names`."""
        return sorted(path for path in self._contents if path.startswith(f"{folder}/"))


class Changed:
    """Another source with changes laid over it."""

    def __init__(self, source: RingSource, changes: Changes) -> None:
        self._source = source
        self._changes = changes

    def read(self, path: str) -> bytes | None:
        """See `Source.read`."""
        return self._changes[path] if path in self._changes else self._source.read(path)

    def names(self, folder: str) -> list[str]:
        """See `Source.names`."""
        kept = {path for path in self._source.names(folder) if self._changes.get(path, b"") is not None}
        return sorted(kept | {path for path, data in self._changes.items() if data and path.startswith(f"{folder}/")})
