"""Working trees that have a branch checked out while commits are added to it: their files follow, where nobody changed them.

Without that, the next commit made there would take the new ones back. Source: git-update-index(1), `--index-info`.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping

import secretsync.git.branches as branches
from secretsync import files
from secretsync.errors import MissingFileError, SecretsyncError
from secretsync.git.objects import blob_id
from secretsync.git.repository import Repository, TreeEntry


def follow(
    repository: Repository, branch: str, paths: Iterable[str], earlier: Mapping[str, Collection[str]]
) -> list[str]:
    """Bring `paths` to the tip of a branch in every working tree that has it checked out; return those that stay behind.

    A file follows where working tree and index have one of its `earlier` blobs (none: an empty text).
    """
    behind: list[str] = []
    tip, place = repository.resolve(f"refs/heads/{branch}"), repository.place
    wanted = [place.from_root(path) for path in paths]
    new = repository.below("").entries(tip, *wanted) if wanted else {}
    known = {place.from_root(path): blobs for path, blobs in earlier.items()}
    for root in branches.holders(repository, branch):
        if os.path.isdir(root):
            behind += _followed(Repository(root), wanted, new, known)
    return sorted({place.from_here(path) for path in behind})


def _followed(
    tree: Repository, paths: Iterable[str], new: Mapping[str, TreeEntry], earlier: Mapping[str, Collection[str]]
) -> list[str]:
    staged = _staged(tree)
    lines, behind = b"", []
    with tree.reader() as reader:
        for path in paths:
            after = new.get(path)
            target = after.id if after else ""
            if staged.get(path, "") == target:
                continue
            known = {*earlier.get(path, ()), target}
            if staged.get(path, "") not in known or not _is_one_of(tree.root, path, known):
                behind.append(path)
                continue
            if after is None:
                files.remove_below(tree.root, path)
            else:
                files.write_below(tree.root, path, reader.read(after.id))
            mode, name = (after.mode, after.id) if after else ("0", "0" * len(staged.get(path, "0" * 40)))
            lines += f"{mode} {name}\t".encode("ascii") + os.fsencode(path) + b"\0"
    if lines:
        tree.git.silently("update-index", "-z", "--index-info", source=lines)
    return behind


def _staged(tree: Repository) -> dict[str, str]:
    """Return the blobs of the index by path; a path in conflict has none that counts."""
    found = {}
    for row in tree.git.names("ls-files", "-z", "--stage"):
        head, _, path = row.partition("\t")
        _, name, stage = head.split(" ")
        found[path] = name if stage == "0" else "conflict"
    return found


def _is_one_of(root: str, path: str, blobs: Collection[str]) -> bool:
    try:
        data = files.read(os.path.join(root, path))
    except MissingFileError:
        return "" in blobs
    except SecretsyncError:
        return False
    like = next((one for one in blobs if one), "0" * 40)
    return any(blob_id(form, like) in blobs for form in (data, data.replace(b"\r\n", b"\n")))
