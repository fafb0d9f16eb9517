"""Whether the merges by which an operation came to a line hold anything that none of their parents has.

Which parent is the first is up to whoever merges ("Update branch" makes it the operation's), so each is compared.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

from secretsync.git import Repository
from secretsync.git.history import REGULAR
from secretsync.git.repository import TreeEntry
from secretsync.keyring.editing import SOPS_YAML
from secretsync.keyring.ownfiles import store_whatever_the_name
from secretsync.keyring.sources import FOLDER
from secretsync.rotation import ring_judging
from secretsync.rotation.promises import Promise

_NOTHING: Final = TreeEntry("", "")
_NEW: Final = "makes it what no parent has"


class MergeFindings(NamedTuple):
    """What merges hold that none of their parents has: faults, and what people may have resolved by hand."""

    failures: list[str]
    notes: list[str]


class _Sides(NamedTuple):
    """A merge, its parents, those of them that lack a part of the operation, and where the parents come from."""

    commit: str
    parents: list[str]
    without: list[str]
    bases: list[str]


def look(
    repository: Repository, promise: Promise, parents: Mapping[str, list[str]], seeds: Collection[str]
) -> MergeFindings:
    """Look at each merge of `parents` where a side with commits of the operation (`seeds`) meets one that lacks some."""
    holding = _holding(parents, seeds)
    found = MergeFindings([], [])
    for commit, above in parents.items():
        sides = [holding[one] for one in above]
        if len(above) > 1 and any(sides) and any(one != set(seeds) for one in sides):
            without = [one for one, held in zip(above, sides, strict=True) if held != set(seeds)]
            bases = repository.history.merge_bases(above)
            _Merge(repository, promise, _Sides(commit, above, without, bases)).tell(found)
    return found


def _holding(parents: Mapping[str, list[str]], seeds: Collection[str]) -> dict[str, set[str]]:
    """Return which of some commits each commit is or leads back to."""
    children = defaultdict(list)
    for commit, above in parents.items():
        for one in above:
            children[one].append(commit)
    holding: defaultdict[str, set[str]] = defaultdict(set)
    for seed in seeds:
        due = [seed]
        while due:
            if seed not in holding[at := due.pop()]:
                holding[at].add(seed)
                due += children[at]
    return holding


class _Merge:
    def __init__(self, repository: Repository, promise: Promise, sides: _Sides) -> None:
        self._repository = repository
        self._promise = promise
        self._sides = sides

    def tell(self, found: MergeFindings) -> None:
        """Add what the merge holds at each path where it differs from all of its parents."""
        sides, history = self._sides, self._repository.history
        changed = [
            {one.path for one in history.compared([[sides.commit, parent]]).get(sides.commit, ())}
            for parent in sides.parents
        ]
        paths = sorted(set.intersection(*changed))
        if not paths:
            return
        commits = (sides.commit, *sides.parents, *sides.bases)
        trees = {commit: self._repository.entries(commit, *paths) for commit in commits}
        for path in paths:
            entries = {commit: tree.get(path, _NOTHING) for commit, tree in trees.items()}
            if fault := self._fault(path, entries):
                found.failures.append(f"{path}: merge {sides.commit[:12]} {fault}")
            else:
                found.notes.append(f"{path}: changed on both sides, and merge {sides.commit[:12]} made one of the two")

    def _fault(self, path: str, entries: Mapping[str, TreeEntry]) -> str:
        """Return what is wrong with one path; nothing where people may have made one of two honest changes."""
        sides, promise = self._sides, self._promise
        merged, parents = entries[sides.commit], [entries[one] for one in sides.parents]
        if len(set(parents)) == 1:
            return f"{'changes' if merged.mode else 'removes'} it, and the parents agree about it"
        if merged.mode not in {one.mode for one in parents}:
            return (
                f"gives it mode {merged.mode}, as no parent has it" if merged.mode else "removes what all parents hold"
            )
        bases = [entries[one] for one in sides.bases] or [_NOTHING]
        if path in promise.files:
            return f"{_NEW}, and it is a file of the operation"
        if any(one in bases for one in parents):
            return "changes it, and not both sides did"
        return self._made_by_hand(path, [merged, *parents])

    def _made_by_hand(self, path: str, entries: list[TreeEntry]) -> str:
        """Return why nobody can have made one of two changes by hand; nothing where somebody may."""
        if path in self._promise.edits and self._is_ring_as_planned():
            return ""
        if path == SOPS_YAML or path.startswith(f"{FOLDER}/"):
            return f"{_NEW}, and it is of the key ring"
        if {one.mode for one in entries} - REGULAR:
            return f"{_NEW}, and it is no plain file on all sides"
        return f"{_NEW}, and it is encrypted" if self._is_encrypted(path, entries) else ""

    def _is_ring_as_planned(self) -> bool:
        """Whether the ring is what the plan's edits make of that of a side which lacks them."""
        merge = self._sides.commit
        edited = ring_judging.edited_otherwise
        return any(not edited(self._repository, self._promise, one, merge) for one in self._sides.without)

    def _is_encrypted(self, path: str, entries: list[TreeEntry]) -> bool:
        with self._repository.reader() as reader:
            return any(store_whatever_the_name(path, reader.read(one.id)) is not None for one in entries)
