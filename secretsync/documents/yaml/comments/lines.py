"""How go-yaml cuts the comment lines between two tokens into feet of what stands before and heads of what follows.

Source: yaml_parser_scan_comments in scannerc.go of go.yaml.in/yaml/v3 at v3.0.4. Its oddities are kept, since a
comment's container is authenticated with it: a break at the end of a comment line is not counted, so that CRLF makes
an empty line; positions behind a comment are a row short; a break of several bytes ends the search.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from secretsync.documents.yaml.breaks import SIGNS as BREAKS

if TYPE_CHECKING:
    from collections.abc import Callable

BLANKS: Final = " \t"
END: Final = "\0"  # behind the text
LOOKAHEAD: Final = 512  # characters that are searched for the next comment
_LONG_BREAKS: Final = "\x85\u2028\u2029"

Lines: TypeAlias = "list[tuple[int, int] | None]"  # each line's start and end, or None for blank lines between two


class FoundComment:
    """Comment lines of one kind, and the token (a character offset) with which they come out of the queue."""

    __slots__ = ("column", "end", "foot", "head", "line", "row", "scan", "start", "token")

    def __init__(self, token: int, start: int, row: int, column: int, *, scan: int = 0, end: int = 0) -> None:
        self.token = token
        self.start = start
        self.row = row
        self.column = column
        self.scan = scan
        self.end = end
        self.head: Lines = []
        self.line: Lines = []
        self.foot: Lines = []

    def consume(self) -> None:
        """Forget everything, as the queue does with comments that it has handed out."""
        self.token = self.start = self.row = self.column = self.scan = self.end = 0
        self.head, self.line, self.foot = [], [], []


class CommentContext:
    """Where a run of comments begins and what is open there.

    `scan` is where the search for the next token began; `token` is the start of the token before, and `after_value`
    says that it is a `:`; `newlines` are those since the last character that is neither blank nor break.
    """

    __slots__ = ("after_value", "column", "in_flow", "indent", "newlines", "scan", "scan_row", "token")

    def __init__(self, *, scan: int, scan_row: int, token: int, after_value: bool) -> None:
        self.scan = scan
        self.scan_row = scan_row
        self.token = token
        self.after_value = after_value
        self.indent = 0
        self.in_flow = False
        self.newlines = 0
        self.column = 0


def line_end(text: str, at: int) -> int:
    """Return the offset of the break or end behind `at`."""
    while text[at] not in BREAKS and text[at] != END:
        at += 1
    return at


class CommentRun:
    """One pass over comments that follow each other, from the first `#` on."""

    def __init__(self, text: str, at: int, row_of: Callable[[int], int], where: CommentContext) -> None:
        self.found: list[FoundComment] = []
        self.at = at
        self._text = text
        self._row_of = row_of
        self._where = where
        self._indent = max(where.indent, 0)
        self._scan = where.scan
        self._token = where.token
        self._row = row_of(at)
        self._column = where.column
        self._peek = 0
        self._long_break = False
        self._first_empty = where.newlines <= 1
        self._recent_empty = False
        self._lines: Lines = []
        self._start = self._start_row = self._start_column = 0
        self._foot_row = -1  # the row on which a comment still is a foot of what stands before
        if where.scan_row > 0:
            beside = where.newlines == 0 and where.column > 1
            self._foot_row = self._row - where.newlines + 1 + beside

    def run(self) -> int:
        """Fill `found` and return the offset behind the last comment."""
        while self._peek < LOOKAHEAD and self._step():
            pass
        if self._lines:
            self._new(self._start, self.at + self._peek - 1).head = self._lines
        return self.at

    def _step(self) -> bool:
        """Look at the next character and tell whether the search goes on."""
        place = self.at + self._peek
        char = self._text[place] if place < len(self._text) else END
        if self._long_break:
            char = "?"  # a byte in the middle of the break
        self._column += 1
        if char in BLANKS:
            self._peek += 1
            return True
        closing = self._where.in_flow and char in "]}"
        if closing or char in BREAKS or char == END:
            if closing or not self._recent_empty:
                self._end_line(place, closing=closing, at_end=char == END)
            return char in BREAKS and self._skip_break(char)
        if self._column - 1 < self._indent and self._column != self._start_column:
            self._end_foot(place)
        return char == "#" and self._take(place)

    def _end_line(self, place: int, *, closing: bool, at_end: bool) -> None:
        """Decide at an empty line, or at the end of the comments, what the lines so far are."""
        dedented = self._start_column - 1 < self._indent
        below = self._start_row == self._foot_row and not self._where.after_value
        if closing or (self._first_empty and (below or dedented)):
            if dedented:
                self._token = self._start  # unrelated to the token before
            self._end_foot(place)
        elif self._lines and not at_end:
            self._lines.append(None)

    def _skip_break(self, char: str) -> bool:
        self._first_empty, self._recent_empty = False, True
        self._column = 0
        self._row += 1
        self._peek += 1
        self._long_break = char in _LONG_BREAKS
        return True

    def _take(self, place: int) -> bool:
        if not self._lines:
            self._start, self._start_row, self._start_column = place, self._row, self._column
        self._recent_empty = False
        self.at = line_end(self._text, place)
        self._lines.append((place, self.at))
        self._peek, self._column = 1, 0
        self._row = self._row_of(self.at)
        self._long_break = self._text[self.at] in _LONG_BREAKS
        return True

    def _new(self, token: int, end: int) -> FoundComment:
        found = FoundComment(token, self._start, self._start_row, self._start_column, scan=self._scan, end=end)
        self.found.append(found)
        return found

    def _end_foot(self, place: int) -> None:
        """Make the lines so far the foot of what stands before."""
        if self._lines:
            self._new(self._token, place).foot = self._lines
            self._scan = self._token = place
            self._lines = []
