"""Where the parts of a loaded YAML tree stand in their text: first and last characters, dashes, columns, line ends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from secretsync.documents.pairing import Item
from secretsync.documents.tree import Comment, Entry, Mapping, Node, Scalar, Sequence, Span

_BREAK: Final = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_FIRST_DASH: Final = re.compile(r"(?:[&!]\S*\s+|#.*\n|\s)*")
_EXPLICIT: Final = re.compile(r"\?[ \t]*\Z")
_INDENTED_COMMENT: Final = re.compile(r"^[ \t]+#", re.MULTILINE)
_LINE: Final = re.compile(r"^([ \t]*)(.*)$", re.MULTILINE)
_BLANKS: Final = re.compile(r"(?:[ \t]*(?:#.*)?\r?\n)*(?:[ \t]+\Z)?")
_KEPT_LINES: Final = re.compile(r"[|>][1-9]?\+|^[ \t]+$", re.MULTILINE)


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

    __slots__ = ("_strays", "limit", "newline", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._strays: list[tuple[int, int]] | None = None
        self.limit = len(text)  # where the document at hand ends
        feed = text.find("\n")
        self.newline = "\r\n" if feed > 0 and text[feed - 1] == "\r" else "\n"

    def keeps_blank_lines(self) -> bool:
        """Whether a literal may end in blank lines, so that those behind a removed line must not come next to it."""
        text = self.text
        rare = "|+" in text or ">+" in text or "+\n" in text or " \n" in text or "\t\n" in text or "\r" in text
        return rare and _KEPT_LINES.search(text) is not None

    def gap_before_comment(self, position: int) -> str:
        """Return the blank that a plain scalar ending at `position` needs: quotes can touch a comment, it cannot."""
        return " " if self.text[position : position + 1] == "#" else ""

    def line_start(self, position: int) -> int:
        """Return where the line of `position` starts."""
        text = self.text
        start = text.rfind("\n", 0, position) + 1
        while start < position:
            match = _BREAK.search(text, start, position)
            if match is None:
                break
            start = match.end()
        return start

    def line_end(self, position: int) -> int:
        """Return where the line of `position` ends, before its line break."""
        match = _BREAK.search(self.text, position)
        return match.start() if match else len(self.text)

    def next_line(self, position: int) -> int:
        """Return where the line after that of `position` starts."""
        match = _BREAK.search(self.text, position)
        return match.end() if match else len(self.text)

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
        blank = _BLANKS.match(self.text, self.next_line(position)) if position < len(self.text) else None
        if blank and any(len(line) > column for line in blank[0].splitlines() if not line.strip()):
            return True
        if self._strays is None:
            self._strays = list(_stray_comments(self.text))
        return any(start >= position and indent >= column for start, indent in self._strays)

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
        explicit = _EXPLICIT.search(self.text, self.line_start(start), start)
        return explicit.start() if explicit else start

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
        match = _FIRST_DASH.match(self.text, _span(sequence).start)
        return match.end() if match else _span(sequence).start

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


def _stray_comments(text: str) -> Iterator[tuple[int, int]]:
    """Yield the start and the column of each comment that is indented deeper than the next line of content."""
    if not _INDENTED_COMMENT.search(text):
        return
    column = 0
    for line in reversed(list(_LINE.finditer(text))):
        if line[2].startswith("#"):
            if len(line[1]) > column:
                yield line.start(), len(line[1])
        elif line[2]:
            column = len(line[1])


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
