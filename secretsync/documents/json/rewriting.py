"""New values spliced into an existing JSON text: members that did not change keep their bytes and their layout."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import TypeAlias, cast

from secretsync.documents.json.emitting import key_text, value_text
from secretsync.documents.pairing import Edits, pair_elements, pair_entries, same_value, without_comments
from secretsync.documents.single import only_document
from secretsync.documents.tree import Comment, Entry, Mapping, Node, Scalar, Sequence, Source, Span

_Member: TypeAlias = "Entry | Node"


def rewrite(source: Source, documents: list[Mapping], *, encrypted: bool = False) -> bytes:  # noqa: ARG001  # the Protocol's parameter
    """Write the one document over the text of `source`; comments are dropped, as JSON has none.

    Raises: TreeError as `json_emit.dump`.
    """
    splicer = _Splicer(source.text)
    splicer.node(source.documents[0], only_document(documents, "json"))
    return splicer.edits.result().encode()


class _Splicer:
    """Walks the old and the new tree side by side and notes what to replace."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.edits = Edits(text)
        self.newline = "\r\n" if "\r\n" in text else "\n"
        lines = text.split("\n")
        self.margins = [line[: len(line) - len(line.lstrip(" \t"))] for line in lines]
        self.line_starts = [0, *accumulate(len(line) + 1 for line in lines)]
        first = (
            m for line, m in zip(lines[1:], self.margins[1:], strict=True) if m and line[len(m) : len(m) + 1].strip()
        )
        self.unit = next(first, "\t")

    def node(self, old: Node, new: Node) -> None:
        """Note what changed between two nodes at one place."""
        if new is old:
            return
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            entries = [*new.entries()]
            self._members(old, [*old.entries()], entries, pair_entries([*old.entries()], [*entries]))
        elif isinstance(old, Sequence) and isinstance(new, Sequence):
            olds, news = without_comments(old.items), without_comments(new.items)
            self._members(old, olds, news, pair_elements([*olds], [*news]))
        elif not (isinstance(old, Scalar) and isinstance(new, Scalar) and same_value(old, new)):
            self._replace(old, new)

    def _replace(self, old: Node, new: Node) -> None:
        span = _span(old)
        self.edits.replace(*span, value_text(new, self.unit, self.newline + self._margin(span.start)))

    def _members(
        self,
        old: Mapping | Sequence,
        olds: list[Entry] | list[Node],
        news: list[Entry] | list[Node],
        partners: list[int | None],
    ) -> None:
        """Splice changed members, cut missing ones, insert new ones."""
        kept = [index for index in partners if index is not None]
        if not kept:
            if olds or news:
                self._replace(old, _container(old, news))
            return
        self._cut(olds, kept)
        previous: int | None = None
        added: list[_Member] = []
        for item, index in zip(news, partners, strict=True):
            if index is None:
                added.append(item)
                continue
            self._insert(old, olds, previous, index, added)
            added, previous = [], index
            self.node(_value(olds[index]), _value(item))
        self._insert(old, olds, previous, kept[0], added)

    def _cut(self, olds: list[Entry] | list[Node], kept: list[int]) -> None:
        """Remove the members without a partner, each with the comma before it, or behind it for the first ones."""
        if kept[0] > 0:
            self.edits.replace(_start(olds[0]), _start(olds[kept[0]]), "")
        partners = frozenset(kept)
        for index in range(kept[0] + 1, len(olds)):
            if index not in partners:
                self.edits.replace(_end(olds[index - 1]), _end(olds[index]), "")

    def _insert(
        self, old: Node, olds: list[Entry] | list[Node], previous: int | None, index: int, added: list[_Member]
    ) -> None:
        """Insert members behind the old one at `previous`, or before the one at `index`, laid out like the first."""
        if not added:
            return
        gap = self.text[_span(old).start + 1 : _start(olds[0])]
        newline = self.newline + self._margin(_start(olds[0]))
        texts = [self._member(item, newline) for item in added]
        separator = "," + (gap or " ")
        if previous is None:
            position = _start(olds[index])
            self.edits.replace(position, position, "".join(text + separator for text in texts))
        else:
            position = _end(olds[previous])
            self.edits.replace(position, position, "".join(separator + text for text in texts))

    def _member(self, item: _Member, newline: str) -> str:
        if isinstance(item, Entry):
            return f"{key_text(item)}: {value_text(item.value, self.unit, newline)}"
        return value_text(item, self.unit, newline)

    def _margin(self, position: int) -> str:
        """Return the indentation of the line that holds `position`."""
        return self.margins[bisect_right(self.line_starts, position) - 1]


def _container(like: Mapping | Sequence, members: list[Entry] | list[Node]) -> Mapping | Sequence:
    if isinstance(like, Mapping):
        return Mapping(cast("list[Entry | Comment]", members))
    return Sequence(cast("list[Node | Comment]", members))


def _value(member: _Member) -> Node:
    return member.value if isinstance(member, Entry) else member


def _span(node: Node) -> Span:
    assert node.span is not None
    return node.span


def _start(member: _Member) -> int:
    return _span(member.key if isinstance(member, Entry) else member).start


def _end(member: _Member) -> int:
    return _span(_value(member)).end
