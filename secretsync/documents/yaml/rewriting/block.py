"""Splicing block collections: items come and go as whole lines, the others stay where they are."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from functools import cached_property
from typing import TYPE_CHECKING

from secretsync.documents.pairing import pair_elements, pair_entries
from secretsync.documents.tree import Comment, Entry, Mapping, Node, Sequence
from secretsync.documents.yaml.places import Slot, comment_span, last_leaf, next_column

if TYPE_CHECKING:
    from secretsync.documents.yaml.rewriting.splice import Splice


def splice_block(splicer: Splice, old: Mapping | Sequence, new: Mapping | Sequence, after: int) -> bool:
    """Note what changed between two block collections of one kind that both hold values.

    Return False, with nothing noted, if no item of the old one stays: there is nothing to put the new ones next to.
    """
    if isinstance(old, Mapping):
        assert isinstance(new, Mapping)
        partners = pair_entries(old.items, new.items)
    else:
        assert isinstance(new, Sequence)
        partners = [
            None if index is not None and type(old.items[index]) is Comment and type(item) is not Comment else index
            for item, index in zip(new.items, pair_elements(old.items, new.items), strict=True)
        ]
    return _Block(splicer, old, new, after).splice(partners)


class _Block:
    """One block collection, its new items and where its columns are."""

    def __init__(self, splicer: Splice, old: Mapping | Sequence, new: Mapping | Sequence, after: int) -> None:
        self.splicer = splicer
        self.places = splicer.places
        self.edits = splicer.edits
        self.old = old
        self.new = new
        self.after = after  # the place behind the colon or dash that the collection belongs to
        self.column = -1
        self.standing: list[int] = []  # the old items that stay, on lines of their own
        self._starts: dict[int, int] = {}
        self._ends: dict[int, int] = {}

    def splice(self, partners: list[int | None]) -> bool:
        """Splice paired items, insert those without a partner, remove the old ones that have none."""
        complete = len(partners) == len(self.old.items) and None not in partners
        kept = {index for index in partners if index is not None}
        self.standing = [] if complete else [index for index in sorted(kept) if self._stands(index)]
        if not complete and not self.standing:
            return False
        for item, index in zip(self.new.items, partners, strict=True):
            if index is not None:
                before = self.old.items[index]
                if before is not item:
                    self._pair(index, before, item)
        # After the pairs: of two insertions at one place, that into the inner collection comes first.
        if not complete:
            self._come_and_go(partners, kept)
        return True

    def _pair(self, index: int, old: Entry | Comment | Node, new: Entry | Comment | Node) -> None:
        if isinstance(old, Entry):
            assert isinstance(new, Entry)
            self.splicer.merge_key(old, new)
            if old.value is not new.value and not self.splicer.on_its_line(old.value, new.value):
                column = self._own_column()
                slot = Slot(self.places.behind_colon(old), column, next_column(column, self.splicer.step))
                self.splicer.node(old.value, new.value, slot)
        elif isinstance(old, Comment):
            assert isinstance(new, Comment)
            self.splicer.comment(old, new)
        elif isinstance(new, Comment):
            dash = self.places.start(self.old, index)
            lines = self.splicer.comment_text(new, dash)
            self.edits.replace(dash, self.places.end(old), lines)
        else:
            assert not isinstance(new, Entry)
            column = self._own_column()
            dash = self.places.start(self.old, index)
            self.splicer.node(old, new, Slot(dash + 1, column, column + 2, dash=True))

    def _own_column(self) -> int:
        if self.column < 0:
            self.column = self.places.own_column(self.old)
        return self.column

    # --- items that come and go -----------------------------------------------------------------------------------

    def _come_and_go(self, partners: list[int | None], kept: set[int]) -> None:
        items = self.old.items
        comments = sorted(comment_span(item)[0] for index in kept if isinstance(item := items[index], Comment))
        for place in range(len(items)):
            if place not in kept:
                self._remove(place, comments)
        previous: int | None = None
        group: list[Entry | Comment | Node] = []
        for item, index in zip(self.new.items, partners, strict=True):
            if index is None:
                group.append(item)
                continue
            self._insert(group, previous)
            group, previous = [], index
        self._insert(group, previous)

    def _is_inline(self, index: int) -> bool:
        item = self.old.items[index]
        return isinstance(item, Comment) and not self.places.is_first(comment_span(item)[0])

    def _stands(self, index: int) -> bool:
        """Whether an item has a line of its own, between those of its neighbours.

        sops counts some comments to a place they do not stand at: one of the next document, one above a first key.
        """
        item = self.old.items[index]
        if not isinstance(item, Comment):
            return True
        start = comment_span(item).start
        if not self.after <= start < self.places.limit or self._is_inline(index):
            return False
        following = bisect_right(self._values, index)
        if following and self._value_end(self._values[following - 1]) > start:
            return False
        return following == len(self._values) or start < self._value_start(self._values[following])

    @cached_property
    def _values(self) -> list[int]:
        """The old items that are no comments."""
        return [index for index, item in enumerate(self.old.items) if not isinstance(item, Comment)]

    def _value_start(self, index: int) -> int:
        known = self._starts.get(index)
        if known is None:
            known = self._starts[index] = self.places.start(self.old, index)
        return known

    def _value_end(self, index: int) -> int:
        known = self._ends.get(index)
        if known is None:
            known = self._ends[index] = self.places.end(self.old.items[index])
        return known

    def _remove(self, index: int, comments: list[int]) -> None:
        """Remove an item: its lines, or the part of its line that is its own."""
        item, places = self.old.items[index], self.places
        start, stop = places.start(self.old, index), places.end(item)
        if self._is_inline(index):
            line = places.line_start(start)
            self.edits.replace(line + len(places.text[line:start].rstrip(" \t")), stop, "")
            return
        if not places.is_first(start):
            # `- a: 1`: the next item moves up to the place of the first.
            follower = bisect_right(self.standing, index)
            if follower < len(self.standing):
                self.edits.replace(start, places.start(self.old, self.standing[follower]), "")
            return
        if isinstance(item, Comment) and places.would_swallow(stop, 1):
            # An empty comment keeps a literal above from taking a deeper one below.
            self.edits.replace(start + 1, stop, "")
            return
        comment = self._comment_behind(stop, comments)
        if comment is not None:
            self.edits.replace(start, comment, "")
            return
        # With the line break before it, so that what is inserted at the end of its line stays; at the end of the text
        # that line break remains, as a literal before it may need it.
        line_end = places.line_end(stop)
        line = places.line_start(start)
        before = line if line_end == len(places.text) else places.behind_previous_line(start)
        self.edits.replace(before, line_end, "")
        if line == 0:
            self.edits.replace(line_end, places.next_line(line_end), "")
        elif places.keeps_blank_lines():
            self.edits.replace(line_end, places.last_blank_line(line_end), "")

    def _comment_behind(self, position: int, comments: list[int]) -> int | None:
        """Return where a comment that stays stands in the rest of the line of `position`."""
        following = bisect_left(comments, position)
        found = comments[following] if following < len(comments) else None
        return found if found is not None and found < self.places.line_end(position) else None

    def _insert(self, group: list[Entry | Comment | Node], previous: int | None) -> None:
        """Write new items behind the old item `previous`, or before the first that stays."""
        if not group:
            return
        places, column = self.places, self._own_column()
        if previous is not None and not self._stands(previous):
            before = bisect_left(self.standing, previous)
            previous = self.standing[before - 1] if before else None
        if previous is not None:
            item = self.old.items[previous]
            at = places.line_end(places.end(item))
            if at == len(places.text):
                self._close_literal(item)
            self.edits.replace(at, at, self._text(group, at) + self._distance(group[-1], at))
            return
        lead = places.newline + " " * column
        start = places.start(self.old, self.standing[0])
        first = self._value_start(self._values[0])
        if places.is_first(start) and places.is_first(first):
            at = places.line_start(start)
            self.edits.replace(at, at, self._text(group, at).removeprefix(places.newline) + places.newline)
        else:
            self.edits.replace(start, start, self._text(group, start).removeprefix(lead) + lead)

    def _distance(self, last: Entry | Comment | Node, position: int) -> str:
        """Return the blank line that keeps a comment from being read as the head of what follows in its column."""
        places = self.places
        start = places.next_line(position)
        follower = places.text[start : places.line_end(start)].lstrip(" ")
        if not isinstance(last, Comment) or not follower.strip():
            return ""
        return places.newline if places.line_end(start) - len(follower) == start + self._own_column() else ""

    def _text(self, group: list[Entry | Comment | Node], position: int) -> str:
        """Return new items as lines, each with its line break before it."""
        emitter = self.splicer.emitter(position, self._own_column() + 1)
        if isinstance(self.old, Mapping):
            emitter.mapping(Mapping([item for item in group if isinstance(item, Entry | Comment)]), self._own_column())
        else:
            emitter.sequence(Sequence([item for item in group if not isinstance(item, Entry)]), self._own_column())
        return "".join(emitter.parts)

    def _close_literal(self, item: Entry | Comment | Node) -> None:
        """Keep the value of a literal that ends the text without a line break, now that one follows."""
        leaf = None if isinstance(item, Comment) else last_leaf(item)
        if leaf is None or not isinstance(leaf.value, str) or leaf.value.endswith("\n"):
            return
        assert leaf.span is not None
        header = self.splicer.header(leaf)
        signs = self.places.text[header.end - 2 : header.end] if header else ""
        if header and "-" not in signs and not self.edits.covers(header):
            self.edits.replace(header.end - signs.count("+"), header.end, "-")
