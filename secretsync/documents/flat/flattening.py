"""The flat form of nested metadata in dotenv and INI: `age__list_0__map_enc`, and back.

Source: sops stores/flatten.go at v3.13.3.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from secretsync.documents.tree import Comment, Entry, Mapping, Node, Scalar, Sequence, Value
from secretsync.errors import MetadataError

_STEPS: Final = ("__map_", "__list_")
_DEEPEST: Final = 100  # steps of a path, as many as collections nest elsewhere; what sops writes has at most six


def flatten(mapping: Mapping, prefix: str = "") -> Iterator[tuple[str, Value]]:
    """Yield the path and value of each leaf, in order; comments and empty collections vanish."""
    for entry in mapping.entries():
        if not isinstance(entry.key.value, str):
            raise MetadataError("a metadata key is not a string")
        yield from _descend(entry.value, prefix + entry.key.value)


def _descend(node: Node, path: str) -> Iterator[tuple[str, Value]]:
    if isinstance(node, Mapping):
        yield from flatten(node, path + "__map_")
    elif isinstance(node, Sequence):
        elements = (item for item in node.items if not isinstance(item, Comment))
        for index, item in enumerate(elements):
            yield from _descend(item, f"{path}__list_{index}")
    else:
        yield path, node.value


def unflatten(leaves: Iterable[tuple[str, Scalar]]) -> Mapping:
    """Return the nested mapping that `leaves` spell, keys in the order of their first leaf.

    Raises: MetadataError for a path given twice, a value that is also a collection, a list that is also a mapping,
    a hole in a list (sops: "Duplicate value", "Type mismatch", "Incomplete list"), or a path of more than 100 steps.
    """
    root = _Branch()
    for path, leaf in leaves:
        root.place(_tokens(path), leaf, path)
    node = root.node("sops")
    return node if isinstance(node, Mapping) else Mapping()


def _tokens(path: str) -> list[str | int]:
    first, *steps = _split(path)
    if len(steps) > _DEEPEST:
        raise MetadataError(f"metadata {path[:40]!r}… nests deeper than {_DEEPEST}")
    tokens: list[str | int] = [first[1]]
    for step, text in steps:
        if step == _STEPS[0]:
            tokens.append(text)
        elif text.isascii() and text.isdigit() and len(text) < 7:
            tokens.append(int(text))
        else:
            raise MetadataError(f"metadata {path!r} has a list index that is not a number")
    return tokens


def _split(path: str) -> Iterator[tuple[str, str]]:
    """Yield the parts of a path, each with the step before it; the first has none."""
    step, start = "", 0
    places = {each: path.find(each) for each in _STEPS}
    while following := [(place, each) for each, place in places.items() if place >= 0]:
        place, each = min(following)
        yield step, path[start:place]
        step, start = each, place + len(each)
        places = {each: path.find(each, start) if 0 <= at < start else at for each, at in places.items()}
    yield step, path[start:]


class _Branch:
    """A node under construction: a value, or children by key, or children by index."""

    __slots__ = ("children", "leaf")

    def __init__(self) -> None:
        self.leaf: Scalar | None = None
        self.children: dict[str | int, _Branch] = {}

    def place(self, tokens: list[str | int], leaf: Scalar, path: str) -> None:
        """Put `leaf` at `tokens`."""
        branch = self
        for token in tokens:
            branch = branch.children.setdefault(token, _Branch())
        if branch.leaf is not None:
            raise MetadataError(f"metadata {path!r} is given twice")
        branch.leaf = leaf

    def node(self, path: str) -> Node:
        """Return the finished node. Raises: MetadataError where the leaves contradict each other."""
        kinds = {type(token) for token in self.children}
        if len(kinds) + (self.leaf is not None) > 1:
            raise MetadataError(f"metadata {path!r} is both a value and a collection, or a list and a mapping")
        if self.leaf is not None:
            return self.leaf
        if int in kinds:
            if any(index not in self.children for index in range(len(self.children))):
                raise MetadataError(f"metadata list {path!r} has a hole")
            return Sequence([self.children[index].node(f"{path}.{index}") for index in range(len(self.children))])
        return Mapping([Entry(Scalar(str(key)), child.node(f"{path}.{key}")) for key, child in self.children.items()])
