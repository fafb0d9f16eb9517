"""Where configuration and baseline are read: the work tree, what git has staged, or a revision that a reviewer has seen."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final, Protocol

from secretsync import files
from secretsync.errors import ConfigError, MissingFileError
from secretsync.git import Repository
from secretsync.git.history import REGULAR
from secretsync.git.index import Index

MAX_SIZE: Final = 16 * 1024 * 1024
"""Bytes of a configuration or baseline: one of 100,000 findings has 15 MB."""

_NO_FILE: Final = "is a link, a folder or a submodule, and has to be a file"


class ConfigurationOrigin(Protocol):
    """One state of a repository's files. Paths are relative to its root, with `/`."""

    def read(self, path: str) -> bytes | None:
        """Return a file's bytes, None where there is nothing. Raises: SecretsyncError."""

    def shown(self, path: str) -> str:
        """Return what messages call the file."""


class WorkTree:
    """The files as they lie there."""

    def __init__(self, root: str) -> None:
        self._root = root

    def read(self, path: str) -> bytes | None:
        """See `ConfigurationOrigin.read`; a link is followed within the tree."""
        if not os.path.lexists(os.path.join(self._root, path)):
            return None
        try:
            return files.read_confined(self._root, path, MAX_SIZE)
        except MissingFileError:
            raise ConfigError("is a link to nothing", location=self.shown(path)) from None

    def shown(self, path: str) -> str:
        """See `ConfigurationOrigin.shown`."""
        return os.path.relpath(os.path.join(self._root, path))


class Staged:
    """The files of the next commit."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._entries = index.entries()

    def read(self, path: str) -> bytes | None:
        """See `ConfigurationOrigin.read`."""
        entry = self._entries.get(path)
        if entry is None:
            return None
        if entry.mode not in REGULAR:
            raise ConfigError(_NO_FILE, location=self.shown(path))
        return self._index.read(entry.id)

    def shown(self, path: str) -> str:
        """See `ConfigurationOrigin.shown`."""
        return f":{path}"  # as git calls it


class Revision:
    """The files of a commit."""

    def __init__(self, root: str, name: str) -> None:
        """Raises: RepositoryError: there is no repository, or no such commit."""
        self._repository = Repository.containing(root)
        self.name = name
        self._commit = self._repository.resolve(name)

    def read(self, path: str) -> bytes | None:
        """See `ConfigurationOrigin.read`."""
        entry = self._repository.entries(self._commit, path).get(path)
        if entry is None:
            return None
        if entry.mode not in REGULAR:
            raise ConfigError(_NO_FILE, location=self.shown(path))
        with self._repository.reader() as reader:
            return reader.read(entry.id)

    def read_all(self, is_wanted: Callable[[str], bool]) -> dict[str, bytes]:
        """Return the files whose paths are wanted, with their bytes."""
        blobs = self._repository.blobs(self._commit)
        with self._repository.reader() as reader:
            return {path: reader.read(blob) for path, blob in blobs.items() if is_wanted(path)}

    def shown(self, path: str) -> str:
        """See `ConfigurationOrigin.shown`."""
        return f"{self.name}:{path}"  # as git calls it
