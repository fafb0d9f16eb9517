"""A YAML tree as the plain values of a Kubernetes object.

Scalars that YAML 1.1 readers (kubectl, kubeseal) would not take for text stay marked, so that a field which must be
text can refuse them: sealing `yes` where the API server would have seen `true` changes a secret without a word.
"""

from __future__ import annotations

from typing import Final

from secretsync.documents.tree import Mapping, Node, Scalar, Sequence, Value
from secretsync.errors import DuplicateKeyError

# Source: the resolver of sigs.k8s.io/yaml (goyaml.v2 resolve.go); true and false are booleans in every version.
_YAML_1_1_BOOLEANS: Final = frozenset(
    word for lower in ("y", "yes", "on", "n", "no", "off") for word in (lower, lower.capitalize(), lower.upper())
)


class Unquoted(str):
    """Text that stands unquoted, and is a boolean to YAML 1.1 readers."""

    __slots__ = ()


def to_object(node: Node) -> object:
    """Return a node of a YAML tree as plain values, comments dropped.

    Unquoted words that YAML 1.1 takes for booleans come as `Unquoted`, timestamps as `Timestamp`.

    Raises:
        DuplicateKeyError: a mapping has a key twice.
    """
    if isinstance(node, Scalar):
        return _scalar(node)
    if isinstance(node, Sequence):
        return [to_object(item) for item in node.items if isinstance(item, Mapping | Sequence | Scalar)]
    found: dict[object, object] = {}
    for entry in node.entries():
        key = _scalar(entry.key)
        if key in found:
            raise DuplicateKeyError(f"key {str(key)!r} stands twice")
        found[key] = to_object(entry.value)
    return found


def _scalar(node: Scalar) -> Value:
    value = node.value
    if isinstance(value, str) and not node.style and node.span is not None and value in _YAML_1_1_BOOLEANS:
        return Unquoted(value)
    return value
