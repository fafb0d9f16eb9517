"""Objects whose kind, namespace and name every reader of YAML understands alike; others are refused where they are judged."""

from __future__ import annotations

from typing import Final

from secretsync.documents.tree import Mapping, Node, Scalar, Sequence, Timestamp
from secretsync.errors import ManifestError
from secretsync.rendering.objects import objects_in

_FIELDS: Final = ("apiVersion", "kind", "metadata", "items")
_NAMES: Final = ("name", "namespace")
_TRUTHS: Final = frozenset({"y", "n", "yes", "no", "on", "off"})
"""Booleans of YAML 1.1, which Kubernetes reads, and texts of YAML 1.2."""


def require_plain(document: Mapping, location: str) -> None:
    """Refuse an object whose kind, namespace or name two readers may understand in different ways.

    Raises:
        ManifestError: one of them is no text, or stands twice; or items of a list are no objects.
    """
    for seen in objects_in(document):
        place = " ".join(filter(None, (location, seen.place)))
        _require_once(seen.node, _FIELDS, place)
        _require_texts(seen.node, ("apiVersion", "kind"), place)
        metadata = seen.node.get("metadata")
        if type(metadata) is Mapping:
            _require_once(metadata, _NAMES, f"{place} metadata".strip())
            _require_texts(metadata, _NAMES, f"{place} metadata".strip())
        elif metadata is not None and not _is_null(metadata):
            raise ManifestError("must be a mapping", location=f"{place} metadata".strip())
        items = seen.node.get("items")
        if not seen.is_list and (seen.kind or seen.place) and type(items) is Sequence and _has_object(items):
            raise ManifestError("items are a list of objects to Kubernetes, and some are none", location=place or None)


def _has_object(items: Sequence) -> bool:
    """Whether an element is an object to some reader: null becomes one where the list says its kind."""
    return any(type(item) is Mapping or (type(item) is Scalar and item.value is None) for item in items.items)


def _require_once(node: Mapping, names: tuple[str, ...], place: str) -> None:
    """Refuse a field that stands twice in different spellings, and a key that becomes a separator where it is written out."""
    found: set[object] = set()
    for entry in node.entries():
        key = entry.key.value
        if key in names and key in found:
            raise ManifestError(f"field {key!r} is there twice", location=place or None)
        if type(key) is str and key.startswith("---"):
            raise ManifestError("a key starts with ---: Kubernetes ends a document there", location=place or None)
        found.add(key)


def _require_texts(node: Mapping, names: tuple[str, ...], place: str) -> None:
    for name in names:
        value = node.get(name)
        if value is None or _is_null(value):
            continue
        text = value.value if type(value) is Scalar else None
        if name == "name" and type(text) is Timestamp:
            continue  # a text to Kubernetes; no rule asks for names
        is_plain = type(value) is Scalar and not value.style and value.span is not None
        location = f"{place} {name}".strip()
        if type(text) is not str or (is_plain and text.lower() in _TRUTHS):
            raise ManifestError("must be a string", location=location, hint="put it in quotes")
        if text and text.split() != [text]:  # a line break behind it is there for some readers only
            raise ManifestError("must have no blanks in it", location=location)


def _is_null(node: Node) -> bool:
    return type(node) is Scalar and node.value is None
