"""Recognising in an edited plaintext what was not edited, so that it keeps its ciphertext.

An editor hands back text. `base` is that text as it was given out, `old` the decrypted tree it was made from; a node of
the new tree that equals its partner in `base` becomes the very node of `old` that stands there.
"""

from __future__ import annotations

from collections.abc import Iterator

from secretsync.documents.pairing import equal, pair_elements, pair_entries
from secretsync.documents.tree import Comment, Entry, Mapping, Node, Scalar, Sequence


def reconciled(old: list[Mapping], base: list[Mapping], new: list[Mapping]) -> list[Mapping]:
    """Return `new` with each unchanged part replaced by its node of `old`."""
    result = []
    for index, document in enumerate(new):
        if index >= len(old) or index >= len(base):
            result.append(document)
            continue
        if equal(base[index], document):
            result.append(old[index])
            continue
        twins: dict[int, Node | Comment] = {}
        _pair(old[index], base[index], twins)
        _pair_comments(old[index], base[index], twins)
        merged = _merge(base[index], document, twins)
        assert isinstance(merged, Mapping)
        result.append(merged)
    return result


def _pair(old: Node | Comment, base: Node | Comment, twins: dict[int, Node | Comment]) -> None:
    """Note for each node of `base` the node of `old` at the same place, as far as both have one shape."""
    if isinstance(old, Mapping) and isinstance(base, Mapping):
        for item, partner in zip(base.items, pair_entries(old.items, base.items), strict=True):
            if partner is not None:
                _pair(_content(old.items[partner]), _content(item), twins)
    elif isinstance(old, Sequence) and isinstance(base, Sequence):
        for element, place in zip(base.items, pair_elements(old.items, base.items), strict=True):
            if place is not None:
                _pair(old.items[place], element, twins)
    elif isinstance(old, Comment) and isinstance(base, Comment) and old.text != base.text:
        return
    if type(old) is type(base):
        twins[id(base)] = old


def _pair_comments(old: Mapping, base: Mapping, twins: dict[int, Node | Comment]) -> None:
    """Note the comments one by one: without the block behind it, a text can have one in another container."""
    olds, bases = list(_comments(old)), list(_comments(base))
    if [one.text for one in olds] == [one.text for one in bases]:
        twins.update((id(twin), one) for one, twin in zip(olds, bases, strict=True))


def _comments(node: Node) -> Iterator[Comment]:
    if isinstance(node, Scalar):
        return
    for item in node.items:
        content = _content(item) if isinstance(item, Entry) else item
        if isinstance(content, Comment):
            yield content
        else:
            yield from _comments(content)


def _content(item: Entry | Comment) -> Node | Comment:
    return item.value if isinstance(item, Entry) else item


def _merge(base: Node, new: Node, twins: dict[int, Node | Comment]) -> Node:
    if isinstance(base, Mapping) and isinstance(new, Mapping):
        return Mapping(_entries(base, new, twins), new.span, new.flow)
    if isinstance(base, Sequence) and isinstance(new, Sequence):
        return Sequence(_elements(base, new, twins), new.span, new.flow)
    twin = twins.get(id(base))
    return twin if isinstance(twin, Scalar) and equal(base, new) else new


def _entries(base: Mapping, new: Mapping, twins: dict[int, Node | Comment]) -> list[Entry | Comment]:
    items: list[Entry | Comment] = []
    for item, partner in zip(new.items, pair_entries(base.items, new.items), strict=True):
        other = None if partner is None else base.items[partner]
        if isinstance(item, Entry) and isinstance(other, Entry):
            items.append(Entry(item.key, _merge(other.value, item.value, twins)))
        elif isinstance(item, Comment) and isinstance(other, Comment):
            items.append(_comment(other, item, twins))
        else:
            items.append(item)
    return items


def _elements(base: Sequence, new: Sequence, twins: dict[int, Node | Comment]) -> list[Node | Comment]:
    items: list[Node | Comment] = []
    for item, partner in zip(new.items, pair_elements(base.items, new.items), strict=True):
        other = None if partner is None else base.items[partner]
        if isinstance(item, Comment):
            items.append(_comment(other, item, twins) if isinstance(other, Comment) else item)
        elif other is None or isinstance(other, Comment):
            items.append(item)
        else:
            items.append(_merge(other, item, twins))
    return items


def _comment(base: Comment, new: Comment, twins: dict[int, Node | Comment]) -> Comment:
    twin = twins.get(id(base))
    return twin if isinstance(twin, Comment) and twin.text == new.text else new
