"""Branches beside others: whether a name is free, who has one checked out, what lies on no other.

Sources: git-check-ref-format(1), git-worktree(1) LIST OUTPUT FORMAT, git-rev-list(1) `--exclude`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from secretsync import files
from secretsync.errors import MissingFileError, RepositoryError
from secretsync.git.repository import Repository

HEADS, REMOTES = "refs/heads/", "refs/remotes/"
_UNDER_WAY = (os.path.join("rebase-merge", "head-name"), os.path.join("rebase-apply", "head-name"), "BISECT_START")
"""Where a working tree keeps the branch that it comes back to; git calls its HEAD detached meanwhile."""


def require_free(repository: Repository, name: str) -> None:
    """Make sure that a branch can be made.

    Raises:
        RepositoryError: git allows no such name, the branch is there, or another one is in its way: a ref is a file or
            a folder, so that `a` and `a/b` exclude each other.
    """
    if name.startswith("-") or name == "HEAD" or not _is_allowed(repository, name):
        raise RepositoryError(f"{name!r} is no name of a branch", hint="git help check-ref-format")
    wanted = f"{HEADS}{name}"
    for each in repository.all_refs():
        if each == wanted:
            raise RepositoryError(f"branch {name!r} already exists", location=repository.root)
        if wanted.startswith(f"{each}/") or each.startswith(f"{wanted}/"):
            there = each.removeprefix(HEADS)
            raise RepositoryError(
                f"branch {there!r} is in the way of branch {name!r}",
                location=repository.root,
                hint=f"give another name by --branch, or rename that one: git branch -m {there} NEW",
            )


def holders(repository: Repository, name: str) -> list[str]:
    """Return the working trees that have a branch checked out, or come back to it after a rebase or bisection."""
    worktrees = _worktrees(repository)
    found = [path for path, ref in worktrees if ref == f"{HEADS}{name}"]
    for path, folder in _git_folders(repository, worktrees[0][0]):
        if path not in found and _returns_to(folder, name):
            found.append(path)
    return found


def beside(repository: Repository, name: str, *, without: str) -> list[str]:
    """Return the commits of a branch that are in the history neither of `without` nor of any other branch or tag.

    The branch of the same name in a remote repository counts as the same branch. Newest first.
    """
    remote = [f"--exclude={each}" for each in published(repository, name)]
    others = (f"--exclude={name}", "--branches", *remote, "--remotes", "--tags")
    return [words[0] for words in repository.git.ids("rev-list", f"{HEADS}{name}", "--not", without, *others, "--")]


def published(repository: Repository, name: str) -> list[str]:
    """Return the remote branches of the same name, as this repository knows them."""
    return sorted(ref.removeprefix(REMOTES) for ref in tips(repository, name) if ref.startswith(REMOTES))


def tips(repository: Repository, name: str) -> dict[str, str]:
    """Return where a branch is, by full ref: here first, then in each remote repository as far as it was fetched."""
    return {ref: commit for ref, commit in repository.refs().items() if name_of(repository, ref) == name}


def name_of(repository: Repository, ref: str) -> str | None:
    """Return the name of the branch that a full ref is, without that of its remote; None where it is none.

    A remote may have slashes in its name, and so may a branch: the settings tell which remotes there are.
    """
    if ref.startswith(HEADS):
        return ref.removeprefix(HEADS)
    if not ref.startswith(REMOTES):
        return None
    rest = ref.removeprefix(REMOTES)
    remote = max(
        (each for each in repository.remotes if rest.startswith(f"{each}/")), key=len, default=rest.partition("/")[0]
    )
    return rest.removeprefix(f"{remote}/")


def current(repository: Repository) -> str:
    """Return the name of the branch that is checked out; empty where HEAD is detached."""
    return repository.git.text("symbolic-ref", "--quiet", "HEAD", accept=(0, 1)).removeprefix(HEADS)


def _is_allowed(repository: Repository, name: str) -> bool:
    try:
        repository.git.output("check-ref-format", f"{HEADS}{name}")
    except RepositoryError:
        return False
    return True


def _worktrees(repository: Repository) -> list[tuple[str, str]]:
    """Return each working tree, the main one first, with the ref it has checked out."""
    found: list[tuple[str, str]] = []
    for line in repository.git.names("worktree", "list", "--porcelain", "-z"):
        word, _, value = line.partition(" ")
        if word == "worktree":
            found.append((value, ""))
        elif word == "branch":
            found[-1] = (found[-1][0], value)
    return found


def _git_folders(repository: Repository, main: str) -> Iterator[tuple[str, str]]:
    """Yield each working tree, as far as its place is known, with the folder in which git keeps its state."""
    yield main, repository.common
    linked = os.path.join(repository.common, "worktrees")
    for name in sorted(os.listdir(linked)) if os.path.isdir(linked) else []:
        folder = os.path.join(linked, name)
        yield os.path.dirname(_line(os.path.join(folder, "gitdir"))) or folder, folder


def _returns_to(folder: str, name: str) -> bool:
    return any(_line(os.path.join(folder, each)).removeprefix(HEADS) == name for each in _UNDER_WAY)


def _line(path: str) -> str:
    try:
        return os.fsdecode(files.read(path)).strip()
    except MissingFileError:
        return ""
