"""Where go-yaml's scanner sees comments: each belongs to a token, as its head, its line or its foot.

libyaml drops comments, and go-yaml's rules for them follow its token queue: what stood at its end when a comment was
read, and how far it had been read ahead. So this module takes libyaml's tokens and replays that queue over the text.
Source: scannerc.go of go.yaml.in/yaml/v3 at v3.0.4.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Final

from secretsync.documents.yaml.breaks import SIGNS as BREAKS
from secretsync.documents.yaml.comments import token_kinds as t
from secretsync.documents.yaml.comments.lines import (
    BLANKS,
    END,
    LOOKAHEAD,
    CommentContext,
    CommentRun,
    FoundComment,
    line_end,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_SIMPLE_KEY: Final = 1024  # characters that a key without `?` may have
_BYTE_ORDER_MARK: Final = "\ufeff"
_OUTSIDE: Final = frozenset((t.STREAM_END, t.DIRECTIVE, t.DOCUMENT_START, t.DOCUMENT_END))
_OPENERS: Final = frozenset((t.FLOW_SEQUENCE_START, t.FLOW_MAPPING_START))
_CLOSERS: Final = frozenset((t.FLOW_SEQUENCE_END, t.FLOW_MAPPING_END))


class _SimpleKey:
    """Where a key without `?` may have begun, on one level of flow collections."""

    __slots__ = ("number", "possible", "start")

    def __init__(self, number: int, start: int, *, possible: bool) -> None:
        self.number = number
        self.start = start
        self.possible = possible


class TokenQueue:
    """go-yaml's token queue: `kinds` and `starts` of all tokens so far, `head` the first one that is unread."""

    def __init__(self, text: str, written: Iterator[t.Written], line_starts: list[int]) -> None:
        self.kinds = [t.STREAM_START]
        self.starts = [0]
        self.head = 0
        self.found: list[FoundComment] = []
        self._text = text + END
        self._last_sign = text.rfind("#")
        self._written = written
        next(written)  # the start of the stream
        self._token = next(written)
        self._line_starts = line_starts
        self._at = 0
        self._indent = -1
        self._indents: list[int] = []
        self._flow = 0
        self._key_allowed = True
        self._keys = [_SimpleKey(0, 0, possible=False)]
        self._level_by_number: dict[int, int] = {}

    def fill(self) -> None:
        """Read on until two tokens stand behind the next one, and no later one can make it a key."""
        while True:
            if self.head < len(self.kinds) - 2:
                level = self._level_by_number.get(self.head)
                if level is None or level >= len(self._keys) or not self._is_valid(self._keys[level]):
                    return
            self._fetch()

    def is_behind_all_comments(self) -> bool:
        """Tell whether no `#` is ahead, so that no more comments will be found."""
        return self._at > self._last_sign

    # --- places ---------------------------------------------------------------------------------------------------

    def _row(self, at: int) -> int:
        return bisect_right(self._line_starts, at) - 1

    def _column(self, at: int) -> int:
        return at - self._line_starts[bisect_right(self._line_starts, at) - 1]

    def _newlines(self, at: int) -> int:
        """Count the breaks between `at` and the last character before it that is neither blank nor break."""
        text, count = self._text, 0
        while at:
            char = text[at - 1]
            if char in BREAKS:
                count += 1
                at -= 2 if char == "\n" and text[at - 2 : at - 1] == "\r" else 1
            elif char in BLANKS:
                at -= 1
            else:
                break
        return count

    def _skip(self, at: int, chars: str) -> int:
        while self._text[at] in chars:
            at += 1
        return at

    # --- tokens ---------------------------------------------------------------------------------------------------

    def _fetch(self) -> None:
        scan = self._at
        self._scan_to_token()
        self._unroll(self._column(self._at), scan)
        token = self._token
        self._token = next(self._written, token)  # the end of the stream comes as often as it is asked for
        if token.kind in _OUTSIDE:
            self._fetch_outside(token)
            return
        mark = self._at
        if self._text[mark] == ("," if self._flow else ":"):
            mark = self.starts[-1]  # what follows still belongs to the token before
        self._fetch_inside(token)
        if self.kinds[-1] != t.BLOCK_ENTRY:
            self._scan_line_comment(mark)

    def _fetch_outside(self, token: t.Written) -> None:
        self._unroll(-1, self._at)
        self._drop_key()
        self._key_allowed = False
        self._push(token.kind)
        self._at = token.end
        if token.kind == t.DIRECTIVE:
            self._at = self._skip_break(line_end(self._text, token.end))

    def _fetch_inside(self, token: t.Written) -> None:
        kind = token.kind
        if kind in (t.SCALAR, t.ALIAS, t.ANCHOR, t.TAG):
            self._fetch_content(token)
            return
        if kind == t.VALUE:
            self._fetch_value()
        elif kind in _OPENERS:
            self._save_key()
            self._keys.append(_SimpleKey(len(self.kinds), self._at, possible=False))
            self._flow += 1
            self._key_allowed = True
            self._push(kind)
        else:
            if kind in (t.BLOCK_ENTRY, t.KEY):
                self._roll(self._column(self._at), t.BLOCK_MAPPING_START if kind == t.KEY else t.BLOCK_SEQUENCE_START)
            self._drop_key()
            if kind in _CLOSERS and self._flow:
                self._flow -= 1
                self._level_by_number.pop(self._keys.pop().number, None)
            self._key_allowed = kind not in _CLOSERS and (kind != t.KEY or not self._flow)
            self._push(kind)
        self._at = token.end

    def _fetch_content(self, token: t.Written) -> None:
        block = token.style in ("|", ">")
        if block:
            self._drop_key()
            self._at = self._skip(self._skip(token.start + 1, "-+0123456789"), BLANKS)
            if self._text[self._at] == "#":
                self._scan_line_comment(token.start)
            self._at = self._skip(token.end, " ")
        else:
            self._save_key()
            self._at = token.end
        self._key_allowed = block
        if token.style == "p":
            self._at = self._skip(token.end, BLANKS + BREAKS)
            self._key_allowed = self._newlines(self._at) > 0
        self._push(token.kind, token.start)

    def _fetch_value(self) -> None:
        key = self._keys[-1]
        if self._is_valid(key):
            self._push(t.KEY, key.start, key.number)
            self._roll(self._column(key.start), t.BLOCK_MAPPING_START, key.start, key.number)
            key.possible = False
            self._level_by_number.pop(key.number, None)
            self._key_allowed = False
        else:
            self._roll(self._column(self._at), t.BLOCK_MAPPING_START)
            self._key_allowed = not self._flow
        self._push(t.VALUE)

    def _push(self, kind: int, start: int | None = None, position: int | None = None) -> None:
        if position is None:
            position = len(self.kinds)
        self.kinds.insert(position, kind)
        self.starts.insert(position, self._at if start is None else start)

    def _is_valid(self, key: _SimpleKey) -> bool:
        if key.possible and (self._row(key.start) < self._row(self._at) or key.start + _SIMPLE_KEY < self._at):
            key.possible = False
        return key.possible

    def _save_key(self) -> None:
        if self._key_allowed:
            self._drop_key()
            number = len(self.kinds)
            self._keys[-1] = _SimpleKey(number, self._at, possible=True)
            self._level_by_number[number] = len(self._keys) - 1

    def _drop_key(self) -> None:
        key = self._keys[-1]
        if key.possible:
            key.possible = False
            self._level_by_number.pop(key.number, None)

    def _roll(self, column: int, kind: int, start: int | None = None, position: int | None = None) -> None:
        """Open a block collection where the column is deeper than the one that is open."""
        if not self._flow and self._indent < column:
            self._indents.append(self._indent)
            self._indent = column
            self._push(kind, start, position)

    def _unroll(self, column: int, scan: int) -> None:
        """Close the block collections that are deeper than `column`, each before the comments of its parents."""
        if self._flow:
            return
        mark = scan - 1
        while self._indent > column:
            stop = mark
            for found in reversed(self.found):
                if found.end < stop:
                    break
                if found.column == self._indent + 1:
                    mark = found.start
                stop = found.scan
            self._push(t.BLOCK_END, mark)
            self._indent = self._indents.pop()

    # --- comments -------------------------------------------------------------------------------------------------

    def _scan_to_token(self) -> None:
        scan = self._at
        while True:
            if self._text[self._at] == _BYTE_ORDER_MARK and self._column(self._at) == 0:
                self._at += 1
            self._at = self._skip(self._at, BLANKS)
            self._raise_line_comment()
            if self._text[self._at] == "#":
                self._scan_comments(scan)
            if self._text[self._at] not in BREAKS:
                return
            self._at = self._skip_break(self._at)
            if not self._flow:
                self._key_allowed = True

    def _skip_break(self, at: int) -> int:
        if self._text[at] == END:
            return at
        return at + (2 if self._text.startswith("\r\n", at) else 1)

    def _raise_line_comment(self) -> None:
        """Make the line comment of the first `-` of a sequence the head of what follows."""
        if not self.found or self.kinds[-2:] != [t.BLOCK_SEQUENCE_START, t.BLOCK_ENTRY]:
            return
        found = self.found[-1]
        if found.line and self._text[self._at] not in BREAKS:
            found.head, found.line = found.line, []
            if found.row == self._row(self._at) - 1:
                found.token = self._at

    def _scan_comments(self, scan: int) -> None:
        behind = -2 if self.kinds[-1] == t.FLOW_ENTRY and len(self.kinds) > 1 else -1
        where = CommentContext(
            scan=scan,
            scan_row=self._row(scan),
            token=self.starts[behind],
            after_value=self.kinds[behind] == t.VALUE,
        )
        where.indent, where.in_flow = self._indent, self._flow > 0
        where.newlines, where.column = self._newlines(self._at), self._column(self._at)
        comments = CommentRun(self._text, self._at, self._row, where)
        self._at = comments.run()
        self.found += comments.found

    def _scan_line_comment(self, token: int) -> None:
        if self._newlines(self._at) > 0:
            return
        start = self._skip(self._at, BLANKS)
        if self._text[start] == "#" and start - self._at < LOOKAHEAD:
            self._at = line_end(self._text, start)
            found = FoundComment(token, start, self._row(start), self._column(start))
            found.line = [(start, self._at)]
            self.found.append(found)
