"""The tree that every store reads into and writes from: ordered mappings, sequences, typed leaves and comments.

It mirrors sops' own model (a comment is an item of its container), and remembers in each node where its text stands,
so that a store can splice an edit into the original bytes. Nodes made by code have no span.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

# Written out instead of as dataclasses: those cost a cold start ten milliseconds and twelve modules.


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


class Timestamp:
    """A point in time in sops' canonical text: RFC 3339, `Z` for offset 0, fraction without trailing zeros."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __eq__(self, other: object) -> bool:
        return type(other) is Timestamp and self.text == other.text

    def __hash__(self) -> int:
        return hash((Timestamp, self.text))

    def __repr__(self) -> str:
        return "Timestamp(…)"


# `bytes` is a string that is not valid UTF-8 (YAML `!!binary`, the binary store); sops labels it `type:str` like any other.
Value: TypeAlias = "str | int | float | bool | Timestamp | bytes | None"


def integer_text(value: int) -> str:
    """Return an int or a bool as every store writes it; each writes null, floats, times and bytes in a way of its own."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


class Scalar:
    """A leaf. `style` is the YAML style: "" plain, "'", '"', "|", ">"; `alias` marks a copy made for an alias."""

    __slots__ = ("alias", "span", "style", "value")

    def __init__(self, value: Value, span: Span | None = None, style: str = "", alias: Span | None = None) -> None:
        self.value = value
        self.span = span
        self.style = style
        self.alias = alias

    def __repr__(self) -> str:
        return f"Scalar({type(self.value).__name__})"


class Comment:
    """The text after `#`, leading space kept. `inline`: on the same line, behind its value."""

    __slots__ = ("inline", "span", "text")

    def __init__(self, text: str, inline: bool = False, span: Span | None = None) -> None:  # noqa: FBT001, FBT002
        self.text = text
        self.inline = inline
        self.span = span

    def __repr__(self) -> str:
        return "Comment(…)"


class Entry:
    """One key and its value. A key that is no string loads, so that sops' refusal can name it."""

    __slots__ = ("key", "value")

    def __init__(self, key: Scalar, value: Node) -> None:
        self.key = key
        self.value = value

    def __repr__(self) -> str:
        return f"Entry({self.key.value!r}, {self.value!r})"


class Mapping:
    """Ordered entries and comments; duplicates possible where the store keeps them (JSON, dotenv, INI)."""

    __slots__ = ("alias", "flow", "items", "span")

    def __init__(
        self,
        items: list[Entry | Comment] | None = None,
        span: Span | None = None,
        flow: bool = False,  # noqa: FBT001, FBT002
        alias: Span | None = None,
    ) -> None:
        self.items: list[Entry | Comment] = [] if items is None else items
        self.span = span
        self.flow = flow
        self.alias = alias

    def __repr__(self) -> str:
        return f"Mapping({self.items!r})"

    def entries(self) -> Iterator[Entry]:
        """Yield the entries without the comments."""
        return (item for item in self.items if type(item) is Entry)

    def get(self, key: str) -> Node | None:
        """Return the value of the first entry with `key`, or None."""
        for item in self.items:
            if type(item) is Entry and item.key.value == key:
                return item.value
        return None


class Sequence:
    """Ordered elements and comments."""

    __slots__ = ("alias", "flow", "items", "span")

    def __init__(
        self,
        items: list[Node | Comment] | None = None,
        span: Span | None = None,
        flow: bool = False,  # noqa: FBT001, FBT002
        alias: Span | None = None,
    ) -> None:
        self.items: list[Node | Comment] = [] if items is None else items
        self.span = span
        self.flow = flow
        self.alias = alias

    def __repr__(self) -> str:
        return f"Sequence({self.items!r})"


Node: TypeAlias = "Mapping | Sequence | Scalar"


class Source:
    """A loaded input: its documents in order and the text their spans point into.

    `text` is decoded and without byte order mark; `encoding` and `bom` say how the original bytes were. `spans` holds,
    for each document, the whole of its text, its `---` line and `...` included.
    """

    __slots__ = ("bom", "documents", "encoding", "spans", "store", "text")

    def __init__(  # what a store knows of a file
        self,
        store: str,
        text: str,
        documents: list[Mapping],
        spans: list[Span] | None = None,
        encoding: str = "utf-8",
        bom: bool = False,  # noqa: FBT001, FBT002
    ) -> None:
        self.store = store
        self.text = text
        self.documents = documents
        self.spans: list[Span] = [] if spans is None else spans
        self.encoding = encoding
        self.bom = bom

    def __repr__(self) -> str:
        return f"Source({self.store!r}, {len(self.documents)} documents)"


class Limits(NamedTuple):
    """What an untrusted input may cost; an operator can raise them. File commands use `Limits.unbounded()`."""

    size: int = 16 * 1024 * 1024  # bytes of one file
    depth: int = 100  # nested collections
    nodes: int = 1_000_000  # after alias expansion
    documents: int = 10_000  # and objects, items of lists among them
    repeated: int = 4 * 1024 * 1024  # characters that aliases add
    sealed: int = 2_000  # values of one file, each of which costs an RSA encryption

    def for_text(self, size: int) -> Limits:
        """Return the limits of a text of `size` bytes.

        Of the nodes a tenth at 0, a fifth at 1 MB, all from 9 MB on: manifests have a node for twelve bytes or more; one
        for two bytes, or from aliases, is made to cost. Of the documents a tenth at 0, half at 1 MB, all from 2.25 MB on:
        an object of fewer than 250 bytes is rare. A lower limit that somebody asks for holds as it is.
        """
        return self._replace(
            nodes=min(self.nodes, max(100_000, self.nodes // 10) + self.nodes * size // 10_000_000),
            documents=min(self.documents, max(1_000, self.documents // 10) + self.documents * size // 2_500_000),
        )

    @classmethod
    def unbounded(cls) -> Limits:
        """Return limits for a user's own files: depth and alias expansion stay bounded, size does not.

        Depth is what the recursive walks over a tree can bear, with a margin, in Python's default recursion limit.
        """
        return cls(size=1 << 40, depth=150, nodes=10_000_000, documents=1_000_000, repeated=1 << 40, sealed=1 << 40)
