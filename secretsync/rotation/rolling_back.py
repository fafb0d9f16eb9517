"""Taking an operation back: its branch and its worktree go, and its journal says so."""

from __future__ import annotations

from secretsync.errors import RepositoryError
from secretsync.git import Repository, Worktree
from secretsync.rotation.journal import Operation, OperationLock


def roll_back(operation: Operation, repository: Repository) -> None:
    """Remove worktree and branch of an operation whose branch is not merged.

    Raises:
        RepositoryError: it is merged: then only a revert takes it back, which lets removed keys in again.
    """
    plan = operation.plan()
    with OperationLock(repository, operation.name):
        worktree = Worktree(repository, operation.tree, operation.branch)
        tip = worktree.tip()
        head = repository.resolve("HEAD")
        if tip and tip != plan.base and repository.is_ancestor(tip, head):
            raise RepositoryError(
                f"{operation.branch!r} is merged; a revert would let removed keys in again",
                hint=f"git revert {plan.base[:12]}..{tip[:12]}",
            )
        worktree.remove()
        if tip:
            worktree.delete_branch(tip)
        operation.record("rolled-back")
