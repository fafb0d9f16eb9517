"""Splicing flow collections: members change in place, come and go with their comma.

Where members with comments come or go, the collection is written afresh.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from secretsync.documents.pairing import Item, pair_elements, pair_entries
from secretsync.documents.tree import Comment, Entry, Mapping, Sequence
from secretsync.documents.yaml.places import Slot, comments_behind, node_span

if TYPE_CHECKING:
    from secretsync.documents.yaml.rewriting.splice import Splice


def splice_flow(splicer: Splice, old: Mapping | Sequence, new: Mapping | Sequence) -> None:
    """Note what changed between two collections of one kind that both hold values, the old one in flow style."""
    behind, first = comments_behind(old), new.items[0]
    if behind and isinstance(first, Comment):
        splicer.comment(behind[0], first)
        _splice(splicer, _rest(old), _rest(new))
    else:
        splicer.drop_comments_behind(old)
        _splice(splicer, _rest(old) if behind else old, new)


def _splice(splicer: Splice, old: Mapping | Sequence, new: Mapping | Sequence) -> None:
    partners = _pair(old, new)
    if len(partners) == len(old.items) and all(
        index is not None and isinstance(old.items[index], Comment) == isinstance(item, Comment)
        for index, item in zip(partners, new.items, strict=True)
    ):
        for before, after in zip(old.items, new.items, strict=True):
            _member(splicer, before, after)
        return
    commented = any(isinstance(item, Comment) for item in (*old.items, *new.items))
    kept = [index for index in partners if index is not None]
    if commented or not kept or splicer.text[node_span(old).end - 1] not in "]}":
        splicer.edits.replace(*node_span(old), splicer.flow_text(new))
        return
    _cut(splicer, old, kept)
    _insert(splicer, old, new, partners)


def _member(splicer: Splice, old: Item, new: Item) -> None:
    if isinstance(old, Comment):
        assert isinstance(new, Comment)
        splicer.comment(old, new)
    elif isinstance(old, Entry):
        assert isinstance(new, Entry)
        splicer.merge_key(old, new)
        splicer.node(old.value, new.value, Slot(splicer.places.behind_colon(old), 0, 0, flow=True))
    else:
        assert not isinstance(new, Entry | Comment)
        splicer.node(old, new, Slot(node_span(old).start, 0, 0, flow=True))


def _cut(splicer: Splice, old: Mapping | Sequence, kept: list[int]) -> None:
    """Remove the members without a partner, each with the comma before it, the first ones with that behind them."""
    places, partners = splicer.places, frozenset(kept)
    if kept[0] > 0:
        splicer.edits.replace(places.start(old, 0), places.start(old, kept[0]), "")
    for place in range(kept[0] + 1, len(old.items)):
        if place not in partners:
            splicer.edits.replace(places.end(old.items[place - 1]), places.end(old.items[place]), "")


def _insert(splicer: Splice, old: Mapping | Sequence, new: Mapping | Sequence, partners: list[int | None]) -> None:
    """Splice the members with a partner and put the new ones behind them, or before the first."""
    places = splicer.places
    first = next(index for index in partners if index is not None)
    previous: int | None = None
    for item, index in zip(new.items, partners, strict=True):
        if index is not None:
            _member(splicer, old.items[index], item)
            previous = index
            continue
        assert not isinstance(item, Comment)
        text = splicer.flow_text(Mapping([item]))[1:-1] if isinstance(item, Entry) else splicer.flow_text(item)
        at = places.start(old, first) if previous is None else places.end(old.items[previous])
        splicer.edits.replace(at, at, text + ", " if previous is None else ", " + text)


def _rest(node: Mapping | Sequence) -> Mapping | Sequence:
    """Return a flow collection without its first item."""
    if isinstance(node, Mapping):
        return Mapping(node.items[1:], node.span, node.flow)
    return Sequence(node.items[1:], node.span, node.flow)


def _pair(old: Mapping | Sequence, new: Mapping | Sequence) -> list[int | None]:
    if isinstance(old, Mapping):
        assert isinstance(new, Mapping)
        return pair_entries(old.items, new.items)
    assert isinstance(new, Sequence)
    return pair_elements(old.items, new.items)
