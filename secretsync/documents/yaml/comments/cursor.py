"""The parser's place in the token queue: looking at a token collects comments, emitting an event gives them away.

Source: yaml_parser_unfold_comments and yaml_parser_set_event_comments in parserc.go of go.yaml.in/yaml/v3 at v3.0.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from secretsync.documents.yaml.comments.token_kinds import BLOCK_END

if TYPE_CHECKING:
    from secretsync.documents.yaml.comments.lines import Lines
    from secretsync.documents.yaml.comments.scanner import TokenQueue

LEAF, OPEN_BLOCK, OPEN_FLOW, CLOSE, DOCUMENT_BEGIN, DOCUMENT_FINISH = range(6)


class CommentedEvent:
    """An event and its comments."""

    __slots__ = ("foot", "head", "kind", "line")

    def __init__(self, kind: int, head: Lines, line: Lines, foot: Lines) -> None:
        self.kind = kind
        self.head = head
        self.line = line
        self.foot = foot


class CommentCursor:
    """Walks over a queue and writes `events`; comments wait in it for the next event that takes them."""

    def __init__(self, queue: TokenQueue) -> None:
        self.events: list[CommentedEvent] = []
        self._queue = queue
        self._peeked = False
        self._found = 0
        self._head: Lines = []
        self._line: Lines = []
        self._foot: Lines = []
        self._stem: Lines = []

    def _peek(self) -> int:
        queue = self._queue
        if not self._peeked:
            queue.fill()
            self._peeked = True
        kind, start = queue.kinds[queue.head], queue.starts[queue.head]
        while self._found < len(queue.found) and start >= queue.found[self._found].token:
            found = queue.found[self._found]
            if found.head and kind == BLOCK_END:
                break  # no head for an end: it waits for what follows
            self._head += found.head
            self._foot += found.foot
            self._line += found.line
            found.consume()
            self._found += 1
        return kind

    def _has_nothing_left(self) -> bool:
        """Tell whether every comment of the stream has been given to an event."""
        if self._head or self._line or self._foot or self._stem or self._found < len(self._queue.found):
            return False
        return self._queue.is_behind_all_comments()

    def _skip(self) -> None:
        self._peeked = False
        self._queue.head += 1

    def _next(self) -> int:
        self._skip()
        return self._peek()

    def _emit(self, kind: int, head: Lines | None = None) -> None:
        self.events.append(CommentedEvent(kind, head or [], [], []))

    def _emit_noted(self, kind: int) -> None:
        """Emit an event that takes the comments that wait."""
        self.events.append(CommentedEvent(kind, self._head, self._line, self._foot))
        self._head, self._line, self._foot, self._stem = [], [], [], []
