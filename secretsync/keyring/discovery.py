"""Where a repository's key ring is: the root above a folder, the files that the ring is about, and what stays on this machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from secretsync import listing
from secretsync.errors import ConfigError, RepositoryError
from secretsync.keyring.editing import SOPS_YAML
from secretsync.keyring.model import KeyRing
from secretsync.keyring.reading import POLICY, load
from secretsync.keyring.sources import Checkout
from secretsync.late import LateModule

if TYPE_CHECKING:
    from secretsync import git
else:
    git = LateModule("secretsync.git")  # most commands look at the ring alone

_STATE: Final = ("secretsync", "proofs")


def root_of(folder: str | Path) -> Path:
    """Return the nearest folder upwards that holds a key ring, else a `.sops.yaml`, else a repository; else the folder."""
    start = Path(os.path.abspath(folder))
    for mark in (POLICY, SOPS_YAML, ".git"):
        for each in [start, *start.parents]:
            if (each / mark).exists():
                return each
    return start


def ring_at(root: Path) -> KeyRing:
    """Return the key ring of the repository at `root`. Raises: ConfigError where there is none, or as `reading.load`."""
    if Checkout(root).read(POLICY) is None:
        raise ConfigError(f"no key ring: no {POLICY} here or above", hint="secretsync init")
    return load(root)


def names(root: Path) -> list[str]:
    """Return the files of the repository at `root`: what Git does not ignore, else all. Raises: RepositoryError."""
    if any((folder / ".git").exists() for folder in [root, *root.parents]):
        return git.Repository.containing(root).listed(str(root))
    return listing.walk(root)


def state(root: Path, environ: Mapping[str, str]) -> Path:
    """Return the folder for what must be remembered and never committed: in `.git`, else in the user's own."""
    try:
        return Path(git.Repository.containing(root).common, *_STATE)
    except RepositoryError:
        home = environ.get("XDG_STATE_HOME") or os.path.join(os.path.expanduser("~"), ".local", "state")
        return Path(home, *_STATE)
