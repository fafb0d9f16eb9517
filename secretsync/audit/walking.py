"""A tree as `check` goes through it: nothing that lies in it ends the walk, and what belongs to others is passed by.

Other people's are folders of packages, and whole repositories in the repository: submodules, clones beside.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Final, NamedTuple

from secretsync.errors import FileAccessError
from secretsync.listing import leads_to_folder

NOT_OURS: Final = frozenset({".git", ".venv", "node_modules"})
"""Folders of a checkout that hold other people's files."""

KUSTOMIZATIONS: Final = ("kustomization.yaml", "kustomization.yml", "Kustomization")
"""Names of the file that makes a folder a kustomization, in kustomize's order."""

_REPOSITORY: Final = ".git"


class Met(NamedTuple):
    """What a walk came to: a file by its path below the root, or a folder that may not be listed, with the reason."""

    path: str
    problem: FileAccessError | None = None


def below(root: str) -> Iterator[Met]:
    """Yield all files below a folder, sorted by path, and the folders that cannot be listed; no link is followed.

    A link to a folder is passed by: what lies there is listed where it is, or is none of this tree. Memory grows with
    the number of names, and nesting costs none of Python's calls.

    Raises:
        FileAccessError: the folder itself cannot be listed.
    """
    found: list[Met] = []
    folders = [""]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(os.path.join(root, folder)) as listing:
                entries = list(listing)
        except OSError as error:
            problem = FileAccessError(
                (error.strerror or "cannot be listed").lower(), location=os.path.join(root, folder)
            )
            if not folder:
                raise problem from error
            found.append(Met(folder, problem))
            continue
        if folder and any(entry.name == _REPOSITORY for entry in entries):
            continue
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in NOT_OURS:
                    folders.append(os.path.join(folder, entry.name))
            elif not leads_to_folder(entry):
                found.append(Met(os.path.join(folder, entry.name)))
    return iter(sorted(found))
