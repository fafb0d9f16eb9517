"""Between the tree and plain Python objects, for those who ask what a document says and not how it is written."""

from __future__ import annotations

from typing import TypeAlias

from secretsync.documents.tree import Comment, Entry, Mapping, Node, Scalar, Sequence, Timestamp
from secretsync.errors import DuplicateKeyError, TreeError

Plain: TypeAlias = "dict[str, Plain] | list[Plain] | str | int | float | bool | bytes | None"


def to_plain(node: Node) -> Plain:
    """Return dicts, lists and values; comments are dropped, a timestamp becomes its text.

    Raises:
        TreeError: a key is no string.
        DuplicateKeyError: a mapping holds a key twice.
    """
    if isinstance(node, Mapping):
        plain: dict[str, Plain] = {}
        for entry in node.entries():
            key = _key(entry)
            if key in plain:
                raise DuplicateKeyError(f"key {key!r} is there twice")
            plain[key] = to_plain(entry.value)
        return plain
    if isinstance(node, Sequence):
        return [to_plain(item) for item in node.items if not isinstance(item, Comment)]
    return node.value.text if isinstance(node.value, Timestamp) else node.value


def _key(entry: Entry) -> str:
    if not isinstance(entry.key.value, str):
        raise TreeError(f"key {entry.key.value!r} is not a string; quote it")
    return entry.key.value


def from_plain(value: object) -> Node:
    """Return the tree of dicts, lists or tuples, and values; its nodes have no span.

    Raises:
        TreeError: a key is no string or a value has a type that no store can hold.
    """
    if isinstance(value, dict):
        return Mapping([Entry(_key_scalar(key), from_plain(item)) for key, item in value.items()])
    if isinstance(value, list | tuple):
        return Sequence([from_plain(item) for item in value])
    if value is None or isinstance(value, str | int | float | bool | Timestamp | bytes):
        return Scalar(value)
    raise TreeError(f"a value of type {type(value).__name__} has no place in a document")


def _key_scalar(key: object) -> Scalar:
    if not isinstance(key, str):
        raise TreeError(f"key {key!r} is not a string")
    return Scalar(key)
