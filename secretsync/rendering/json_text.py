"""JSON as engines read it: objects that follow one another, each written as sops writes a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from secretsync.documents.json import store
from secretsync.documents.tree import Limits, Mapping, Node, Sequence, Source
from secretsync.errors import DuplicateKeyError, FormatError, ParseError
from secretsync.late import LateModule

if TYPE_CHECKING:
    from secretsync.documents import plain
    from secretsync.documents.yaml import store as yaml_store
else:
    plain = LateModule("secretsync.documents.plain")
    yaml_store = LateModule("secretsync.documents.yaml.store")


def load(data: bytes, limits: Limits, *, certain: bool = True) -> Source | None:
    """Read one object; None for what only begins like one, unless the text is `certain` to be JSON.

    Raises:
        ParseError, LimitError: it is no JSON, or too large.
        DuplicateKeyError: a key is there twice, which the store would keep.
    """
    try:
        return _without_duplicates(store.load(data, limits=limits))
    except ParseError as error:
        if certain or "behind the JSON object" not in error.message:
            raise
        return None


def dump(documents: list[Mapping]) -> bytes:
    """Write one object behind the other, as kubectl reads them."""
    return b"".join(store.dump([document]) for document in documents)


def documents(data: bytes) -> Iterator[Mapping]:
    """Yield the objects of a text that we have written."""
    text = data.decode()
    decoder = json.JSONDecoder()
    position = 0
    while start := text.find("{", position) + 1:
        value, position = decoder.raw_decode(text, start - 1)
        node = plain.from_plain(value)
        assert isinstance(node, Mapping)
        yield node


def in_yaml(data: bytes) -> bytes:
    """Return an object as it may stand among YAML: as it is, unless it has an escape unknown to YAML."""
    try:
        yaml_store.load(data, limits=Limits.unbounded())
    except FormatError:
        return yaml_store.dump(store.load(data, limits=Limits.unbounded()).documents)
    return data


def _without_duplicates(source: Source) -> Source:
    """Refuse a key that is there twice in a JSON manifest; the YAML store refuses it by itself."""
    waiting: list[Node] = list(source.documents)
    while waiting:
        node = waiting.pop()
        if type(node) is Mapping:
            seen: set[object] = set()
            for entry in node.entries():
                if entry.key.value in seen:
                    raise DuplicateKeyError(f"key {entry.key.value!r} is there twice")
                seen.add(entry.key.value)
                waiting.append(entry.value)
        elif type(node) is Sequence:
            waiting.extend(item for item in node.items if type(item) in {Mapping, Sequence})  # type: ignore[misc]
    return source
