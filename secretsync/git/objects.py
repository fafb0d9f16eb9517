"""Reading many objects through one `git cat-file --batch`: a pipe instead of a process each.

Source of the protocol: git-cat-file(1), BATCH OUTPUT.
"""

from __future__ import annotations

import os
from types import TracebackType
from typing import Self

from secretsync.errors import RepositoryError
from secretsync.git.running import Git, Process


class ObjectReader:
    """A running `cat-file`; use it as a context, and in one process only."""

    def __init__(self, git: Git) -> None:
        self._process: Process = git.start("cat-file", "--batch")
        self._folder = git.folder

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.stderr.close()
        self._process.wait()

    def read(self, name: str) -> bytes:
        """Return a blob by its id, or as `COMMIT:PATH`. Raises: RepositoryError where there is none."""
        data = self.read_if_present(name)
        if data is None:
            raise RepositoryError(f"there is no object {name!r}", location=self._folder)
        return data

    def read_if_present(self, name: str) -> bytes | None:
        """Return a blob, or None where there is none of this name."""
        found = self._ask(name)
        return found[1] if found else None

    def blob_id(self, name: str) -> str:
        """Return the id of a blob given as `COMMIT:PATH`, empty where there is none."""
        found = self._ask(name)
        return found[0] if found else ""

    def _ask(self, name: str) -> tuple[str, bytes] | None:
        if "\n" in name:
            return None
        self._process.stdin.write(os.fsencode(name) + b"\n")
        self._process.stdin.flush()
        header = self._process.stdout.readline()
        words = header.split()
        if header.endswith((b" missing\n", b" ambiguous\n")) or len(words) != 3:
            return None
        data = self._process.stdout.read(int(words[2]))
        self._process.stdout.read(1)
        return (words[0].decode("ascii"), data) if words[1] == b"blob" else None
