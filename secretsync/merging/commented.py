"""The items of a mapping or list with the comments that belong to each: those above it, and the one behind it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from collections.abc import Sequence as Items
from typing import Generic, NamedTuple, TypeAlias, TypeVar

from secretsync.documents.tree import Comment, Entry, Mapping, Node, Scalar, Sequence

Comments: TypeAlias = "tuple[Comment, ...]"
_Key = TypeVar("_Key", bound=Hashable)


class CommentedItem(NamedTuple):
    """One item: its key in a mapping, None in a list; its value; the comments above it, and behind it on its line."""

    key: Scalar | None
    value: Node
    above: Comments = ()
    behind: Comments = ()


class CommentedItems(NamedTuple):
    """All items of a container, and the comments below the last one."""

    items: list[CommentedItem]
    tail: Comments = ()

    def by_key(self) -> dict[object, CommentedItem]:
        """Return the items of a mapping by their keys, in order."""
        return {slot.key.value if slot.key else None: slot for slot in self.items}


def commented(container: Mapping | Sequence | None) -> CommentedItems:
    """Return the items of a container with their comments; of nothing, none."""
    slots = CommentedItems([])
    waiting: list[Comment] = []
    for item in container.items if container else ():
        if not isinstance(item, Comment):
            key, value = (item.key, item.value) if isinstance(item, Entry) else (None, item)
            slots.items.append(CommentedItem(key, value, tuple(waiting)))
            waiting = []
        elif item.inline and slots.items and not waiting:
            last = slots.items[-1]
            slots.items[-1] = last._replace(behind=(*last.behind, item))
        else:
            waiting.append(item)
    return slots._replace(tail=tuple(waiting))


def shared_head(sides: Iterable[CommentedItems]) -> int:
    """Return how many comments at the beginning are the same on all sides: they belong to the whole, not to an item.

    Otherwise a comment at the head of a file would go where an item goes that somebody put below it.
    """
    firsts = [texts(side.items[0].above) if side.items else () for side in sides]
    return next((at for at, each in enumerate(zip(*firsts, strict=False)) if len({*each}) > 1), min(map(len, firsts)))


def without_head(side: CommentedItems, size: int) -> CommentedItems:
    """Return items without so many comments above the first one."""
    if not size:
        return side
    first = side.items[0]
    return side._replace(items=[first._replace(above=first.above[size:]), *side.items[1:]])


def below_head(head: Comments, items: list[CommentedItem], tail: Comments) -> CommentedItems:
    """Return items with comments at the beginning."""
    if not items:
        return CommentedItems([], (*head, *tail))
    return CommentedItems([items[0]._replace(above=(*head, *items[0].above)), *items[1:]], tail)


def mapping_of(before: Mapping, found: CommentedItems, merged: CommentedItems) -> Mapping:
    """Return a mapping with what was merged; `before`, whose items are `found`, where nothing of it is new."""
    if _is_unchanged(found, merged):
        return before
    items: list[Entry | Comment] = []
    for slot in merged.items:
        assert slot.key is not None
        items += (*slot.above, Entry(slot.key, slot.value), *slot.behind)
    return Mapping([*items, *merged.tail], before.span, before.flow)


def sequence_of(before: Sequence, found: CommentedItems, merged: CommentedItems) -> Sequence:
    """Return a list with what was merged; `before`, whose items are `found`, where nothing of it is new."""
    if _is_unchanged(found, merged):
        return before
    items: list[Node | Comment] = []
    for slot in merged.items:
        items += (*slot.above, slot.value, *slot.behind)
    return Sequence([*items, *merged.tail], before.span, before.flow)


def all_texts(node: Node | None) -> list[str]:
    """Return what all comments in a node say."""
    found: list[str] = []
    waiting: list[Node | Comment | Entry] = [node] if node else []
    while waiting:
        item = waiting.pop()
        if isinstance(item, Comment):
            found.append(item.text)
        elif isinstance(item, Entry):
            waiting.append(item.value)
        elif not isinstance(item, Scalar):
            waiting += reversed(item.items)
    return found


def texts(comments: Iterable[Comment]) -> tuple[str, ...]:
    """Return what comments say."""
    return tuple(comment.text for comment in comments)


def _is_unchanged(found: CommentedItems, merged: CommentedItems) -> bool:
    return (
        len(found.items) == len(merged.items)
        and all(
            one.value is other.value and one.above == other.above and one.behind == other.behind
            for one, other in zip(found.items, merged.items, strict=True)
        )
        and found.tail == merged.tail
    )


class Order(Generic[_Key]):
    """The order of a merged container: that of ours; what only theirs has comes behind what it follows there.

    What follows nothing that is left goes to the end, or, where `first` says so, to the beginning.
    """

    def __init__(self, ours: Items[_Key], theirs: Items[_Key], *, first: bool = False) -> None:
        self._ours = ours
        self._first = first
        self._theirs = theirs

    def of(self, kept: set[_Key]) -> list[_Key]:
        """Return the keys that are left, in order."""
        mine = set(self._ours)
        behind: dict[_Key, _Key] = {}
        loose: list[_Key] = []
        last: list[_Key] = []
        for key in self._theirs:
            if key not in kept:
                continue
            if key not in mine:
                if last:
                    behind[last[0]] = key
                else:
                    loose.append(key)
            last = [key]
        heads = [key for key in self._ours if key in kept]
        heads = [*loose, *heads] if self._first else [*heads, *loose]
        return [key for head in heads for key in _chain(head, behind)]


def _chain(head: _Key, behind: dict[_Key, _Key]) -> Iterable[_Key]:
    yield head
    while head in behind:
        head = behind[head]
        yield head
