"""Who had an envelope of the data key that a file has, though the file does not name them any more.

New recipients for the same data key take nothing away from whoever kept an old version: its envelope, put into the
newest file, opens that. What a plan changes follows from the commits that lead to its base, and from no key, so that
every operator comes to the same plan; other refs, and keys at hand, only tell of more.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple, TypeAlias

from secretsync.git import ObjectReader, Repository
from secretsync.masterkeys import MasterKeys
from secretsync.rotation.census import Texts
from secretsync.rotation.file_metadata import Inspected, inspect
from secretsync.rotation.lineage import Lineage
from secretsync.sops.datakey import MasterKey
from secretsync.sops.recognition import FOUND_BY, spellings

Formerly: TypeAlias = Mapping[str, Mapping[MasterKey, str]]
"""By path, recipients that had an envelope of a file's data key, each with the last commit where a file said so."""


class FormerReaders(NamedTuple):
    """Former readers by the commits that lead to one, and those that only other refs or keys at hand tell of."""

    told: Formerly
    told_here: Formerly


class Leavers(NamedTuple):
    """Recipients that are taken out of the ring, and the texts that name them in files."""

    recipients: frozenset[MasterKey]
    texts: Texts


def former_readers(
    repository: Repository, commit: str, files: Iterable[Inspected], leavers: Leavers, keys: MasterKeys
) -> FormerReaders:
    """Return who of those that leave had the data keys of files which name none of them."""
    there = {one.path: one.blob for one in files if one.groups and not one.recipients & leavers.recipients}
    if not (there and leavers.recipients):
        return FormerReaders({}, {})
    with repository.reader() as reader:
        found = _Versions(reader, repository.left_out(), leavers, keys)
        found.add((one.path, one.after, one.commit) for one in repository.history.arrivals(commit))
        told = found.readers(there)
        found.add((path, blob, "") for path, blob in sorted(repository.history.brought_in()[0]))
        if found.naming:
            found.lineage.unwrap()
        more = found.readers(there)
    return FormerReaders(told, {path: some for path, some in more.items() if path not in told})


def still_rule(repository: Repository, base: str, tip: str, paths: Collection[str]) -> list[str]:
    """Return the files of `tip` that show the data key which they had in `base`."""
    if not paths:
        return []
    before, after = repository.blobs(base), repository.blobs(tip)
    with repository.reader() as reader:
        return [path for path in paths if path in before and path in after and _same(reader, path, before, after)]


def _same(reader: ObjectReader, path: str, before: Mapping[str, str], after: Mapping[str, str]) -> bool:
    lineage = Lineage(reader)
    blobs = {before[path], after[path]}
    for blob in blobs:
        lineage.add(blob, path)
    return len(blobs) == 1 or (all(one in lineage for one in blobs) and len({lineage.root(one) for one in blobs}) == 1)


class _Versions:
    """Versions of files by their data keys, and those that name whoever leaves, each with the last commit that has it."""

    def __init__(self, reader: ObjectReader, missing: Collection[str], leavers: Leavers, keys: MasterKeys) -> None:
        self.lineage = Lineage(reader, keys)
        self.naming: dict[str, tuple[frozenset[MasterKey], str]] = {}
        self._reader = reader
        self._missing = missing
        self._leavers = leavers
        self._keys = keys
        self._seen: set[str] = set()

    def add(self, arrivals: Iterable[tuple[str, str, str]]) -> None:
        """Take in versions, given with path, blob and commit, the newest first."""
        first: dict[str, tuple[str, str]] = {}
        for path, blob, commit in arrivals:
            if blob not in self._seen and blob not in self._missing:
                first.setdefault(blob, (path, commit))
        self._seen.update(first)
        marked = [
            blob for blob, found in zip(first, self._reader.holding(first, FOUND_BY, spellings), strict=True) if found
        ]
        for blob in marked:
            self.lineage.add(blob, first[blob][0])
        texts = [text for some in self._leavers.texts.values() for text in some]
        for blob, is_named in zip(marked, list(self._reader.holding(marked, texts, spellings)), strict=True):
            if is_named and (named := self._named(first[blob][0], blob)):
                self.naming[blob] = named, first[blob][1]

    def readers(self, there: Mapping[str, str]) -> dict[str, dict[MasterKey, str]]:
        """Return the former readers of files, given with their blobs."""
        lineage = self.lineage
        by_data_key: dict[str, dict[MasterKey, str]] = {}
        for blob, (named, commit) in self.naming.items():
            if blob in lineage:
                for one in named:
                    by_data_key.setdefault(lineage.root(blob), {}).setdefault(one, commit)
        roots = {path: lineage.root(blob) for path, blob in there.items() if blob in lineage}
        return {path: by_data_key[root] for path, root in roots.items() if root in by_data_key}

    def _named(self, path: str, blob: str) -> frozenset[MasterKey]:
        found, _ = inspect(path, blob, self._reader.read(blob), self._keys, closed=True)
        return found.recipients & self._leavers.recipients
