"""A toy store: lines of `NAME -> JSON string` and `% comment`, the metadata flat behind them with the prefix `sops_`."""

from __future__ import annotations

import json
from typing import Final

from secretsync.documents.flat.flattening import flatten, unflatten
from secretsync.documents.flat.values import text_of
from secretsync.documents.single import only_document
from secretsync.documents.stores import StoreEntry
from secretsync.documents.tree import Comment, Entry, Limits, Mapping, Node, Scalar, Source, Span
from secretsync.errors import LimitError, ParseError, TreeError

NAME: Final = "arrows"
COMMENTS: Final = True
SEVERAL_DOCUMENTS: Final = False
NESTED: Final = False
NULLS: Final = False
ONE_VALUE: Final = False
SKIPS_COMMENTS: Final = False
CONFIG_NAME: Final = "arrows"
CONFIG_FIELDS: Final = ()
MAC_MARK: Final = b""
EXAMPLE: Final = b'name -> "value"\n'

ENTRY: Final = StoreEntry("tests.toys.store", (".arrows",))
_PREFIX: Final = "sops_"


def load(data: bytes, *, limits: Limits = Limits(), encrypted: bool = False) -> Source:
    """Parse lines."""
    if len(data) > limits.size:
        raise LimitError(f"larger than {limits.size} bytes")
    try:
        text = data.decode()
        items = [_item(line) for line in text.splitlines()]
    except ValueError:
        raise ParseError("is no list of arrows") from None
    flat = [
        (str(item.key.value).removeprefix(_PREFIX), item.value)
        for item in items
        if isinstance(item, Entry) and encrypted and _is_own(item) and isinstance(item.value, Scalar)
    ]
    kept = [item for item in items if not (encrypted and isinstance(item, Entry) and _is_own(item))]
    root = Mapping([*kept, Entry(Scalar("sops"), unflatten(flat))] if flat else kept)
    return Source(NAME, text, [root], [Span(0, len(text))])


def _item(line: str) -> Entry | Comment:
    if line.startswith("%"):
        return Comment(line[1:])
    name, _, value = line.partition(" -> ")
    return Entry(Scalar(name), Scalar(json.loads(value)))


def _is_own(entry: Entry) -> bool:
    return str(entry.key.value).startswith(_PREFIX)


def dump(
    documents: list[Mapping], *, indent: int | None = None, encrypted: bool = False
) -> bytes:  # the Protocol's parameter
    """Write lines."""
    lines = []
    for item in only_document(documents, NAME).items:
        if isinstance(item, Comment):
            lines.append(f"%{item.text}")
        elif encrypted and isinstance(item.value, Mapping):
            lines += [f"{_PREFIX}{path} -> {json.dumps(text_of(Scalar(value)))}" for path, value in flatten(item.value)]
        elif isinstance(item.value, Scalar):
            lines.append(f"{text_of(item.key)} -> {json.dumps(text_of(item.value))}")
        else:
            raise TreeError(f"arrows hold no collection, as under {item.key.value!r}")
    return "".join(f"{line}\n" for line in lines).encode()


def rewrite(source: Source, documents: list[Mapping], *, encrypted: bool = False) -> bytes:
    """Write lines afresh where something changed."""
    return source.text.encode() if documents == source.documents else dump(documents, encrypted=encrypted)


def emit_value(node: Node) -> bytes:
    """Return a string as it is."""
    if isinstance(node, Scalar) and isinstance(node.value, str):
        return node.value.encode()
    raise TreeError("arrows lead to strings only")


def is_reserved(document: Mapping) -> bool:
    """Whether a name has the prefix."""
    return any(map(_is_own, document.entries()))


def is_marked(data: bytes, *, mentioned: bool) -> bool:
    """Whether a line has the prefix."""
    return mentioned and b"\nsops_" in b"\n" + data


def carries_mac(data: bytes) -> bool:
    """Whether a line leads to the MAC."""
    return b"\nsops_mac -> " in b"\n" + data
