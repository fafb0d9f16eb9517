"""Where the parts of a loaded YAML tree stand in their text: first and last characters, dashes, columns, line ends."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import accumulate
from typing import Final, NamedTuple

from secretsync.documents.pairing import Item
from secretsync.documents.tree import Comment, Entry, Mapping, Node, Scalar, Sequence, Span
from secretsync.documents.yaml import breaks, properties

_BLANKS: Final = " \t"


def next_column(column: int, step: int) -> int:
    """Return the column of a child block under a key at `column`, as go-yaml indents: the next multiple of `step`."""
    return step * ((column + step) // step)


class Slot(NamedTuple):
    """What surrounds a value: `after` is the place behind its colon or dash, `parent` the column of its key or dash."""

    after: int
    parent: int
    child: int
    flow: bool = False
    dash: bool = False


class Places:
    """The geometry of one YAML text. Every answer is a character offset into it, or a column."""

    __slots__ = ("_below", "_first_dashes", "_keeps_blank_lines", "_line_starts", "limit", "newline", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._below: _Below | None = None
        self._keeps_blank_lines: bool | None = None
        self._first_dashes: dict[int, int] = {}
        self._line_starts = breaks.line_starts(text)
        self.limit = len(text)  # where the document at hand ends
        feed = text.find("\n")
        self.newline = "\r\n" if feed > 0 and text[feed - 1] == "\r" else "\n"

    def keeps_blank_lines(self) -> bool:
        """Whether a literal may end in blank lines, so that those behind a removed line must not come next to it."""
        if self._keeps_blank_lines is None:
            self._keeps_blank_lines = _keeps_blank_lines(self.text)
        return self._keeps_blank_lines

    def gap_before_comment(self, position: int) -> str:
        """Return the blank that a plain scalar ending at `position` needs: quotes can touch a comment, it cannot."""
        return " " if self.text[position : position + 1] == "#" else ""

    def line_start(self, position: int) -> int:
        """Return where the line of `position` starts."""
        starts = self._line_starts
        return starts[bisect_right(starts, position) - 1]

    def line_end(self, position: int) -> int:
        """Return where the line of `position` ends, before its line break."""
        start = self.next_line(position)
        if start == len(self.text) and self.text[-1:] not in breaks.SIGNS:
            return start
        return max(position, start - (2 if self.text.startswith("\r\n", start - 2) else 1))

    def next_line(self, position: int) -> int:
        """Return where the line after that of `position` starts."""
        starts = self._line_starts
        following = bisect_right(starts, position)
        return starts[following] if following < len(starts) else len(self.text)

    def column(self, position: int) -> int:
        """Return how many characters stand before `position` in its line."""
        return position - self.line_start(position)

    def is_first(self, position: int) -> bool:
        """Whether only blanks stand before `position` in its line."""
        return not self.text[self.line_start(position) : position].strip()

    def behind_previous_line(self, position: int) -> int:
        """Return where the line before that of `position` ends, 0 if there is none."""
        start = self.line_start(position)
        return start - 2 if self.text[start - 2 : start] == "\r\n" else max(start - 1, 0)

    def last_blank_line(self, position: int) -> int:
        """Return the end of the last blank line of those that follow the line end at `position`."""
        while (start := self.next_line(position)) > position and start < len(self.text):
            stop = self.line_end(start)
            if self.text[start:stop].strip():
                break
            position = stop
        return position

    def would_swallow(self, position: int, column: int) -> bool:
        """Whether a literal block at `column` put at `position` could take a comment or blanks that follow for its own."""
        if self._below is None:
            self._below = _Below(self.text, self._line_starts)
        return self._below.takes(position, bisect_right(self._line_starts, position), column)

    def end(self, item: Item) -> int:
        """Return where an item ends, comments at the end of a block collection included.

        A comment that stands in the next document (sops counts it to the one before) does not count.
        """
        if isinstance(item, Comment):
            return comment_span(item).end
        node = item.value if isinstance(item, Entry) else item
        last = node_span(node).end
        if node.alias is None and not isinstance(node, Scalar) and not node.flow and node.items:
            for inner in reversed(node.items):
                behind = self.end(inner)
                last = max(last, behind if behind <= self.limit else 0)
                if not isinstance(inner, Comment):
                    break
        return max(last, node_span(item.key).end) if isinstance(item, Entry) else last

    def start(self, container: Mapping | Sequence, index: int) -> int:
        """Return where the item at `index` starts: at its key (or `?`), its dash, or its `#`."""
        item = container.items[index]
        if isinstance(item, Comment):
            return _span(item).start
        if isinstance(item, Entry):
            return self.key_start(item)
        if container.flow:
            return node_span(item).start
        return self.dash(container, index)

    def key_start(self, entry: Entry) -> int:
        """Return where an entry starts, the `?` of an explicit key included."""
        start = node_span(entry.key).start
        before = start
        while before and self.text[before - 1] in _BLANKS:
            before -= 1
        return before - 1 if before and self.text[before - 1] == "?" else start

    def dash(self, sequence: Mapping | Sequence, index: int) -> int:
        """Return where the dash of an element of a block sequence stands."""
        item = sequence.items[index]
        assert not isinstance(item, Entry)
        assert not isinstance(item, Comment)
        first = self.first_dash(sequence)
        column = self.column(first)
        position = node_span(item).start
        while True:
            position = self.text.rfind("-", first, position)
            if position <= first:
                return first
            if self.column(position) == column and self.is_first(position):
                return position

    def first_dash(self, sequence: Mapping | Sequence) -> int:
        """Return where the first dash of a block sequence stands, behind its tag and anchor."""
        start = _span(sequence).start
        known = self._first_dashes.get(start)
        if known is None:
            known = self._first_dashes[start] = properties.end(self.text, start, len(self.text))
        return known

    def own_column(self, container: Mapping | Sequence) -> int:
        """Return the column of a block collection's keys or dashes."""
        if isinstance(container, Sequence):
            return self.column(self.first_dash(container))
        return self.column(next(self.key_start(entry) for entry in container.entries()))

    def behind_colon(self, entry: Entry) -> int:
        """Return the place behind the colon of an entry, or behind its key where it has none."""
        end = node_span(entry.key).end
        value = node_span(entry.value)
        position = end
        while position < max(value.start, end + 1) and position < len(self.text):
            char = self.text[position]
            if char == ":":
                return position + 1
            position = self.line_end(position) if char == "#" else position + 1
        return end


