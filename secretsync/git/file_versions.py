"""The versions of one file that git knows: what its neighbours in history hold, and what it ever was."""

from __future__ import annotations

import os
from functools import cached_property
from typing import Final, NamedTuple

from secretsync.errors import RepositoryError
from secretsync.git.history import Arrival
from secretsync.git.index import Index, path_within
from secretsync.git.objects import ObjectReader
from secretsync.git.repository import Repository

MOST_COMMITS: Final = 1000
"""How many commits of a file are looked at for what it was before."""
_HINT: Final = "name one: --since COMMIT"
_OTHER_SIDES: Final = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REBASE_HEAD", "REVERT_HEAD^")
"""What git calls the other side while a merge, cherry-pick, rebase or revert is not finished."""


class NamedVersion(NamedTuple):
    """One version of a file: the name it has for people, and its bytes."""

    label: str
    data: bytes


class EarlierVersion(NamedTuple):
    """A version that one commit made: the commit and its date in ISO 8601, and the bytes."""

    commit: str
    date: str
    data: bytes


class FileVersions:
    """One file of a working tree, by its `path` from the root, and what it was made of.

    `neighbours` are the version of a commit that somebody named, or both sides of a merge, or else the last one. While a
    merge or the like is under way, they are its sides; of a file that HEAD has as it is, what the parents of HEAD have.
    """

    def __init__(self, repository: Repository, path: str, data: bytes, since: str | None) -> None:
        """Find the neighbours of `data`, which is the file as it is now. Raises: as `of`."""
        self.path = path
        self._data = data
        self._repository = repository
        self._under_way = {name: one for name in ("HEAD", *_OTHER_SIDES) if (one := self._commit(name))}
        self.neighbours = [] if since else self._staged()
        if not self.neighbours:
            commits = {since: repository.resolve(since)} if since else self._sides(data)
            self.neighbours = [NamedVersion(name, one) for name, at in commits.items() for one in self._at(at)]
        if not self.neighbours:
            raise RepositoryError("no commit to compare it with has this file", location=path, hint=_HINT)

    @classmethod
    def of(cls, file: str, data: bytes, since: str | None = None) -> FileVersions:
        """Find the repository of a file, and its neighbours there.

        Raises:
            RepositoryError: there is none; there is no such commit; none has the file.
        """
        folder = os.path.realpath(os.path.dirname(os.path.abspath(file)))
        with Index.of(folder) as index:
            root = os.path.realpath(index.root)
        return cls(Repository.containing(root), path_within(root, file), data, since)

    def earlier(self) -> list[EarlierVersion]:
        """Return what the file was in history, the newest first, under the names that it had; but as it is now.

        Raises:
            RepositoryError: git does not give a version that it knows of.
        """
        history, missing = self._repository.history, self._repository.left_out()
        found = [one for one in self._arrivals if one.after not in missing]
        dates = {one.commit: one.date for one in history.entries(dict.fromkeys(each.commit for each in found))}
        with self._repository.reader() as reader:
            all_of_it = [EarlierVersion(one.commit, dates[one.commit], reader.read(one.after)) for one in found]
        return [one for one in all_of_it if one.data != self._data]

    def others(self) -> list[bytes]:
        """Return what the other sides of a merge under way have, whoever is compared with."""
        return [data for name, at in self._under_way.items() if name != "HEAD" for data in self._at(at)]

    def is_cut_off(self) -> bool:
        """Whether history holds more than is looked at, or once held more than this clone has."""
        repository = self._repository
        is_partial = repository.is_shallow() or bool(repository.left_out())
        return is_partial or len({one.commit for one in self._arrivals}) >= MOST_COMMITS

    @cached_property
    def _arrivals(self) -> list[Arrival]:
        tips = list(dict.fromkeys(self._under_way.values()))
        return self._repository.history.arrivals_at(tips, self._names, limit=MOST_COMMITS) if tips else []

    @cached_property
    def _names(self) -> list[str]:
        tips = list(dict.fromkeys(self._under_way.values()))
        return self._repository.history.names_of(tips, self.path, limit=MOST_COMMITS) if tips else [self.path]

    def _staged(self) -> list[NamedVersion]:
        with Index.of(self._repository.root) as index:
            stages = index.stages(self.path)
            return [
                NamedVersion(name, index.read(stages[at].id))
                for at, name in ((2, "ours"), (3, "theirs"))
                if at in stages
            ]

    def _sides(self, data: bytes) -> dict[str, str]:
        """Return the commits to compare with, by the names that people have for them."""
        head = self._under_way.get("HEAD")
        if len(self._under_way) > 1 or not head:
            return self._under_way
        if self._at(head) != [data]:
            return {"HEAD": head}
        names = [f"HEAD^{number}" for number in range(1, 9)]
        return {name: one for name in names if (one := self._commit(name))}

    def _commit(self, name: str) -> str:
        spelled = f"{name}^{{commit}}"
        return self._repository.git.text(
            "rev-parse", "--verify", "--quiet", "--end-of-options", spelled, accept=(0, 1, 128)
        )

    def _at(self, commit: str) -> list[bytes]:
        """Return the file as a commit has it, under the name that it had there; nothing where it has none."""
        blobs = self._repository.blobs(commit, self.path) or self._repository.blobs(commit, *self._names)
        return [self._read(blobs[name]) for name in self._names if name in blobs][:1]

    def _read(self, blob: str) -> bytes:
        with ObjectReader(self._repository.git) as reader:
            return reader.read(blob)
