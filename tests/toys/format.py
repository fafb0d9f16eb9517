"""A toy format of rendered text: one object in a line, as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from secretsync.documents.plain import from_plain, to_plain
from secretsync.documents.tree import Limits, Mapping, Source, Span
from secretsync.errors import LimitError, ParseError
from secretsync.rendering.formats import FormatEntry

NAME: Final = "lines"
ENTRY: Final = FormatEntry(
    suffixes=(".jsonl",),
    load="tests.toys.format:load",
    rewrite="tests.toys.format:rewrite",
    dump="tests.toys.format:dump",
    documents="tests.toys.format:documents",
    in_yaml="tests.toys.format:in_yaml",
)


def load(data: bytes, limits: Limits, *, certain: bool = True) -> Source:
    """Read lines."""
    del certain
    if len(data) > limits.size:
        raise LimitError(f"larger than {limits.size} bytes")
    try:
        found = list(documents(data))
    except ValueError:
        raise ParseError("is no list of objects") from None
    return Source(NAME, data.decode(), found, [Span(0, 0) for _ in found])


def documents(data: bytes) -> Iterator[Mapping]:
    """Yield the object of each line."""
    for line in data.splitlines():
        node = from_plain(json.loads(line))
        assert isinstance(node, Mapping)
        yield node


def dump(found: list[Mapping]) -> bytes:
    """Write lines."""
    return "".join(f"{json.dumps(to_plain(each))}\n" for each in found).encode()


def rewrite(source: Source, found: list[Mapping]) -> bytes:
    """Write lines afresh."""
    del source
    return dump(found)


def in_yaml(data: bytes) -> bytes:
    """Put each line into a document of its own."""
    return b"---\n".join(line + b"\n" for line in data.splitlines())
