"""When two values are the same: equal type and value, whatever their style, order of keys, comments and ciphertext."""

from __future__ import annotations

from collections.abc import Hashable

from secretsync.documents.tree import Comment, Mapping, Node, Scalar, Sequence, Value


class Contents:
    """What nodes hold, in a form that compares and hashes; each node is looked at once."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Node, Hashable]] = {}

    def same(self, one: Node | None, other: Node | None) -> bool:
        """Whether two nodes hold the same; None is nothing, and the same as nothing else."""
        if one is other:
            return True
        return one is not None and other is not None and self.of(one) == self.of(other)

    def of(self, node: Node) -> Hashable:
        """Return what a node holds: `1` and `"1"` differ, and so do `1` and `1.0`; the order of keys does not count."""
        known = self._known.get(id(node))
        if known is None:
            known = self._known[id(node)] = node, self._of(node)
        return known[1]

    def _of(self, node: Node) -> Hashable:
        if isinstance(node, Scalar):
            return _of_value(node.value)
        if isinstance(node, Mapping):
            return Mapping, frozenset((_of_value(entry.key.value), self.of(entry.value)) for entry in node.entries())
        return Sequence, tuple(self.of(item) for item in node.items if not isinstance(item, Comment))


def _of_value(value: Value) -> Hashable:
    """Return a value with its type; minus zero is not zero, and NaN is itself."""
    return type(value), repr(value) if isinstance(value, float) else value
