"""What an anchor names, and the copy that stands for it where an alias does."""

from __future__ import annotations

from secretsync.documents.tree import Comment, Mapping, Node, Scalar, Sequence, Span


class Anchored:
    """What an anchor names: the node, how many nodes it expands to and how deep it is."""

    __slots__ = ("_characters", "height", "node", "nodes", "text")

    def __init__(self, node: Node, text: str | None) -> None:
        self.node = node
        self.text = text  # of a scalar, for duplicate keys
        self.nodes = 0  # 0: still open, so an alias to it would contain itself
        self.height = 0
        self._characters = -1

    def characters(self) -> int:
        """Return how many characters an alias to it repeats, counted once: as many steps as it has nodes."""
        if self._characters < 0:
            self._characters = _characters(self.node)
        return self._characters


def _characters(root: Node) -> int:
    found, waiting = 0, [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Scalar):
            found += len(node.value) if isinstance(node.value, (str, bytes)) else 0
        elif isinstance(node, Mapping):
            for entry in node.entries():
                waiting += (entry.key, entry.value)
        else:
            waiting += (item for item in node.items if not isinstance(item, Comment))
    return found


def is_mergeable(node: Node) -> bool:
    """Tell whether `node` may be the value of a merge key: a mapping, or a sequence of mappings written out."""
    if isinstance(node, Sequence):
        return node.alias is None and all(isinstance(item, Mapping) for item in node.items)
    return isinstance(node, Mapping)


def copy_for_alias(node: Node, span: Span) -> Node:
    """Copy the node for an alias; the items are shared, since a loaded tree never changes."""
    if isinstance(node, Scalar):
        return Scalar(node.value, node.span, node.style, span)
    if isinstance(node, Mapping):
        return Mapping(node.items, node.span, node.flow, span)
    return Sequence(node.items, node.span, node.flow, span)
