"""Where the rules of a repository are read: as they lie on disk, or as one state of it has them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from secretsync.keyring.model import KeyRing
from secretsync.keyring.reading import POLICY, load, load_from
from secretsync.keyring.sources import FOLDER, Snapshot
from secretsync.sops.config import FILE_NAME, Config, find_config, load_config, parse_config


def is_rule_file(path: str) -> bool:
    """Whether a path, with `/`, may be a `.sops.yaml` or a file of a key ring."""
    *folders, name = path.split("/")
    return name == FILE_NAME or (FOLDER in folders[-2:] and name.endswith(".yaml"))


class RuleFiles(Protocol):
    """One state of `.sops.yaml` and of key rings. Folders and paths are absolute."""

    def config_of(self, folder: str) -> Path | None:
        """Return the `.sops.yaml` of a folder or of the nearest one above."""

    def config(self, path: Path) -> Config:
        """Return what stands there. Raises: ConfigError."""

    def root_of(self, folder: str) -> Path | None:
        """Return the folder of the key ring that a folder is below."""

    def ring(self, root: Path) -> KeyRing:
        """Return the key ring that is kept there. Raises: ConfigError, FileAccessError."""

    def shown(self, path: Path) -> str:
        """Return what people call a file."""


class FilesOnDisk:
    """The files as they lie there."""

    def config_of(self, folder: str) -> Path | None:
        """See `RuleFiles`."""
        return find_config(folder)

    def config(self, path: Path) -> Config:
        """See `RuleFiles`."""
        return load_config(path)

    def root_of(self, folder: str) -> Path | None:
        """See `RuleFiles`."""
        start = Path(folder)
        return next((each for each in (start, *start.parents) if (each / POLICY).is_file()), None)

    def ring(self, root: Path) -> KeyRing:
        """See `RuleFiles`."""
        return load(root)

    def shown(self, path: Path) -> str:
        """See `RuleFiles`."""
        relative = os.path.relpath(path)
        return str(path) if relative.startswith(os.pardir) else relative


class FilesOfState:
    """Files held in memory, such as those of a commit, as if they lay below `root`; what is above it is not theirs.

    `name` is what people call the state.
    """

    def __init__(self, root: str, contents: Mapping[str, bytes], name: str) -> None:
        self._tops = dict.fromkeys(Path(each(root)) for each in (os.path.abspath, os.path.realpath))
        self.root = root
        rings = tuple(f"{path.removesuffix(POLICY)}{FOLDER}/" for path in contents if f"/{path}".endswith(f"/{POLICY}"))
        self.contents = {
            path: data
            for path, data in contents.items()
            if path.startswith(rings) or path.rpartition("/")[2] == FILE_NAME
        }
        self.name = name

    def config_of(self, folder: str) -> Path | None:
        """See `RuleFiles`."""
        found = self._nearest(folder, FILE_NAME)
        return found / FILE_NAME if found else None

    def config(self, path: Path) -> Config:
        """See `RuleFiles`."""
        return parse_config(self.contents[self.inside(path)], path)

    def root_of(self, folder: str) -> Path | None:
        """See `RuleFiles`."""
        return self._nearest(folder, POLICY)

    def ring(self, root: Path) -> KeyRing:
        """See `RuleFiles`."""
        start = self.inside(root / FOLDER).removesuffix(FOLDER)
        own = {path.removeprefix(start): data for path, data in self.contents.items() if path.startswith(start)}
        return load_from(Snapshot(own))

    def shown(self, path: Path) -> str:
        """See `RuleFiles`."""
        return f"{self.name}:{self.inside(path)}"  # as git calls it

    def _nearest(self, folder: str, name: str) -> Path | None:
        start = Path(folder)
        return next((each for each in (start, *start.parents) if self.inside(each / name) in self.contents), None)

    def inside(self, path: Path) -> str:
        """Return a path relative to the root, empty where it is not below it."""
        top = next((top for top in self._tops if path.is_relative_to(top)), None)
        return path.relative_to(top).as_posix() if top else ""
