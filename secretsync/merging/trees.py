"""The merge of plain trees by the table of values: what only one side changed is taken, what both changed is a conflict.

A conflict in one value does not hinder the others. Nodes of the result are the very nodes of ours, or of theirs where
the value came from there, so that who encrypts them again knows the ciphertext that each had.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from collections.abc import Sequence as Items
from typing import NamedTuple

from secretsync.documents.tree import Mapping, Node, Scalar, Sequence
from secretsync.merging.commented import (
    CommentedItem,
    CommentedItems,
    Comments,
    Order,
    all_texts,
    below_head,
    commented,
    mapping_of,
    sequence_of,
    shared_head,
    texts,
    without_head,
)
from secretsync.merging.conflicts import Choices, ConflictKind, MergeConflict, Path, Side, Values
from secretsync.merging.lists import appended, identities
from secretsync.merging.values import Contents

COMMENTS_OF_OURS = "both sides changed the comments: those of ours stay"
COMMENTS_LOST = "comments that ours changed here went with what theirs changed"
COMMENTS_LEFT = "comments that theirs changed here were left out"
ORDER_OF_OURS = "the order of the items is that of ours"


class Note(NamedTuple):
    """What a person should know although it is no conflict, and where."""

    document: int
    path: Path
    message: str


class TreeMerge:
    """Merges one document after the other; `conflicts` and `notes` are those of all so far."""

    def __init__(self, choices: Choices) -> None:
        self.document = 1
        self.conflicts: list[MergeConflict] = []
        self.notes: list[Note] = []
        self._contents = Contents()
        self._choices = choices

    def value(self, base: Node | None, ours: Node | None, theirs: Node | None, path: Path) -> Node | None:
        """Return what stands at `path` after the merge, None for nothing."""
        if isinstance(base, Mapping) and isinstance(ours, Mapping) and isinstance(theirs, Mapping):
            return self.mapping(base, ours, theirs, path)
        same = self._contents.same
        if same(base, theirs) or same(ours, theirs):
            return self._ours(base, ours, theirs, path)
        if same(base, ours):
            self._note_if(all_texts(base) != all_texts(ours), COMMENTS_LOST, path)
            return theirs
        if isinstance(base, Sequence) and isinstance(ours, Sequence) and isinstance(theirs, Sequence):
            return self._list(base, ours, theirs, path)
        return self.conflict(_kind(base, ours, theirs), Values(base, ours, theirs), path)

    def mapping(self, base: Mapping, ours: Mapping, theirs: Mapping, path: Path) -> Mapping:
        """Return three mappings merged key by key; ours itself where nothing of theirs is new."""
        old, mine, others = (commented(each) for each in (base, ours, theirs))
        size = shared_head((old, mine, others))
        was, here, there = (without_head(each, size).by_key() for each in (old, mine, others))
        merged = {}
        for key in dict.fromkeys((*here, *there)):
            slot = self._slot(was.get(key), here.get(key), there.get(key), (*path, str(key)))
            if slot is not None:
                merged[key] = slot
        order = Order([*here], [*there]).of({*merged})
        tail = self._comments(old.tail, mine.tail, others.tail, path)
        head = mine.items[0].above[:size] if size else ()
        return mapping_of(ours, mine, below_head(head, [merged[key] for key in order], tail))

    def _ours(self, base: Node | None, ours: Node | None, theirs: Node | None, path: Path) -> Node | None:
        """Return ours, which holds all of theirs; comments are merged as far as the items are the same."""
        if isinstance(base, Sequence) and isinstance(ours, Sequence) and isinstance(theirs, Sequence):
            old, mine, others = (commented(each) for each in (base, ours, theirs))
            if len(old.items) == len(mine.items) == len(others.items) and self._contents.same(base, ours):
                places = [*range(len(mine.items))]
                return self._items(ours, (old, mine, others), (places, places, places), path)
        self._note_if(all_texts(theirs) not in (all_texts(base), all_texts(ours)), COMMENTS_LEFT, path)
        return ours

    def _list(self, base: Sequence, ours: Sequence, theirs: Sequence, path: Path) -> Node | None:
        old, mine, others = sides = commented(base), commented(ours), commented(theirs)
        was, here, there = ([slot.value for slot in each.items] for each in sides)
        found = identities([was, here, there], self._contents)
        if found:
            return self._items(ours, sides, (found[0], found[1], found[2]), path)
        more = appended(was, here, there, self._contents)
        if more is None:
            return self.conflict(ConflictKind.LIST, Values(base, ours, theirs), path)
        tail = self._comments(old.tail, mine.tail, others.tail, path)
        return sequence_of(ours, mine, CommentedItems([*mine.items, *(others.items[at] for at in more)], tail))

    def _items(
        self, ours: Sequence, sides: Items[CommentedItems], keys: Items[Items[Hashable]], path: Path
    ) -> Sequence:
        """Return a list whose items are told apart by `keys`, merged item by item."""
        was, here, there = (dict(zip(each, side.items, strict=True)) for each, side in zip(keys, sides, strict=True))
        order = Order(keys[1], keys[2], first=True)
        places = {key: at for at, key in enumerate(order.of({key for key in there if key not in was} | {*here}))}
        merged: dict[Hashable, CommentedItem] = {}
        for key in dict.fromkeys((*here, *there)):
            slot = self._slot(was.get(key), here.get(key), there.get(key), (*path, places.get(key, len(places))))
            if slot is not None:
                merged[key] = slot
        self._note_if(_is_reordered(was, here, there), ORDER_OF_OURS, path)
        tail = self._comments(sides[0].tail, sides[1].tail, sides[2].tail, path)
        return sequence_of(ours, sides[1], CommentedItems([merged[key] for key in order.of({*merged})], tail))

    def conflict(self, kind: ConflictKind, values: Values, path: Path) -> Node | None:
        """Note a conflict and return what was chosen for it: without a choice, what ours has."""
        conflict = MergeConflict(len(self.conflicts) + 1, self.document, path, kind, values)
        self.conflicts.append(conflict)
        choice = self._choices.get(conflict.number, Side.OURS)
        if isinstance(choice, Side):
            return values.ours if choice is Side.OURS else values.theirs
        return choice

    def _slot(
        self, base: CommentedItem | None, ours: CommentedItem | None, theirs: CommentedItem | None, path: Path
    ) -> CommentedItem | None:
        old, mine, other = (each.value if each else None for each in (base, ours, theirs))
        value = self.value(old, mine, other, path)
        if value is None:
            return None
        if ours is None or theirs is None:
            known = ours or theirs
            assert known is not None  # there is a value
            return known._replace(value=value)
        above = self._comments(base.above if base else (), ours.above, theirs.above, path)
        behind = self._comments(base.behind if base else (), ours.behind, theirs.behind, path)
        return CommentedItem(ours.key, value, above, behind)

    def _comments(self, base: Comments, ours: Comments, theirs: Comments, path: Path) -> Comments:
        """Return the comments of one place: those that one side changed, or of ours, with a note, where both did."""
        old, mine, others = texts(base), texts(ours), texts(theirs)
        if others in (old, mine):
            return ours
        if mine == old:
            return theirs
        self._note_if(True, COMMENTS_OF_OURS, path)
        return ours

    def _note_if(self, condition: bool, message: str, path: Path) -> None:  # noqa: FBT001  # it reads as a sentence
        if condition:
            self.notes.append(Note(self.document, path, message))


def _is_reordered(base: Iterable[Hashable], ours: Iterable[Hashable], theirs: Iterable[Hashable]) -> bool:
    """Whether theirs has what all three have in an order that neither base nor ours has."""
    common = {*base} & {*ours} & {*theirs}
    old, mine, others = ([key for key in each if key in common] for each in (base, ours, theirs))
    return others not in (old, mine)


def _kind(base: Node | None, ours: Node | None, theirs: Node | None) -> ConflictKind:
    if base is None:
        return ConflictKind.BOTH_ADDED
    if ours is None:
        return ConflictKind.DELETED_HERE
    if theirs is None:
        return ConflictKind.DELETED_THERE
    if isinstance(base, Scalar) and isinstance(ours, Scalar) and isinstance(theirs, Scalar):
        return ConflictKind.BOTH_CHANGED
    return ConflictKind.TYPE