class _Below:
    """What a literal block could take for its own of the lines below it, read once from the last line to the first.

    That is blank lines and comments that follow at once, and any later comment indented deeper than the next content.
    """

    __slots__ = ("_deepest", "_longest", "_strays")

    def __init__(self, text: str, line_starts: list[int]) -> None:
        self._longest = [0]  # of the blank lines among those and comments from a line on, the last line's first
        strays: list[tuple[int, int]] = []
        column, stop = 0, len(text)
        for start in reversed(line_starts):
            line = text[start:stop].rstrip(breaks.SIGNS)
            content = line.lstrip(_BLANKS)
            indent = len(line) - len(content)
            longest = 0 if content and content[0] != "#" else self._longest[-1]
            self._longest.append(longest if content else max(longest, indent))
            if content.startswith("#"):
                if indent > column:
                    strays.append((start, indent))
            elif content:
                column = indent
            stop = start
        self._longest.reverse()
        self._strays = [start for start, _ in reversed(strays)]
        self._deepest = [*accumulate((indent for _, indent in strays), max)][::-1]

    def takes(self, position: int, next_line: int, column: int) -> bool:
        """Whether a block at `column` that ends at `position` takes something of the line at index `next_line` or below."""
        following = bisect_left(self._strays, position)
        is_stray = following < len(self._strays) and self._deepest[following] >= column
        return is_stray or self._longest[next_line] > column


def _keeps_blank_lines(text: str) -> bool:
    if not ("|+" in text or ">+" in text or "+\n" in text or " \n" in text or "\t\n" in text or "\r" in text):
        return False
    if any(head + digit + "+" in text for head in "|>" for digit in ("", *"123456789")):
        return True
    return any(line and not line.strip(_BLANKS) for line in text.split("\n"))


def node_span(node: Node) -> Span:
    """Return the place of a node in the text: that of its alias token for a copy."""
    span = node.alias or node.span
    assert span is not None
    return span


def comment_span(comment: Comment) -> Span:
    """Return where a loaded comment stands, from its `#` to the end of its line."""
    assert comment.span is not None
    return comment.span


def _span(item: Comment | Mapping | Sequence) -> Span:
    assert item.span is not None
    return item.span


def comments_behind(node: Node) -> list[Comment]:
    """Return the comment of a flow collection that stands behind its bracket; it comes first among the items."""
    if isinstance(node, Scalar) or not node.flow or node.alias is not None or not node.items:
        return []
    first = node.items[0]
    return [first] if isinstance(first, Comment) and comment_span(first).start >= node_span(node).end else []


def has_values(node: Node) -> bool:
    """Whether a collection holds more than comments."""
    return not isinstance(node, Scalar) and any(type(item) is not Comment for item in node.items)


def is_mergeable(value: Node) -> bool:
    """Whether go-yaml accepts `value` under a plain `<<`: a mapping or a list of mappings."""
    if isinstance(value, Sequence):
        elements = [item for item in value.items if not isinstance(item, Comment)]
        return bool(elements) and all(isinstance(item, Mapping) for item in elements)
    return isinstance(value, Mapping)


def last_leaf(item: Item) -> Scalar | None:
    """Return the leaf that ends an item in the text, if it is one that stands there itself."""
    node = item.value if isinstance(item, Entry) else item
    while isinstance(node, Mapping | Sequence) and node.alias is None and not node.flow and node.items:
        item = node.items[-1]
        node = item.value if isinstance(item, Entry) else item
    return node if isinstance(node, Scalar) and node.alias is None else None
