"""What a merge could not decide: where it is, of what kind, and what each side holds there, which no message shows."""

from __future__ import annotations

import enum
from collections.abc import Mapping as AnyMapping
from typing import NamedTuple, TypeAlias

from secretsync.documents.tree import Node

Path: TypeAlias = "tuple[str | int, ...]"
"""Steps into a document: the key of a mapping, the position in a list."""


class ConflictKind(enum.Enum):
    """Why there is a conflict, in the words that a person reads."""

    BOTH_CHANGED = "both sides changed it"
    DELETED_HERE = "deleted here and changed there"
    DELETED_THERE = "changed here and deleted there"
    BOTH_ADDED = "added on both sides"
    TYPE = "the type changed"
    LIST = "list changed on both sides"
    DOCUMENTS = "the documents cannot be told apart"
    RECIPIENTS = "recipients"
    SELECTOR = "selector"


class Side(enum.Enum):
    """Whose value is taken at a conflict."""

    OURS = "ours"
    THEIRS = "theirs"


Choice: TypeAlias = "Side | Node | None"
"""What to put at a conflict: the value of a side, another one, or None for nothing at all."""
Choices: TypeAlias = "AnyMapping[int, Choice]"
"""Choices by the numbers of their conflicts."""


class Values(NamedTuple):
    """What stands at a conflict in base, ours and theirs; None where nothing does."""

    base: Node | None = None
    ours: Node | None = None
    theirs: Node | None = None

    def __repr__(self) -> str:
        return "Values(…)"


class MergeConflict(NamedTuple):
    """One conflict. The same three sides give the same conflicts with the same numbers, whatever is chosen for them.

    `number` counts from 1; `document` does, too, in the merged file, and is 0 where the whole file is meant. `path` is
    empty where a document is meant as a whole. `detail` says more in words that hold no value.
    """

    number: int
    document: int
    path: Path
    kind: ConflictKind
    values: Values = Values()
    detail: str = ""

    def __repr__(self) -> str:
        return f"MergeConflict({self.number}, {self.document}, {self.path!r}, {self.kind.name})"
