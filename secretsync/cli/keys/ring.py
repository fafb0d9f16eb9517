"""What the key ring's commands share: which repository, which files are in it, and writing a set of changes."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from secretsync import files
from secretsync.cli._terminal import say
from secretsync.errors import ConfigError, RepositoryError
from secretsync.keyring import KeyRing, load
from secretsync.keyring.applying import apply
from secretsync.keyring.editing import SOPS_YAML
from secretsync.keyring.reading import POLICY
from secretsync.keyring.sources import Changes, Checkout
from secretsync.late import LateModule

if TYPE_CHECKING:
    from secretsync import git
else:
    git = LateModule("secretsync.git")  # most commands look at the ring alone

JSON_VERSION: Final = 1
_STATE: Final = ("secretsync", "proofs")


@dataclass(frozen=True, slots=True)
class RingLocation:
    """Which repository's key ring."""

    repository: Annotated[str, typer.Option("--repository", "-C", help="A folder of the repository.")] = "."

    @property
    def root(self) -> Path:
        """The nearest folder upwards that holds a key ring, else a `.sops.yaml`, else a repository; else the folder."""
        start = Path(os.path.abspath(self.repository))
        for mark in (POLICY, SOPS_YAML, ".git"):
            for folder in [start, *start.parents]:
                if (folder / mark).exists():
                    return folder
        return start

    @property
    def source(self) -> Checkout:
        """The files of the ring."""
        return Checkout(self.root)

    def ring(self) -> KeyRing:
        """Return the key ring. Raises: ConfigError where there is none."""
        if self.source.read(POLICY) is None:
            raise ConfigError(f"no key ring: no {POLICY} here or above", hint="secretsync init")
        return load(self.root)

    def names(self) -> list[str]:
        """Return the repository's files: what Git does not ignore, else all."""
        root = self.root
        if any((folder / ".git").exists() for folder in [root, *root.parents]):
            return git.Repository.containing(root).listed(str(root))
        return files.walk(root)

    def state(self) -> Path:
        """Return the folder for what must be remembered and never committed: in `.git`, else in the user's own."""
        try:
            return Path(git.Repository.containing(self.root).common, *_STATE)
        except RepositoryError:
            home = os.environ.get("XDG_STATE_HOME") or os.path.join(os.path.expanduser("~"), ".local", "state")
            return Path(home, *_STATE)

    def write(self, changes: Changes, *, dry_run: bool) -> None:
        """Write a set of changes, or say what would be written."""
        if dry_run:
            tell(f"would {_verb(data)} {path}" for path, data in sorted(changes.items()))
        else:
            tell(f"{_verb(changes[path], past=True)} {path}" for path in apply(self.root, changes))


def tell(lines: Iterable[str]) -> None:
    """Print lines for people."""
    for line in lines:
        say(line)


def now() -> datetime:
    """Return the present."""
    return datetime.now(UTC)


def today() -> date:
    """Return the present day, which is that of UTC everywhere."""
    return now().date()


def day(text: str | None, option: str) -> date | None:
    """Return an option's day. Raises: ConfigError."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise ConfigError(f"{option} is a day, as in 2026-11-24, and not {text!r}") from None


def _verb(data: bytes | None, *, past: bool = False) -> str:
    verb = "write" if data is not None else "remove"
    return {"write": "wrote", "remove": "removed"}[verb] if past else verb
