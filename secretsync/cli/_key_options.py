"""Options that name master keys: one for each kind, made from its record, so that no command lists the kinds.

A kind without a service has hidden options: they are taken, so that the error names the kind of key and not the option.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias, TypeVar

import typer

from secretsync.masterkeys.kinds import KINDS, Kind, in_flags, in_rules, usable
from secretsync.sops.datakey import MasterKey
from secretsync.sops.rules import comma_separated, recipient

_Group = TypeVar("_Group")
_Option: TypeAlias = tuple[str, Any]


def _options(
    *made: Callable[[Kind], _Option], kinds: Callable[[], list[Kind]] = in_rules
) -> Callable[[type[_Group]], type[_Group]]:
    """Return what turns a class into a group of options, `made` from each kind: the field's name, and the option."""

    def add(group: type[_Group]) -> type[_Group]:
        fields = [make(kind) for kind in kinds() for make in made]
        group.__annotations__ = {name: Annotated[str | None, option] for name, option in fields}
        for name, _ in fields:
            setattr(group, name, None)
        return dataclass(frozen=True, slots=True)(group)

    return add


def _encrypting(kind: Kind) -> _Option:
    names = [f"--{kind.flag}", *([f"-{kind.short_flag}"] if kind.short_flag else [])]
    words = f"{kind.title}, comma-separated [env var: {kind.variable}]."
    return kind.name, typer.Option(*names, help=words, hidden=not kind.service)


def _adding(kind: Kind) -> _Option:
    words = f"{kind.title} to add, comma-separated."
    return f"add_{kind.name}", typer.Option(f"--add-{kind.flag}", help=words, hidden=not kind.service)


def _removing(kind: Kind) -> _Option:
    return f"rm_{kind.name}", typer.Option(
        f"--rm-{kind.flag}", help=f"{kind.title} to remove.", hidden=not kind.service
    )


def _backing_up(kind: Kind) -> _Option:
    words = f"{kind.title[0].upper()}{kind.title[1:]}."
    return kind.name, typer.Option(f"--{kind.flag}", envvar=kind.variable, help=words)


@_options(_encrypting)
class CreationKeys:
    """Whom a new file is encrypted for. The field's name is the kind of key."""

    def flags(self) -> dict[str, str]:
        """Return what was given, by kind."""
        return _given(self)


@_options(_backing_up, kinds=lambda: usable(in_rules()))
class BackupKeys:
    """Whom a backup is encrypted for. The field's name is the kind of key; a variable counts as its option."""

    def flags(self) -> dict[str, str]:
        """Return what was given, by kind."""
        return _given(self)


@_options(_adding, _removing)
class RecipientChanges:
    """Who gains and who loses a file. Fields are named `add_` or `rm_` and the kind of key."""

    def added(self) -> list[MasterKey]:
        """Return the recipients that gain it."""
        return self._named("add")

    def removed(self) -> list[MasterKey]:
        """Return the recipients that lose it."""
        return self._named("rm")

    def _named(self, prefix: str) -> list[MasterKey]:
        return [
            recipient(kind.name, name, f"--{prefix}-{kind.flag}")
            for kind in in_flags()
            for name in comma_separated(getattr(self, f"{prefix}_{kind.name}") or "")
        ]


def _given(group: object) -> dict[str, str]:
    return {kind: text for kind in KINDS if (text := getattr(group, kind, None))}
