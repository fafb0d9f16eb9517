"""The tree that every store reads into and writes from: ordered mappings, sequences, typed leaves and comments.

It mirrors sops' own model (a comment is an item of its container), and remembers in each node where its text stands,
so that a store can splice an edit into the original bytes. Nodes made by code have no span.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias


class Span(NamedTuple):
    """Where a node stands: character offsets into `Source.text`, end exclusive, never a trailing line break.

    A scalar: from its tag or anchor, else its own start, to its end; an empty one is zero wide behind its `:` or `-`.
    A block scalar ends behind the last character of its last line of content; with `+`, before the line break of
    the last blank line that it keeps. A key: without a `?` before it. A flow collection: brackets included; a block
    collection: from its tag or anchor, else its first key or `-`, to the end of its last child, so comments before
    and behind its children may stand outside. The root of a null document is zero wide, behind all its comments. A
    comment: from `#` to the end of its line. A copy for an alias keeps the spans of what it copies.
    """

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Timestamp:
    """A point in time in sops' canonical text: RFC 3339, `Z` for offset 0, fraction without trailing zeros."""

    text: str


# `bytes` is a string that is not valid UTF-8 (YAML `!!binary`, the binary store); sops labels it `type:str` like any other.
Value: TypeAlias = "str | int | float | bool | Timestamp | bytes | None"


@dataclass(slots=True, eq=False, repr=False)
class Scalar:
    """A leaf. `style` is the YAML style: "" plain, "'", '"', "|", ">"; `alias` marks a copy made for an alias."""

    value: Value
    span: Span | None = None
    style: str = ""
    alias: Span | None = None

    def __repr__(self) -> str:
        return f"Scalar({type(self.value).__name__})"


@dataclass(slots=True, eq=False, repr=False)
class Comment:
    """The text after `#`, leading space kept. `inline`: on the same line, behind its value."""

    text: str
    inline: bool = False
    span: Span | None = None

    def __repr__(self) -> str:
        return "Comment(…)"


@dataclass(slots=True, eq=False)
class Entry:
    """One key and its value. A key that is no string loads, so that sops' refusal can name it."""

    key: Scalar
    value: Node


@dataclass(slots=True, eq=False)
class Mapping:
    """Ordered entries and comments; duplicates possible where the store keeps them (JSON, dotenv, INI)."""

    items: list[Entry | Comment] = field(default_factory=list)
    span: Span | None = None
    flow: bool = False
    alias: Span | None = None

    def entries(self) -> Iterator[Entry]:
        """Yield the entries without the comments."""
        return (item for item in self.items if type(item) is Entry)

    def get(self, key: str) -> Node | None:
        """Return the value of the first entry with `key`, or None."""
        return next((item.value for item in self.items if type(item) is Entry and item.key.value == key), None)


@dataclass(slots=True, eq=False)
class Sequence:
    """Ordered elements and comments."""

    items: list[Node | Comment] = field(default_factory=list)
    span: Span | None = None
    flow: bool = False
    alias: Span | None = None


Node: TypeAlias = "Mapping | Sequence | Scalar"


@dataclass(slots=True, eq=False)
class Source:
    """A loaded input: its documents in order and the text their spans point into.

    `text` is decoded and without byte order mark; `encoding` and `bom` say how the original bytes were. `spans` holds,
    for each document, the whole of its text, its `---` line and `...` included.
    """

    store: str
    text: str
    documents: list[Mapping]
    spans: list[Span] = field(default_factory=list)
    encoding: str = "utf-8"
    bom: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """What an untrusted input may cost; an operator can raise them. File commands use `Limits.unbounded()`."""

    size: int = 16 * 1024 * 1024  # bytes of one file
    depth: int = 100  # nested collections
    nodes: int = 1_000_000  # after alias expansion
    documents: int = 10_000

    @classmethod
    def unbounded(cls) -> Limits:
        """Return limits for a user's own files: depth and alias expansion stay bounded, size does not."""
        return cls(size=1 << 40, depth=1_000, nodes=10_000_000, documents=1_000_000)
