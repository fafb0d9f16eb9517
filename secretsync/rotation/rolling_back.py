"""Taking an operation back: its branch and its worktree go, its journal stays and says so.

Nobody else's work goes with it. What others committed on the branch, a working tree that stands on it, and what is
merged already are looked for first, and then nothing is removed. A squash or a rebase leaves the branch beside the
history that took its files in, so it is the files that are looked for there.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from itertools import groupby
from typing import Final, NamedTuple

from secretsync.errors import RepositoryError
from secretsync.git import LogEntry, Repository, Worktree, branches
from secretsync.git.history import FollowedCommit, RawChange
from secretsync.rotation.journal import Operation, OperationLock
from secretsync.rotation.model import Plan
from secretsync.rotation.trailers import OP_TRAILER, PHASE_TRAILER
from secretsync.rotation.writing import NOTHING

_SHOWN: Final = 8  # commits named in one line
_USUAL: Final = ("main", "master", "trunk")


class RolledBack(NamedTuple):
    """What was taken back: where the branch stood, whose commits went with it, and where it is published."""

    tip: str
    discarded: list[LogEntry]
    published: list[str]


def roll_back(operation: Operation, repository: Repository, *, discard: bool = False) -> RolledBack:
    """Remove worktree and branch of an operation that is not merged; `discard` gives up what others committed there.

    One that was rolled back before stays as it is.

    Raises:
        RepositoryError: it is merged, and only a revert takes it back, which lets removed keys in again; others
            committed on the branch; a working tree has it checked out.
    """
    plan = operation.plan()
    with OperationLock(repository, operation.name):
        if operation.has("rolled-back"):
            return RolledBack("", [], [])
        worktree = Worktree(repository, operation.tree, operation.branch)
        tip = worktree.tip()
        _require_unmerged(operation, plan, repository, tip)
        discarded = _of_others(operation, plan, repository) if tip else []
        if discarded and not discard:
            raise _holds_more(operation, plan, discarded, tip)
        _require_unused(operation, repository)
        worktree.remove()
        if tip:
            worktree.delete_branch(tip)
        operation.record("rolled-back", tip=tip, discarded=" ".join(entry.commit for entry in discarded))
        return RolledBack(tip, discarded, branches.published(repository, operation.branch))


def _require_unmerged(operation: Operation, plan: Plan, repository: Repository, tip: str) -> None:
    written = _written(operation)
    telling = {file.path for file in plan.files} or set(written)
    for name, commit in _targets(operation, repository, tip).items():
        walk = repository.history.followed(commit, without=plan.base)
        landed = [(one, paths) for one in walk if (paths := _brought(one, written))]
        if any(telling & paths for _, paths in landed) and _has_effect(plan, repository, commit):
            raise RepositoryError(
                f"operation {operation.name!r} is merged into {name}; a revert would let removed keys in again",
                location=repository.root,
                hint=f"on {name}: {_revert([one for one, _ in landed])}",
            )


def _written(operation: Operation) -> dict[str, set[str]]:
    """Return what the operation made of each path: blobs, or nothing where the file went."""
    found: dict[str, set[str]] = {}
    for record in operation.records():
        if record["event"] == "file" and record["after"] != record["before"]:
            found.setdefault(record["path"], set()).add(record["after"])
    return found


def _brought(commit: FollowedCommit, written: Mapping[str, set[str]]) -> set[str]:
    """Return the paths that a commit made what the operation had made of them; of ciphertext nobody else does that."""
    return {one.path for one in commit.changes if _blob(one) in written.get(one.path, ())}


def _targets(operation: Operation, repository: Repository, tip: str) -> dict[str, str]:
    """Return the refs into which an operation is merged, with their commits: HEAD, where it began, default branches.

    A HEAD that is detached on the branch itself is somebody who looks at it.
    """
    head, here = repository.resolve("HEAD"), branches.current(repository)
    found = {here or "HEAD": head} if here or not tip or not repository.is_ancestor(head, tip) else {}
    default = [one.value for one in repository.git.settings if one.name == "init.defaultbranch"]
    for ref, commit in repository.refs().items():
        _, kind, name = ref.split("/", 2)
        last = name.partition("/")[2] if kind == "remotes" else name
        if kind != "tags" and last in {*_USUAL, *default, operation.begun.get("onto", ""), "HEAD"} - {""}:
            found.setdefault(name, commit)
    found.pop(operation.branch, None)
    return found


def _has_effect(plan: Plan, repository: Repository, commit: str) -> bool:
    """Whether anything that was planned is not as before; where all is, the merge was reverted."""
    edits = [path for phase in plan.phases for path in phase.edits]
    base, now = repository.blobs(plan.base), repository.blobs(commit)
    return any(base.get(path) != now.get(path) for path in [*edits, *(file.path for file in plan.files)])


def _blob(change: RawChange) -> str:
    """Return the blob afterwards as the journal names it: nothing where the file went."""
    return change.after if change.after.strip("0") else NOTHING


def _revert(commits: list[FollowedCommit]) -> str:
    """Return the commands that take commits back, which come newest first."""
    runs = groupby(commits, lambda one: "git revert -m 1 " if one.is_merge else "git revert ")
    return " && ".join(command + " ".join(one.commit[:12] for one in some) for command, some in runs)


def _of_others(operation: Operation, plan: Plan, repository: Repository) -> list[LogEntry]:
    """Return the commits that lie on the branch alone and are not of the operation, oldest first."""
    records = operation.records()
    ours = {record["commit"] for record in records if record["event"] == "commit"}
    found = branches.beside(repository, operation.branch, without=plan.base)
    strange = repository.history.entries(commit for commit in reversed(found) if commit not in ours)
    recorded = {record["phase"] for record in records if record["event"] == "commit"}
    return [entry for entry in strange if not _is_unrecorded(entry, operation, repository, recorded)]


def _is_unrecorded(entry: LogEntry, operation: Operation, repository: Repository, recorded: set[str]) -> bool:
    """Whether a kill came between a commit of ours and its record: it holds what the journal says, and no more."""
    phase = entry.trailer(PHASE_TRAILER)
    if entry.trailer(OP_TRAILER) != operation.name or phase in recorded:
        return False
    written = {
        record["path"]: record["after"]
        for record in operation.records()
        if record["event"] == "file" and record["phase"] == phase
    }
    changes = [one for step in repository.history.followed(entry.commit, limit=1) for one in step.changes]
    return all(written.get(one.path) == _blob(one) for one in changes)


def _holds_more(operation: Operation, plan: Plan, found: list[LogEntry], tip: str) -> RepositoryError:
    named = [f"{one.commit[:12]} {one.subject!r} by {one.author}" for one in found[:_SHOWN]]
    more = [f"and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    return RepositoryError(
        f"branch {operation.branch!r} holds commits that are not of the operation: {'; '.join(named + more)}",
        hint=f"keep them: git branch NAME {tip[:12]}; or give them up: "
        f"secretsync runbook {plan.scenario} rollback {operation.name} --discard",
    )


def _require_unused(operation: Operation, repository: Repository) -> None:
    for path in branches.holders(repository, operation.branch):
        raise RepositoryError(
            f"branch {operation.branch!r} is checked out in {path!r}",
            hint=f"git -C {shlex.quote(path)} switch --detach",
        )
