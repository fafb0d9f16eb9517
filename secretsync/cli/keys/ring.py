"""What the key ring's commands share: the option that says which repository, days, and telling what is written."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from secretsync.cli._terminal import say
from secretsync.errors import ConfigError
from secretsync.keyring import KeyRing, discovery, encrypted_files
from secretsync.keyring.adoption import Adoption
from secretsync.keyring.applying import apply
from secretsync.keyring.sources import Changes, Checkout
from secretsync.letters import noun_for

JSON_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class RingLocation:
    """Which repository's key ring."""

    repository: Annotated[str, typer.Option("--repository", "-C", help="A folder of the repository.")] = "."

    @property
    def root(self) -> Path:
        """The nearest folder upwards that holds a key ring, else a `.sops.yaml`, else a repository; else the folder."""
        return discovery.root_of(self.repository)

    @property
    def source(self) -> Checkout:
        """The files of the ring."""
        return Checkout(self.root)

    def ring(self) -> KeyRing:
        """Return the key ring. Raises: ConfigError where there is none."""
        return discovery.ring_at(self.root)

    def names(self) -> list[str]:
        """Return the repository's files: what Git does not ignore, else all."""
        return discovery.names(self.root)

    def kept_by(self, adoption: Adoption) -> str:
        """Return for people what an adoption leaves as it is: of all files with a rule, those that are encrypted."""
        seen = encrypted_files.look(self.root, adoption.proved)
        number = sum(each.metadata is not None for each in seen)
        whose = "its" if number == 1 else "their"
        verb = "keeps" if number == 1 else "keep"
        return f"{number} encrypted {noun_for(number, 'file')} {verb} {whose} recipients and {whose} selector"

    def state(self) -> Path:
        """Return the folder for what must be remembered and never committed: in `.git`, else in the user's own."""
        return discovery.state(self.root, os.environ)

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
