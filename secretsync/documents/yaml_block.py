"""Splicing block collections: items come and go as whole lines, the others stay where they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from secretsync.documents.pairing import pair_elements, pair_entries
from secretsync.documents.tree import Comment, Entry, Mapping, Node, Sequence
from secretsync.documents.yaml_places import Slot, comment_span, last_leaf

if TYPE_CHECKING:
    from secretsync.documents.yaml_splice import Splicer


def splice_block(splicer: Splicer, old: Mapping | Sequence, new: Mapping | Sequence) -> bool:
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
    return _Block(splicer, old, new).splice(partners)


class _Block:
    """One block collection, its new items and where its columns are."""

    def __init__(self, splicer: Splicer, old: Mapping | Sequence, new: Mapping | Sequence) -> None:
        self.splicer = splicer
        self.places = splicer.places
        self.edits = splicer.edits
        self.old = old
        self.new = new
        self.column = -1

    def splice(self, partners: list[int | None]) -> bool:
        """Splice paired items, insert those without a partner, remove the old ones that have none."""
        complete = len(partners) == len(self.old.items) and None not in partners
        kept = {index for index in partners if index is not None}
        standing = [] if complete else [index for index in sorted(kept) if self._stands(index)]
        if not complete and not standing:
            return False
        for item, index in zip(self.new.items, partners, strict=True):
            if index is not None:
                before = self.old.items[index]
                if before is not item:
                    self._pair(index, before, item)
        # After the pairs: of two insertions at one place, that into the inner collection comes first.
        if not complete:
            self._come_and_go(partners, kept, standing)
        return True

    def _pair(self, index: int, old: Entry | Comment | Node, new: Entry | Comment | Node) -> None:
        if isinstance(old, Entry):
            assert isinstance(new, Entry)
            if old.value is not new.value:
                column = self._own_column()
                slot = Slot(self.places.behind_colon(old), column, self.splicer.emitter().next_column(column))
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

    def _come_and_go(self, partners: list[int | None], kept: set[int], standing: list[int]) -> None:
        for place in range(len(self.old.items)):
            if place not in kept:
                self._remove(place, kept, standing)
        previous: int | None = None
        group: list[Entry | Comment | Node] = []
        for item, index in zip(self.new.items, partners, strict=True):
            if index is None:
                group.append(item)
                continue
            self._insert(group, previous, standing)
            group, previous = [], index
        self._insert(group, previous, standing)

    def _is_inline(self, index: int) -> bool:
        item = self.old.items[index]
        return isinstance(item, Comment) and not self.places.is_first(comment_span(item)[0])

    def _stands(self, index: int) -> bool:
        """Whether an item has a line of its own in this document; sops counts a comment of the next one to this too."""
        item = self.old.items[index]
        beyond = isinstance(item, Comment) and comment_span(item).start >= self.places.limit
        return not beyond and not self._is_inline(index)

    def _remove(self, index: int, kept: set[int], standing: list[int]) -> None:
        """Remove an item: its lines, or the part of its line that is its own."""
        item, places = self.old.items[index], self.places
        start, stop = places.start(self.old, index), places.end(item)
        if self._is_inline(index):
            line = places.line_start(start)
            self.edits.replace(line + len(places.text[line:start].rstrip(" \t")), stop, "")
            return
        if not places.is_first(start):
            # `- a: 1`: the next item moves up to the place of the first.
            follower = next((place for place in standing if place > index), None)
            if follower is not None:
                self.edits.replace(start, places.start(self.old, follower), "")
            return
        comment = self._comment_behind(stop, kept)
        if comment is not None:
            self.edits.replace(start, comment, "")
            return
        # With the line break before it, so that what is inserted at the end of its line stays.
        line_end = places.line_end(stop)
        before = places.behind_previous_line(start)
        self.edits.replace(before, line_end, "")
        if places.line_start(start) == 0:
            self.edits.replace(line_end, places.next_line(line_end), "")
        elif places.keeps_blank_lines:
            self.edits.replace(line_end, places.last_blank_line(line_end), "")

    def _comment_behind(self, position: int, kept: set[int]) -> int | None:
        """Return where a comment that stays stands in the rest of the line of `position`."""
        line_end = self.places.line_end(position)
        for index in kept:
            item = self.old.items[index]
            if isinstance(item, Comment) and position <= comment_span(item)[0] < line_end:
                return comment_span(item)[0]
        return None

    def _insert(self, group: list[Entry | Comment | Node], previous: int | None, standing: list[int]) -> None:
        """Write new items behind the old item `previous`, or before the first that stays."""
        if not group:
            return
        column = self._own_column()
        emitter = self.splicer.emitter()
        if isinstance(self.old, Mapping):
            emitter.mapping(Mapping([item for item in group if isinstance(item, Entry | Comment)]), column)
        else:
            emitter.sequence(Sequence([item for item in group if not isinstance(item, Entry)]), column)
        text = "".join(emitter.parts)
        if previous is not None and not self._stands(previous):
            previous = max((place for place in standing if place < previous), default=None)
        if previous is not None:
            self._insert_behind(previous, text)
            return
        places, lead = self.places, self.places.newline + " " * column
        start = places.start(self.old, standing[0])
        first = places.start(self.old, 0)
        if places.is_first(start) and places.is_first(first):
            line = places.line_start(start)
            self.edits.replace(line, line, text.removeprefix(places.newline) + places.newline)
        else:
            self.edits.replace(start, start, text.removeprefix(lead) + lead)

    def _insert_behind(self, previous: int, text: str) -> None:
        item = self.old.items[previous]
        at = self.places.line_end(self.places.end(item))
        if at == len(self.places.text):
            text += self.places.newline
            self._close_literal(item)
        self.edits.replace(at, at, text)

    def _close_literal(self, item: Entry | Comment | Node) -> None:
        """Keep the value of a literal that ends the text without a line break, now that one follows."""
        leaf = None if isinstance(item, Comment) else last_leaf(item)
        if leaf is None or not isinstance(leaf.value, str) or leaf.value.endswith("\n"):
            return
        assert leaf.span is not None
        header = self.splicer.header(leaf)
        if header and "-" not in header[0]:
            self.edits.replace(header.end() - header[0].count("+"), header.end(), "-")
