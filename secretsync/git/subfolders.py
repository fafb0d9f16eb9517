"""A folder of a repository as the place that paths start from; what lies outside of it has a path that leads up."""

from __future__ import annotations

import posixpath

from secretsync.errors import RepositoryError

_UP = ".."


class Subfolder:
    """The folder `within` a repository, by its path from the root; empty for the root itself."""

    def __init__(self, within: str) -> None:
        """Take the folder. Raises: RepositoryError where no folder of a repository has such a path."""
        steps = within.split("/") if within else []
        if any(step in {"", ".", _UP} for step in steps):
            raise RepositoryError("is no folder of a repository, by its path from the root", location=within)
        self.within = within
        self._prefix = f"{within}/" if within else ""

    def from_root(self, path: str) -> str:
        """Return a path of the folder as one from the root."""
        return self._prefix + path

    def holds(self, path: str) -> bool:
        """Whether a path from the root lies below the folder."""
        return path.startswith(self._prefix)

    def from_here(self, path: str) -> str:
        """Return a path from the root as one of the folder, which leads up (`../`) where it lies outside."""
        if path.startswith(self._prefix):
            return path.removeprefix(self._prefix)
        return posixpath.relpath(f"/{path}", f"/{self.within}")
