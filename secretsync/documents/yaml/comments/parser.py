"""Which comments go-yaml's parser gives to which event: heads, line comments and feet, taken with a token.

A comment waits until the next event that takes comments, and which one that is follows from when the parser looks at
which token. Source: parserc.go of go.yaml.in/yaml/v3 at v3.0.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from secretsync.documents.yaml.comments import token_kinds as t
from secretsync.documents.yaml.comments.cursor import (
    CLOSE,
    DOCUMENT_BEGIN,
    DOCUMENT_FINISH,
    LEAF,
    OPEN_BLOCK,
    OPEN_FLOW,
    CommentCursor,
    CommentedEvent,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from secretsync.documents.yaml.comments.lines import Lines
    from secretsync.documents.yaml.comments.scanner import TokenQueue


class CommentParser(CommentCursor):
    """Parses the queue of one stream; `events` are those of libyaml, stream start and end left out."""

    def __init__(self, queue: TokenQueue) -> None:
        super().__init__(queue)
        self._states: list[Callable[[], None]] = []
        self._state: Callable[[], None] | None = self._implicit_document

    def run(self, *, to_the_end: bool) -> list[CommentedEvent]:
        """Return the events in order: all, or those up to the first behind which none has comments."""
        try:
            self._peek()
            self._skip()  # the start of the stream
            while self._state is not None and (to_the_end or not self._has_nothing_left()):
                self._state()
        finally:
            self._state = None  # states are methods of this object: with them it would only go with a collection
            self._states.clear()
        return self.events

    def _pop(self) -> None:
        self._state = self._states.pop()

    # --- documents ------------------------------------------------------------------------------------------------

    def _implicit_document(self) -> None:
        kind = self._peek()
        if kind in (t.DIRECTIVE, t.DOCUMENT_START, t.STREAM_END):
            self._explicit_document()
            return
        head: Lines = []
        blank = max((index for index, line in enumerate(self._head) if line is None), default=-1)
        if blank > 0:  # what stands before the last blank line is the document's
            head, self._head = self._head[:blank], self._head[blank + 1 :]
        self._emit(DOCUMENT_BEGIN, head)
        self._states.append(self._document_end)
        self._state = lambda: self._node(block=True)

    def _explicit_document(self) -> None:
        kind = self._peek()
        while kind == t.DOCUMENT_END:
            kind = self._next()
        if kind == t.STREAM_END:
            self._state = None
            return
        while kind == t.DIRECTIVE:
            kind = self._next()
        self._emit(DOCUMENT_BEGIN)
        self._states.append(self._document_end)
        self._state = self._document_content
        self._skip()

    def _document_content(self) -> None:
        if self._peek() in (t.DIRECTIVE, t.DOCUMENT_START, t.DOCUMENT_END, t.STREAM_END):
            self._pop()
            self._emit(LEAF)
        else:
            self._node(block=True)

    def _document_end(self) -> None:
        if self._peek() == t.DOCUMENT_END:
            self._skip()
        if self._head and not self._foot:
            self._head, self._foot = [], self._head
        self._emit_noted(DOCUMENT_FINISH)
        self._state = self._explicit_document

    # --- nodes ----------------------------------------------------------------------------------------------------

    def _node(self, *, block: bool, indentless: bool = False) -> None:
        kind = self._peek()
        if kind == t.ALIAS:
            self._leaf()
            return
        bare = True
        while kind in (t.ANCHOR, t.TAG):
            bare, kind = False, self._next()
        if indentless and kind == t.BLOCK_ENTRY:
            self._state = self._indentless_entry
            self._emit(OPEN_BLOCK)
        elif kind == t.SCALAR:
            self._leaf()
        elif kind in (t.FLOW_SEQUENCE_START, t.FLOW_MAPPING_START):
            self._emit_noted(OPEN_FLOW)
            self._skip()
            self._state = self._flow_sequence_first if kind == t.FLOW_SEQUENCE_START else self._flow_mapping_first
        elif block and kind in (t.BLOCK_SEQUENCE_START, t.BLOCK_MAPPING_START):
            self._emit(OPEN_BLOCK, self._stem)
            self._stem = []
            self._state = self._sequence_first if kind == t.BLOCK_SEQUENCE_START else self._mapping_first
        elif bare:
            raise LookupError("no node where there must be one")
        else:
            self._pop()
            self._emit(LEAF)

    def _leaf(self) -> None:
        self._pop()
        self._emit_noted(LEAF)
        self._skip()

    # --- block collections ----------------------------------------------------------------------------------------

    def _sequence_first(self) -> None:
        self._peek()
        self._skip()
        self._sequence_entry()

    def _sequence_entry(self) -> None:
        if self._peek() == t.BLOCK_ENTRY:
            self._after_dash(self._sequence_entry, (t.BLOCK_ENTRY, t.BLOCK_END))
            return
        self._pop()
        self._emit(CLOSE)
        self._skip()

    def _indentless_entry(self) -> None:
        if self._peek() == t.BLOCK_ENTRY:
            self._after_dash(self._indentless_entry, (t.BLOCK_ENTRY, t.KEY, t.VALUE, t.BLOCK_END))
            return
        self._pop()
        self._emit(CLOSE)

    def _after_dash(self, state: Callable[[], None], ends: tuple[int, ...]) -> None:
        stem = len(self._head)
        kind = self._next()
        if stem and kind in (t.BLOCK_SEQUENCE_START, t.BLOCK_MAPPING_START):
            # The head stands above the `-`: it belongs to the whole collection, not to its first child.
            self._stem, self._head = self._head[:stem], self._head[stem:]
        if kind in ends:
            self._state = state
            self._emit(LEAF)
        else:
            self._states.append(state)
            self._node(block=True)

    def _mapping_first(self) -> None:
        self._peek()
        self._skip()
        self._mapping_key()

    def _mapping_key(self) -> None:
        if self._peek() != t.KEY:
            if self._queue.kinds[self._queue.head] != t.BLOCK_END:
                raise LookupError("no key where there must be one")
            self._pop()
            self._emit_noted(CLOSE)
            self._skip()
        else:
            self._skip()
            self._child(self._mapping_value, (t.KEY, t.VALUE, t.BLOCK_END))

    def _mapping_value(self) -> None:
        if self._peek() == t.VALUE:
            self._skip()
            self._child(self._mapping_key, (t.KEY, t.VALUE, t.BLOCK_END))
        else:
            self._state = self._mapping_key
            self._emit(LEAF)

    def _child(self, state: Callable[[], None], ends: tuple[int, ...]) -> None:
        """Parse a key or value of a block mapping, then go on in `state`."""
        if self._peek() in ends:
            self._state = state
            self._emit(LEAF)
        else:
            self._states.append(state)
            self._node(block=True, indentless=True)

    # --- flow collections -----------------------------------------------------------------------------------------

    def _flow_child(self, state: Callable[[], None], ends: tuple[int, ...]) -> None:
        if self._peek() in ends:
            self._state = state
            self._emit(LEAF)
        else:
            self._states.append(state)
            self._node(block=False)

    def _flow_close(self) -> None:
        self._pop()
        self._emit_noted(CLOSE)
        self._skip()

    def _flow_sequence_first(self) -> None:
        self._flow_sequence_entry(first=True)

    def _flow_sequence_entry(self, *, first: bool = False) -> None:
        kind = self._peek()
        if kind == t.FLOW_ENTRY and not first:
            kind = self._next()
        if kind == t.FLOW_SEQUENCE_END:
            self._flow_close()
        elif kind == t.KEY:
            self._state = self._pair_key
            self._emit(OPEN_FLOW)
            self._skip()
        else:
            self._states.append(self._flow_sequence_entry)
            self._node(block=False)

    def _pair_key(self) -> None:
        if self._peek() in (t.VALUE, t.FLOW_ENTRY, t.FLOW_SEQUENCE_END):
            self._skip()  # go-yaml's own slip: it skips the token that it only looked at
            self._state = self._pair_value
            self._emit(LEAF)
        else:
            self._states.append(self._pair_value)
            self._node(block=False)

    def _pair_value(self) -> None:
        if self._peek() == t.VALUE:
            self._skip()
            self._flow_child(self._pair_end, (t.FLOW_ENTRY, t.FLOW_SEQUENCE_END))
        else:
            self._state = self._pair_end
            self._emit(LEAF)

    def _pair_end(self) -> None:
        self._peek()
        self._state = self._flow_sequence_entry
        self._emit(CLOSE)

    def _flow_mapping_first(self) -> None:
        self._flow_mapping_key(first=True)

    def _flow_mapping_key(self, *, first: bool = False) -> None:
        kind = self._peek()
        if kind == t.FLOW_ENTRY and not first:
            kind = self._next()
        if kind == t.FLOW_MAPPING_END:
            self._flow_close()
        elif kind == t.KEY:
            self._skip()
            self._flow_child(self._flow_mapping_value, (t.VALUE, t.FLOW_ENTRY, t.FLOW_MAPPING_END))
        else:
            self._states.append(self._flow_mapping_no_value)
            self._node(block=False)

    def _flow_mapping_value(self) -> None:
        if self._peek() == t.VALUE:
            self._skip()
            self._flow_child(self._flow_mapping_key, (t.FLOW_ENTRY, t.FLOW_MAPPING_END))
        else:
            self._flow_mapping_no_value()

    def _flow_mapping_no_value(self) -> None:
        self._peek()
        self._state = self._flow_mapping_key
        self._emit(LEAF)
