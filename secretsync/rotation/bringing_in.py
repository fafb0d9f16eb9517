"""Which commits brought an operation in, and whether these changed anything beside what was planned.

A fast-forward, a rebase and a cherry-pick keep its commits, which their trailers tell. A merge or a squash is the commit
of the line of first parents that made the planned files what the operation wrote. What a trailer says is never believed:
a commit that has it is looked at like any other. The merges on its way are compared with each parent (`merges`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from secretsync.git import LogEntry, Repository
from secretsync.git.history import RawChange
from secretsync.rotation import merges
from secretsync.rotation.promises import Promise
from secretsync.rotation.trailers import OP_TRAILER

NOTHING_ELSE: Final = "nothing-else"
TITLE: Final = "the commits that brought it in change the planned paths alone"
_NONE: Final = "0"
_GONE: Final = "000000"
_PLAIN: Final = "100644"


class BroughtIn(NamedTuple):
    """The commits that brought an operation in, oldest first; the one before them; what else they did; what came since.

    `before` and `after` are empty where no commit did.
    """

    commits: list[LogEntry]
    before: str
    after: str
    failures: list[str]
    notes: list[str]


class _Walk(NamedTuple):
    """The commits since the base with their parents, and what each of those that matter changed."""

    parents: dict[str, list[str]]
    line: list[str]
    entries: dict[str, LogEntry]
    changes: dict[str, list[RawChange]]


def cut_off(repository: Repository, promise: Promise, commit: str) -> bool:
    """Whether history between the base and a commit is not all here, so that nobody can say what it did."""
    cut = repository.cut_off()
    return bool(cut) and not cut.isdisjoint(repository.history.parents(commit, without=promise.plan.base))


def brought_in(
    repository: Repository, promise: Promise, commit: str, *, kept: Callable[[str, str], bool], standing: str | None
) -> BroughtIn:
    """Find the commits that brought an operation into `commit`, and say what they did beside it.

    `kept` says of a path and blob whether it is what the plan wants, where nobody knows what was written. `standing`:
    `commit` is the branch of the operation, which has nothing but it beside the commits that lead to `standing`.
    """
    walk = _walk(repository, promise, commit)
    trailed = [one for one in reversed(walk.parents) if walk.entries[one].trailer(OP_TRAILER) == promise.name]

    def is_ours(one: RawChange) -> bool:
        return one.path in promise.files and _is_written(promise, one, kept)

    carrying = [one for one in walk.line if one in trailed or any(map(is_ours, walk.changes.get(one, ())))]
    if not carrying and not promise.files:
        carrying = [one for one in walk.line if any(each.path in promise.edits for each in walk.changes.get(one, ()))]
    failures = [text for one in dict.fromkeys([*trailed, *carrying]) for text in _beside(promise, walk, one, kept)]
    merged = merges.look(repository, promise, walk.parents, {*trailed, *carrying})
    failures += merged.failures
    if standing is not None:
        failures += _additional(repository, promise, walk, set(trailed), standing)
    if not carrying:
        failures.append(f"operation {promise.name} is not in commit {commit[:12]}")
        return BroughtIn([], "", "", failures, merged.notes)
    before = next(iter(walk.parents[carrying[0]]), "")
    notes = [*merged.notes, *_since(promise, walk, carrying[-1])]
    return BroughtIn([walk.entries[one] for one in carrying], before, carrying[-1], failures, notes)


def _walk(repository: Repository, promise: Promise, commit: str) -> _Walk:
    history = repository.history
    parents = history.parents(commit, without=promise.plan.base)
    line, at = [], commit
    while at in parents:
        line.append(at)
        at = next(iter(parents[at]), "")
    entries = {one.commit: one for one in history.entries(parents)}
    changes = history.compared([one, *above[:1]] for one, above in parents.items())
    return _Walk(parents, line[::-1], entries, changes)


def _is_written(promise: Promise, one: RawChange, kept: Callable[[str, str], bool]) -> bool:
    known = promise.written.get(one.path)
    blob = _blob(one)
    return blob in known if known else bool(blob) and kept(one.path, blob)


def _beside(promise: Promise, walk: _Walk, commit: str, kept: Callable[[str, str], bool]) -> Iterator[str]:
    """Yield what a commit that brought the operation in did beside it; edits of the ring are compared as a whole."""
    who = f"commit {commit[:12]} of {walk.entries[commit].author}"
    for one in walk.changes.get(commit, ()):
        if one.path not in promise.paths:
            yield f"{one.path}: is not in the plan, and {who} changes it"
        elif one.path in promise.files and not _is_written(promise, one, kept):
            yield f"{one.path}: {who} makes it something else than the operation did"
        elif not _keeps_mode(one):
            yield f"{one.path}: {who} gives it mode {one.mode}"


def _additional(repository: Repository, promise: Promise, walk: _Walk, ours: set[str], standing: str) -> Iterator[str]:
    """Yield each commit of the branch that is not the operation's, with the paths that it changes."""
    new = repository.history.parents(standing, without=promise.plan.base) if standing else {}
    for commit in walk.line:
        parents = walk.parents[commit]
        if commit in ours or commit in new:
            continue
        changed = walk.changes.get(commit, [])
        if len(parents) > 1 and parents[1] in new:  # what leads to `standing` was merged into the branch
            changed = repository.history.compared([[commit, parents[1]]]).get(commit, [])
            changed = [one for one in changed if one.path not in promise.paths]
            if not changed:
                continue
        paths = ", ".join(one.path for one in changed) or "nothing"
        yield f"{paths}: commit {commit[:12]} of {walk.entries[commit].author} is not the operation's, and changes it"


def _since(promise: Promise, walk: _Walk, last: str) -> Iterator[str]:
    for commit in walk.line[walk.line.index(last) + 1 :]:
        for one in walk.changes.get(commit, ()):
            if one.path in promise.paths:
                yield f"{one.path}: changed since by commit {commit[:12]} of {walk.entries[commit].author}"


def _keeps_mode(one: RawChange) -> bool:
    """Whether a file has the mode that it had; a new one is a plain file, and one that goes has none."""
    return one.mode in {_GONE, _PLAIN if one.mode_before == _GONE else one.mode_before}


def _blob(one: RawChange) -> str:
    return one.after if one.after.strip(_NONE) else ""
