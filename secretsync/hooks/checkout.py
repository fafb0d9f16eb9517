"""What a checkout is to a hook, and that no configuration of hooks comes out of one.

A hook starts in the repository that it renders, and does not learn where that ends. Every folder counts that the hook
runs in or below and that holds a mark: git's, or one of an engine. All of them, because a submodule, an archive or a
base has marks of its own below those of the repository.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Final

from secretsync.errors import FileAccessError, PolicyError
from secretsync.files import is_below

_MARKS: Final = (".git", "kustomization.yaml", "kustomization.yml", "Kustomization", "Chart.yaml")


def refuse_below(path: str) -> None:
    """Refuse a file that lies in the checkout, wherever a link to it lies.

    Raises:
        PolicyError: it does, or a link to it does.
        FileAccessError: the current folder was removed, so that no checkout can be told.
    """
    try:
        asked = os.path.join(os.getcwd(), path)
    except OSError:
        raise FileAccessError("the current folder is not there any more", location=path) from None
    places = {os.path.realpath(asked), os.path.join(os.path.realpath(os.path.dirname(asked)), os.path.basename(asked))}
    for folder in _checkouts():
        if any(is_below(place, folder) for place in places):
            raise PolicyError(
                f"lies in the checkout {folder}, whose authors it is to govern",
                location=path,
                hint="keep the configuration outside every checkout: /etc/secretsync/hook.yaml needs no option",
            )


def _checkouts() -> Iterator[str]:
    """Yield every folder, from the current one upwards, that holds a mark."""
    folder = os.path.realpath(os.getcwd())
    while True:
        if any(os.path.lexists(os.path.join(folder, mark)) for mark in _MARKS):
            yield folder
        parent = os.path.dirname(folder)
        if parent == folder:
            return
        folder = parent
