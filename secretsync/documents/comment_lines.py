"""How go-yaml cuts the comment lines between two tokens into feet of what stands before and heads of what follows.

Source: yaml_parser_scan_comments in scannerc.go of go.yaml.in/yaml/v3 at v3.0.4. Its oddities are kept, since a
comment's container is authenticated with it: a break at the end of a comment line is not counted, so that CRLF makes
an empty line; positions behind a comment are a row short; a break of several bytes ends the search.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

BLANKS: Final = " \t"
BREAKS: Final = "\n\r\x85\u2028\u2029"
END: Final = "\0"  # behind the text
LOOKAHEAD: Final = 512  # characters that are searched for the next comment
_LONG_BREAKS: Final = "\x85\u2028\u2029"

Lines: TypeAlias = "list[tuple[int, int] | None]"  # each line's start and end, or None for blank lines between two


class Found:
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
        """Forget everything, as the queue does with comments it has handed out."""
        self.token = self.start = self.row = self.column = self.scan = self.end = 0
        self.head, self.line, self.foot = [], [], []


class Surroundings(NamedTuple):
    """Where a run of comments begins and what is open there."""

    scan: int  # where the search for the next token began
    scan_row: int
    token: int  # start of the token before
    after_value: bool  # that token is a `:`
    indent: int
    in_flow: bool
    newlines: int  # since the last character that is neither blank nor break
    column: int


def line_end(text: str, at: int) -> int:
    """Return the offset of the break or end behind `at`."""
    while text[at] not in BREAKS and text[at] != END:
        at += 1
    return at


class CommentRun:
    """One pass over comments that follow each other, from the first `#` on."""

    def __init__(self, text: str, at: int, row_of: Callable[[int], int], where: Surroundings) -> None:
        self.found: list[Found] = []
        self.at = at
        self._text = text
        self._row_of = row_of
        self._where = where
        self._indent = max(where.indent, 0)
        self._scan = where.scan
        self._token = where.token
        self._lines: Lines = []
        self._start = self._start_row = self._start_column = 0

    def run(self) -> int:
        """Fill `found` and return the offset behind the last comment."""
        where, text = self._where, self._text
        row = self._row_of(self.at)
        column = where.column
        foot_row = -1
        if where.scan_row > 0:
            foot_row = row - where.newlines + 1 + (where.newlines == 0 and column > 1)
        first_empty, recent_empty = where.newlines <= 1, False
        peek, long_break = 0, False
        while peek < LOOKAHEAD:
            place = self.at + peek
            char = text[place] if place < len(text) else END
            if long_break:
                char = "?"  # a byte in the middle of the break
            column += 1
            if char in BLANKS:
                peek += 1
                continue
            closing = where.in_flow and char in "]}"
            if closing or char in BREAKS or char == END:
                if closing or not recent_empty:
                    on_foot_row = self._start_row == foot_row and not where.after_value
                    if closing or (first_empty and (on_foot_row or self._start_column - 1 < self._indent)):
                        if self._start_column - 1 < self._indent:
                            self._token = self._start  # dedented: unrelated to the token before
                        self._end_foot(place)
                    elif self._lines and char != END:
                        self._lines.append(None)
                if char not in BREAKS:
                    break
                first_empty, recent_empty = False, True
                column, row = 0, row + 1
                peek, long_break = peek + 1, char in _LONG_BREAKS
                continue
            if column - 1 < self._indent and column != self._start_column:
                self._end_foot(place)
            if char != "#":
                break
            if not self._lines:
                self._start, self._start_row, self._start_column = place, row, column
            recent_empty = False
            self.at = line_end(text, place)
            self._lines.append((place, self.at))
            peek, column, row = 1, 0, self._row_of(self.at)
        if self._lines:
            found = self._new(self._start, self.at + peek - 1)
            found.head = self._lines
        return self.at

    def _new(self, token: int, end: int) -> Found:
        found = Found(token, self._start, self._start_row, self._start_column, scan=self._scan, end=end)
        self.found.append(found)
        return found

    def _end_foot(self, place: int) -> None:
        """Make the lines so far the foot of what stands before."""
        if self._lines:
            self._new(self._token, place).foot = self._lines
            self._scan = self._token = place
            self._lines = []
