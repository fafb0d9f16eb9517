"""Going on with an operation that another clone began: the branch says which plan it is, and the plan is made again.

Nothing that the branch says is believed: its base has to be in the history of this clone, and planning from there has to
give the digest that its commits name. What is done already, its files say.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from secretsync.errors import RepositoryError
from secretsync.git import Repository, branches
from secretsync.rotation.trailers import Told, told

_OWN: Final = "secretsync/"
_LOOKED_AT: Final = 64  # commits below the tip of a branch


class Adopted(NamedTuple):
    """An operation as a branch tells it: what its commits say, the name of the branch, and its furthest commit."""

    told: Told
    branch: str
    tip: str


def found(repository: Repository, scenario: str, name: str | None) -> Adopted | None:
    """Return the operation that a branch carries, local or remote; the latest of a runbook here unless it is named.

    Raises:
        RepositoryError: a local branch and a remote one of that name went different ways.
    """
    by_branch: dict[str, list[tuple[str, Told]]] = {}
    for ref, commit in repository.refs().items():
        branch = branches.name_of(repository, ref)
        if branch is not None and (one := _told(repository, commit, scenario, name)):
            by_branch.setdefault(branch, []).append((commit, one))
    if not by_branch:
        return None
    own = sorted(by_branch, key=lambda branch: (branch.startswith(_OWN), max(one.made for _, one in by_branch[branch])))
    branch = own[-1]
    tip = furthest(repository, branch, [commit for commit, _ in by_branch[branch]])
    return Adopted(next(one for commit, one in by_branch[branch] if commit == tip), branch, tip)


def furthest(repository: Repository, branch: str, tips: Iterable[str]) -> str:
    """Return the commit that holds all the others; empty without any. Raises: RepositoryError: there is none."""
    several = list(dict.fromkeys(tips))
    if not several:
        return ""
    for tip in several:
        if all(repository.is_ancestor(other, tip) for other in several):
            return tip
    raise RepositoryError(
        f"branch {branch!r} is at {', '.join(tip[:12] for tip in several)} here and elsewhere, and neither holds the other",
        location=repository.root,
        hint=f"keep the one that you mean, as by: git branch -f {branch} COMMIT",
    )


def require_known(repository: Repository, adopted: Adopted) -> None:
    """Make sure that the commit which a plan starts from was there before the branch.

    Raises:
        RepositoryError: the branch does not hold it, or no other branch does: whoever made the branch made it up.
    """
    base, tip = repository.resolve(adopted.told.base), adopted.tip
    others = {
        commit for ref, commit in repository.refs().items() if branches.name_of(repository, ref) != adopted.branch
    }
    head = repository.resolve("HEAD")
    others |= {head} if not repository.is_ancestor(head, tip) else set()
    known = not others or any(repository.is_ancestor(base, other) for other in [*sorted(others), head])
    if not (known and repository.is_ancestor(base, tip)):
        raise RepositoryError(
            f"branch {adopted.branch!r} starts from commit {base[:12]}, which no other branch here holds",
            location=repository.root,
            hint="git fetch, or go on where the operation was begun",
        )


def brought_up(repository: Repository, branch: str, tip: str) -> None:
    """Let the local branch be at `tip`, which holds it.

    Raises:
        RepositoryError: a working tree has the branch checked out at another commit.
    """
    ref = f"{branches.HEADS}{branch}"
    present = repository.refs().get(ref, "")
    if present == tip:
        return
    if present and (where := branches.holders(repository, branch)):
        raise RepositoryError(
            f"branch {branch!r} is checked out in {where[0]!r}, and a remote branch is ahead of it",
            location=repository.root,
            hint=f"git -C {where[0]} merge --ff-only {tip[:12]}",
        )
    repository.git.silently("update-ref", "-m", "secretsync", ref, tip, present or "0" * len(tip))


def _told(repository: Repository, tip: str, scenario: str, name: str | None) -> Told | None:
    """Return what the latest commit of an operation says, looking a little way back from the tip of a branch."""
    words = repository.git.ids("rev-list", f"--max-count={_LOOKED_AT}", tip, "--")
    for entry in repository.history.entries([word[0] for word in words]):
        one = told(entry)
        if one is None or one.scenario != scenario:
            continue
        if name == one.operation or (name is None and one.within == repository.within):
            return one
    return None
