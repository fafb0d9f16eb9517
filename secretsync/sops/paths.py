"""Paths into a tree, `["a"]["b"][0]`: parsed, followed, and values set or removed there on a new tree.

List positions count items; sops counts comments as well (docs/reference/differences.md).
Source: sops cmd/sops/main.go `parseTreePath`, sops.go `Truncate`, `set`, `unset` at v3.13.3.
"""

from __future__ import annotations

from collections.abc import Sequence as Items
from typing import TypeAlias

from secretsync.documents.tree import Comment, Entry, Mapping, Node, Scalar, Sequence
from secretsync.errors import PathNotFoundError, TreePathError

Path: TypeAlias = "tuple[str | int, ...]"


def parse_path(text: str) -> Path:
    """Return the steps of a path: text for a key, a number for a list position.

    Raises:
        TreePathError: not of the form, or no step at all.
    """
    steps: list[str | int] = []
    for part in text.split("["):
        if not part:
            continue
        if not part.endswith("]") or len(part) < 2:
            raise TreePathError(f"{part!r} does not end with ]", hint='write a path as ["key"]["other"][0]')
        steps.append(_step(part[:-1]))
    if not steps:
        raise TreePathError("the path is empty", hint='write a path as ["key"]["other"][0]')
    return tuple(steps)


def shown(path: Items[str | int]) -> str:
    """Return a path as messages show it: `a.b[0]`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def look_up(root: Mapping, path: Path) -> Node:
    """Return the node at `path`. Raises: PathNotFoundError."""
    node: Node = root
    for depth, step in enumerate(path):
        node = _child(node, step, path[: depth + 1])
    return node


def set_at(root: Mapping, path: Path, value: Node) -> Mapping:
    """Return the tree with `value` at `path`; what is missing on the way is created, a scalar on the way replaced.

    A position at or beyond the end of a list appends.

    Raises:
        PathNotFoundError: a negative position, a position in a mapping, or a key in a list.
    """
    result = _set(root, path, value, path)
    if not isinstance(result, Mapping):
        raise PathNotFoundError("the root of a document is a mapping", location=shown(path))
    return result


def unset_at(root: Mapping, path: Path) -> Mapping:
    """Return the tree without the value at `path`. Raises: PathNotFoundError."""
    result = _unset(root, path, path)
    assert isinstance(result, Mapping)
    return result


def _step(text: str) -> str | int:
    if text[0] in "\"'":
        if len(text) < 2:
            raise TreePathError(f"{text!r} is not quoted at both ends")
        return text[1:-1]
    sign = text[1:] if text[0] in "+-" else text
    if not (sign.isascii() and sign.isdecimal()):
        raise TreePathError(f"{text!r} is neither a quoted key nor a number", hint='write keys in quotes: ["key"]')
    return int(text)


def _child(node: Node, step: str | int, path: Path) -> Node:
    if isinstance(node, Mapping) and isinstance(step, str):
        found = node.get(step)
        if found is not None:
            return found
        raise PathNotFoundError(f"no key {step!r}", location=shown(path))
    if isinstance(node, Sequence) and isinstance(step, int):
        return node.items[_place(node, step, path)]  # type: ignore[return-value]  # _place skips comments
    raise PathNotFoundError(_mismatch(node, step), location=shown(path))


def _set(node: Node | None, path: Path, value: Node, whole: Path) -> Node:
    if not path:
        return value
    step, rest = path[0], path[1:]
    at = whole[: len(whole) - len(rest)]
    if isinstance(node, Mapping):
        if not isinstance(step, str):
            raise PathNotFoundError(_mismatch(node, step), location=shown(at))
        return _set_entry(node, step, rest, value, whole)
    if isinstance(node, Sequence):
        if not isinstance(step, int):
            raise PathNotFoundError(_mismatch(node, step), location=shown(at))
        places = _places(node)
        if step >= len(places):
            return Sequence([*node.items, _set(None, rest, value, whole)], node.span, node.flow)
        place = _place(node, step, at)
        old = node.items[place]
        new = _set(old if not isinstance(old, Comment) else None, rest, value, whole)
        return Sequence([*node.items[:place], new, *node.items[place + 1 :]], node.span, node.flow)
    inner = _set(None, rest, value, whole)
    return Sequence([inner]) if isinstance(step, int) else Mapping([Entry(Scalar(step), inner)])


def _set_entry(node: Mapping, key: str, rest: Path, value: Node, whole: Path) -> Mapping:
    for place, item in enumerate(node.items):
        if isinstance(item, Entry) and item.key.value == key:
            entry = Entry(item.key, _set(item.value, rest, value, whole))
            return Mapping([*node.items[:place], entry, *node.items[place + 1 :]], node.span, node.flow)
    return Mapping([*node.items, Entry(Scalar(key), _set(None, rest, value, whole))], node.span, node.flow)


def _unset(node: Node, path: Path, whole: Path) -> Node:
    step, rest = path[0], path[1:]
    at = whole[: len(whole) - len(rest)]
    old = _child(node, step, at)
    if isinstance(node, Mapping):
        place = next(i for i, item in enumerate(node.items) if isinstance(item, Entry) and item.value is old)
        entry = node.items[place]
        assert isinstance(entry, Entry)
        entries: list[Entry | Comment] = [Entry(entry.key, _unset(old, rest, whole))] if rest else []
        return Mapping([*node.items[:place], *entries, *node.items[place + 1 :]], node.span, node.flow)
    assert isinstance(node, Sequence)
    assert isinstance(step, int)
    place = _place(node, step, at)
    elements = [_unset(old, rest, whole)] if rest else []
    return Sequence([*node.items[:place], *elements, *node.items[place + 1 :]], node.span, node.flow)


def _places(node: Sequence) -> list[int]:
    return [place for place, item in enumerate(node.items) if not isinstance(item, Comment)]


def _place(node: Sequence, index: int, path: Path) -> int:
    """Return where in `items` the value number `index` stands."""
    places = _places(node)
    if not 0 <= index < len(places):
        raise PathNotFoundError(f"position {index} is outside of the list of {len(places)}", location=shown(path))
    return places[index]


def _mismatch(node: Node | None, step: str | int) -> str:
    kind = "mapping" if isinstance(node, Mapping) else "list" if isinstance(node, Sequence) else "scalar"
    return f"{step!r} cannot be looked up in a {kind}"
