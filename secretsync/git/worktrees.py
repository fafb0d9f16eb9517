"""A branch of its own in a folder of its own: what happens there never touches the user's working tree."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Sequence
from typing import Final

from secretsync.errors import RepositoryError
from secretsync.git.repository import LogEntry, Repository
from secretsync.git.running import Git

_LOCK_PATIENCE_SECONDS: Final = 2.0


class Worktree:
    """A worktree of `repository` at `path`, on the branch `branch`."""

    def __init__(self, repository: Repository, path: str, branch: str) -> None:
        self.path = path
        self.branch = branch
        self._repository = repository

    def create(self, base: str) -> None:
        """Make branch and folder at the commit `base`; what an interrupted attempt left is removed first.

        Raises:
            RepositoryError: git refuses, or the branch holds commits.
        """
        self.remove()
        self.delete_branch(base)
        self._repository.git.output("worktree", "add", "--quiet", "-b", self.branch, self.path, base)

    def remove(self) -> None:
        """Remove the folder; the branch stays."""
        if os.path.isdir(self.path):
            self._repository.git.output("worktree", "remove", "--force", self.path, accept=(0, 128))
            shutil.rmtree(self.path, ignore_errors=True)
        self._repository.git.output("worktree", "prune")

    def delete_branch(self, expected: str) -> None:
        """Delete the branch, if there is one and it points to the commit `expected`.

        Raises:
            RepositoryError: it points elsewhere.
        """
        ref = f"refs/heads/{self.branch}"
        tip = self.tip()
        if not tip:
            return
        if tip != expected:
            raise RepositoryError(f"branch {self.branch!r} is there already, at {tip[:12]}")
        self._repository.git.output("update-ref", "-d", ref, expected)

    def tip(self) -> str:
        """Return the commit the branch points to, empty where there is no such branch."""
        return self._repository.git.text("rev-parse", "--verify", "--quiet", f"refs/heads/{self.branch}", accept=(0, 1))

    def commits(self, base: str) -> list[LogEntry]:
        """Return the commits of the branch after `base`, oldest first."""
        return self._repository.log(f"{base}..refs/heads/{self.branch}")[::-1] if self.tip() else []

    def commit(self, paths: Sequence[str], message: str) -> str:
        """Commit the present state of `paths`, missing ones as removed, and return the commit's id.

        Raises:
            RepositoryError: git refuses: there is no `user.name`, a signature cannot be made.
        """
        git = Git(self.path)
        git.feed(
            b"".join(os.fsencode(path) + b"\0" for path in paths), "update-index", "--add", "--remove", "-z", "--stdin"
        )
        git.output("commit", "--quiet", "--no-verify", "-m", message)
        return self.tip()

    def release_index(self) -> None:
        """Remove a lock on the index that a killed git left; a git that still runs is given time to end."""
        lock = Git(self.path).text("rev-parse", "--git-path", "index.lock")
        lock = os.path.join(self.path, lock)
        end = time.monotonic() + _LOCK_PATIENCE_SECONDS
        while os.path.exists(lock) and time.monotonic() < end:
            time.sleep(0.05)
        if os.path.exists(lock):
            os.unlink(lock)
