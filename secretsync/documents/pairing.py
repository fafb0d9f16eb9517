"""Which old item a new item came from, when a new tree is written over an old text.

Partners keep their order, so a moved item counts as removed and added. The answer decides only how much text stays,
never what the result means.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable
from collections.abc import Sequence as Items
from itertools import accumulate
from typing import TypeAlias

from secretsync.documents.tree import Comment, Entry, Mapping, Node, Scalar, Sequence, Span

Item: TypeAlias = "Entry | Comment | Node"


class Edits:
    """Replacements of parts of one text, collected in any order, applied at once; they never overlap."""

    __slots__ = ("_edits", "last", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.last = ""  # what the result ends in, if that is no old text
        self._edits: list[tuple[int, int, int, str]] = []

    def replace(self, start: int, end: int, new: str) -> None:
        """Put `new` in place of `text[start:end]`; insertions at one place keep the order they came in."""
        self._edits.append((start, end, len(self._edits), new))

    def __bool__(self) -> bool:
        return bool(self._edits)

    def covers(self, span: Span) -> bool:
        """Whether some replacement takes all of `span`."""
        return any(start <= span.start and span.end <= end for start, end, _, _ in self._edits)

    def noted(self) -> Noted:
        """Return what is replaced so far, to be asked often."""
        return Noted((start, end) for start, end, _, _ in self._edits)

    def result(self) -> str:
        """Return the text with every replacement made; one inside of a replaced part goes with that part."""
        if not self._edits:
            return self.text
        parts: list[str] = []
        position = 0
        for start, end, _, new in sorted(self._edits):
            if start < position:
                position = max(position, end)
                continue
            if new or start > position:
                self.last = new
            parts += (self.text[position:start], new)
            position = end
        if position < len(self.text):
            self.last = ""
            parts.append(self.text[position:])
        return "".join(parts)


class Noted:
    """The places of many replacements: each question costs as if there were only few."""

    __slots__ = ("_reach", "_starts")

    def __init__(self, places: Iterable[tuple[int, int]]) -> None:
        ordered = sorted(places)
        self._starts = [start for start, _ in ordered]
        self._reach = [*accumulate((max(end, start + 1) for start, end in ordered), max)]

    def covers(self, span: Span) -> bool:
        """Whether some replacement takes all of `span`, which holds something."""
        before = bisect_right(self._starts, span.start)
        return before > 0 and self._reach[before - 1] >= span.end

    def touches(self, span: Span) -> bool:
        """Whether some replacement changes anything between the ends of `span`."""
        before = bisect_left(self._starts, span.end)
        return before > 0 and self._reach[before - 1] > span.start


def pair_entries(olds: list[Entry | Comment], news: list[Entry | Comment]) -> list[int | None]:
    """Return for each new mapping item the index of the old one it replaces: entries by key, comments by place."""
    start, stop = _common(olds, news, _same_key)
    partners: list[int | None] = [*range(start)]
    places: defaultdict[object, list[int]] = defaultdict(list)
    for place in range(len(olds) - stop - 1, start - 1, -1):
        old = olds[place]
        if isinstance(old, Entry):
            places[old.key.value].append(place)
    cursor = start
    for item in news[start : len(news) - stop]:
        index: int | None = None
        if isinstance(item, Entry):
            index = _next(places[item.key.value], cursor)
        elif cursor < len(olds) - stop and isinstance(olds[cursor], Comment):
            index = cursor
        partners.append(index)
        cursor = cursor if index is None else index + 1
    return [*partners, *range(len(olds) - stop, len(olds))]


def pair_elements(olds: list[Node | Comment], news: list[Node | Comment]) -> list[int | None]:
    """Return for each new element the index of the old one it replaces: equal ones at both ends, then by place."""
    if len(olds) == len(news):
        return [*range(len(olds))]
    start, stop = _common(olds, news, equal)
    between = range(start, len(olds) - stop)
    partners: list[int | None] = [*range(start), *between[: len(news) - stop - start]]
    partners += [None] * (len(news) - stop - len(partners))
    return [*partners, *range(len(olds) - stop, len(olds))]


def _common(olds: Items[Item], news: Items[Item], alike: Callable[[Item, Item], bool]) -> tuple[int, int]:
    """Return how many items agree at the start and, behind those, at the end."""
    most = min(len(olds), len(news))
    start = 0
    while start < most and alike(olds[start], news[start]):
        start += 1
    stop = 0
    while stop < most - start and alike(olds[-1 - stop], news[-1 - stop]):
        stop += 1
    return start, stop


def _same_key(old: Item, new: Item) -> bool:
    if type(old) is Entry and type(new) is Entry:
        return old is new or old.key is new.key or same_value(old.key, new.key)
    return type(old) is Comment and type(new) is Comment


def _next(places: list[int], cursor: int) -> int | None:
    """Take the first place at or behind `cursor` from a list that has the smallest last."""
    while places:
        index = places.pop()
        if index >= cursor:
            return index
    return None


def same_value(old: Scalar, new: Scalar) -> bool:
    """Whether two leaves hold the same value of the same type (minus zero is not zero, NaN is itself)."""
    if type(old.value) is not type(new.value):
        return False
    return old.value == new.value if not isinstance(old.value, float) else repr(old.value) == repr(new.value)


def equal(old: Item, new: Item) -> bool:
    """Whether two items hold the same values, keys and comments in the same order; style and place do not count."""
    if old is new:
        return True
    if type(old) is not type(new):
        return False
    if isinstance(old, Scalar) and isinstance(new, Scalar):
        return same_value(old, new)
    if isinstance(old, Comment) and isinstance(new, Comment):
        return old.text == new.text and old.inline == new.inline
    if isinstance(old, Entry) and isinstance(new, Entry):
        return same_value(old.key, new.key) and equal(old.value, new.value)
    assert isinstance(old, Mapping | Sequence)
    assert isinstance(new, Mapping | Sequence)
    return len(old.items) == len(new.items) and all(map(equal, old.items, new.items))


def same_values(old: Node, new: Node) -> bool:
    """Whether two nodes hold the same values under the same keys, comments left out; `1.0` is written as `1`."""
    if isinstance(old, Scalar) and isinstance(new, Scalar):
        numbers = type(old.value) in {int, float} and type(new.value) in {int, float}
        return old.value == new.value if numbers else same_value(old, new)
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        olds, news = [*old.entries()], [*new.entries()]
        return len(olds) == len(news) and all(
            same_value(before.key, after.key) and same_values(before.value, after.value)
            for before, after in zip(olds, news, strict=True)
        )
    if isinstance(old, Sequence) and isinstance(new, Sequence):
        elements, others = without_comments(old.items), without_comments(new.items)
        return len(elements) == len(others) and all(map(same_values, elements, others))
    return False


def without_comments(items: Iterable[Node | Comment]) -> list[Node]:
    """Return the elements of a sequence that are values."""
    return [item for item in items if not isinstance(item, Comment)]
