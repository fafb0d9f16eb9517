"""One path of a merge that is not finished: the three versions that git keeps of it, and how it is settled."""

from __future__ import annotations

import os
from typing import NamedTuple

from secretsync.errors import RepositoryError, SecretsyncError
from secretsync.git.history import REGULAR
from secretsync.git.index import Index, StagedEntry, path_within
from secretsync.git.running import Git
from secretsync.git.unresolved import UnresolvedMerges

_OURS, _THEIRS = 2, 3
_REBASE = ("rebase-merge", "rebase-apply")


class MergeStages(NamedTuple):
    """A path as base, ours and theirs have it; None where one has no such file."""

    base: bytes | None
    ours: bytes | None
    theirs: bytes | None

    def __repr__(self) -> str:
        return "MergeStages(…)"


class UnfinishedMerge:
    """A path of a working tree whose merge is not finished, by the index that git means."""

    def __init__(self, root: str, path: str, staged: dict[int, StagedEntry], notes: UnresolvedMerges) -> None:
        self.path = path
        self._root = root
        self._staged = staged
        self._notes = notes

    @classmethod
    def of(cls, file: str) -> UnfinishedMerge:
        """Return the merge of a file: what the index has of it, or, where it was staged before it was resolved, had.

        Raises:
            RepositoryError: there is no repository; no merge of this file is unfinished; it is no regular file.
        """
        notes = UnresolvedMerges.of(os.path.realpath(os.path.dirname(os.path.abspath(file))))
        path = path_within(notes.root, file)
        with Index(notes.root) as index:
            staged = index.stages(path)
            noted = any(each.path == path for each in notes.noted())
            if noted and not staged:
                staged = index.stages(path, undone=True)
        if not staged and not noted:
            raise RepositoryError("no merge left it unresolved", location=file, hint="git status")
        if any(each.mode not in REGULAR for each in staged.values()):
            raise RepositoryError(
                "is no regular file on every side", location=file, hint="git checkout --ours, or --theirs"
            )
        return cls(notes.root, path, staged, notes)

    @property
    def has_stages(self) -> bool:
        """Whether git still knows what was merged."""
        return bool(self._staged)

    def versions(self) -> MergeStages:
        """Return what was merged. Raises: RepositoryError."""
        with Index(self._root) as index:
            found = {stage: index.read(entry.id) for stage, entry in self._staged.items()}
        return MergeStages(found.get(1), found.get(_OURS), found.get(_THEIRS))

    def is_rebase(self) -> bool:
        """Whether a rebase merges, where ours is the branch that it rebases onto."""
        folder = Git.called_by_git(self._root).text("rev-parse", "--absolute-git-dir")
        return any(os.path.isdir(os.path.join(folder, name)) for name in _REBASE)

    def settle(self, data: bytes | None) -> None:
        """Stage the outcome, None for a deleted file, and take the note off. Raises: RepositoryError."""
        like = self._staged.get(_OURS) or self._staged.get(_THEIRS)
        with Index(self._root) as index:
            if like is None:
                like = index.entries().get(self.path)
            if like is not None:
                index.settle(self.path, data, like)
        self._notes.forget(self.path)


def is_unfinished(file: str) -> bool:
    """Whether git has several versions of a file, or one that is noted; not where there is no git."""
    try:
        UnfinishedMerge.of(file)
    except SecretsyncError:
        return False
    return True
