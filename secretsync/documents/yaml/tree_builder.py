"""From libyaml's events to the tree: nodes with spans, aliases expanded, duplicates and limits checked on the way.

The structural rules are go-yaml's (Source: decode.go of go.yaml.in/yaml/v3 at v3.0.4), applied to every document, where
sops checks the first one only. Comments are not events; `comments` adds them afterwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn

from secretsync.documents.tree import Entry, Limits, Mapping, Node, Scalar, Sequence, Span
from secretsync.documents.yaml import breaks, properties
from secretsync.documents.yaml.libyaml import events as yaml_events
from secretsync.documents.yaml.resolving import resolve_plain, resolve_tagged
from secretsync.errors import DuplicateKeyError, LimitError, ParseError
from secretsync.late import LateModule

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from secretsync.documents.yaml import anchors

    Event = Any  # PyYAML's event classes carry no annotations.
else:
    anchors = LateModule("secretsync.documents.yaml.anchors")  # most texts have none

_MERGE: Final = "tag:yaml.org,2002:merge"


class _Frame:
    """A collection that is still open, with what its parent was doing."""

    __slots__ = ("anchor", "deepest", "key", "node", "nodes", "seen")

    def __init__(self, node: Mapping | Sequence, anchor: str | None, nodes: int, deepest: int) -> None:
        self.node = node
        self.anchor = anchor
        self.nodes = nodes
        self.deepest = deepest
        self.key: Scalar | None = None
        self.seen: dict[str, Scalar] | None = {} if type(node) is Mapping else None


class TreeBuilder:
    """Builds one document after another from the events that `feed` receives."""

    def __init__(self, text: str, limits: Limits) -> None:
        self.text = text
        self.limits = limits
        self.roots: list[Node] = []
        self.spans: list[Span] = []
        self.aliases: dict[int, Node] = {}
        self._anchors: dict[str, anchors.Anchored] = {}  # kept from document to document, as go-yaml does
        self._stack: list[_Frame] = []
        self._frame: _Frame | None = None
        self._nodes = 0
        self._max_nodes = limits.nodes
        self._repeated = 0  # characters, by aliases
        self._merge_key: Scalar | None = None
        self._merges: list[tuple[Node, int]] = []
        self._deepest = 0
        self._flow = 0
        self._end = 0  # of the last content, where an open block collection would end
        self._boundary = 0
        self._has_solidus = "\\/" in text

    def handlers(self) -> dict[type, Callable[[Event], None]]:
        """Return the handler for each class of event that matters."""
        return {
            yaml_events.ScalarEvent: self._scalar,
            yaml_events.AliasEvent: self._alias,
            yaml_events.MappingStartEvent: self._mapping,
            yaml_events.MappingEndEvent: self._close,
            yaml_events.SequenceStartEvent: self._sequence,
            yaml_events.SequenceEndEvent: self._close,
            yaml_events.DocumentStartEvent: self._document,
            yaml_events.DocumentEndEvent: self._document_end,
            yaml_events.StreamStartEvent: self._ignore,
            yaml_events.StreamEndEvent: self._stream_end,
        }

    # --- places in errors -----------------------------------------------------------------------------------------

    def line(self, offset: int) -> int:
        """Return the line of a character offset, from 1."""
        return 1 + breaks.count(self.text[:offset])

    def place(self, offset: int) -> str:
        """Return `#document line N` for a character offset."""
        return f"#{max(1, len(self.spans))} line {self.line(offset)}"

    def _fail(self, message: str, offset: int) -> NoReturn:
        raise ParseError(message, location=self.place(offset))

    # --- documents ------------------------------------------------------------------------------------------------

    def _ignore(self, _event: Event) -> None:
        pass

    def _document(self, event: Event) -> None:
        start = event.start_mark.index
        if self.spans:
            self.spans[-1] = Span(self.spans[-1].start, self._boundary or start)
        self.spans.append(Span(self.spans[-1].end if self.spans else 0, len(self.text)))
        if len(self.spans) > self.limits.documents:
            raise LimitError(f"more than {self.limits.documents} documents", location=self.place(start))
        if event.version not in (None, (1, 1)):
            self._fail("only %YAML 1.1 is understood, as in sops; remove the directive", start)
        self._end = event.end_mark.index

    def _document_end(self, event: Event) -> None:
        for node, offset in self._merges:
            if not anchors.is_mergeable(node):
                self._fail("the merge key << takes a mapping or a sequence of mappings", offset)
        self._merges.clear()
        self._boundary = 0
        if event.explicit:
            self._boundary = breaks.next_line(self.text, event.end_mark.index)

    def _stream_end(self, _event: Event) -> None:
        if self.spans:
            self.spans[-1] = Span(self.spans[-1].start, len(self.text))

    # --- nodes ----------------------------------------------------------------------------------------------------

    def _count(self, nodes: int, offset: int) -> None:
        self._nodes += nodes
        if self._nodes > self.limits.nodes:
            raise LimitError(f"more than {self.limits.nodes} nodes, aliases expanded", location=self.place(offset))

    def _scalar(self, event: Event) -> None:
        start = event.start_mark.index
        end = event.end_mark.index
        text = event.value
        style = event.style or ""
        tag = event.tag
        self._nodes += 1
        if self._nodes > self._max_nodes:
            self._count(0, start)
        if tag is None and not style:
            value = resolve_plain(text)
            if self._flow and "?" in text:
                # go-yaml ends the scalar at the question mark, and reads another tree.
                self._fail("a question mark inside of a plain scalar in a flow collection; quote the scalar", start)
        elif tag is None:
            value = text
        else:
            value = self._tagged(event, tag)
        if style:
            if style in "|>":
                end = self._block_end(start, end, text)
            elif style == '"' and self._has_solidus:
                self._refuse_solidus(start, end)
        elif start == end:
            start = end = self._empty_place(start)
        self._end = max(self._end, end)
        node = Scalar(value, Span(start, end), style)
        if text == "<<" and (tag == _MERGE or (not style and tag in (None, "!"))):
            self._merge_key = node
        self._add(node, text, event.anchor)

    def _add(self, node: Node, text: str | None, anchor: str | None) -> None:
        """Put a finished scalar, or a collection that opens, into the collection that is open."""
        if anchor is not None:
            self._anchors[anchor] = anchored = anchors.Anchored(node, text)
            anchored.nodes = 1 if text is not None else 0
        frame = self._frame
        if frame is None:
            self.roots.append(node)
        elif frame.seen is None:
            frame.node.items.append(node)  # type: ignore[arg-type]  # a sequence: `seen` is None
        elif frame.key is not None:
            key = frame.key
            frame.node.items.append(Entry(key, node))  # type: ignore[arg-type]  # a mapping
            frame.key = None
            if key is self._merge_key:
                self._merges.append((node, self._start_of(key)))
        elif type(node) is Scalar:
            if text in frame.seen:
                self._duplicate(node, frame.seen[text])
            frame.seen[text] = frame.key = node  # type: ignore[index]
        else:
            self._fail("a mapping or sequence cannot be a key", self._start_of(node))

    @staticmethod
    def _start_of(node: Node) -> int:
        span = node.alias or node.span
        return span.start if span else 0

    def _duplicate(self, key: Scalar, first: Scalar) -> NoReturn:
        line = self.line(self._start_of(first))
        raise DuplicateKeyError(
            f"key {key.value!r} is already there in line {line}", location=self.place(self._start_of(key))
        )

    def _tagged(self, event: Event, tag: str) -> Any:
        start = event.start_mark.index
        if self._flow and properties.has_glued_tag(self.text, start, min(event.end_mark.index + 1, len(self.text))):
            self._fail("a tag with a bracket or comma at its end; put a space between", start)
        try:
            return resolve_tagged(tag, event.value, plain=not event.style)
        except ValueError as error:
            self._fail(str(error), start)

    def _refuse_solidus(self, start: int, end: int) -> None:
        at = self.text[start:end].replace("\\\\", "  ").find("\\/")
        if at >= 0:
            self._fail(r"the escape \/ is JSON's and unknown to sops; write / alone", start + at)

    def _block_end(self, start: int, end: int, value: str) -> int:
        """Return where the last line of a block scalar ends, see `yaml_load`."""
        raw = self.text[start:end]
        indicator = 0
        if raw[0] not in "|>":
            indicator = properties.end(self.text, start, end) - start
        if "+" in raw[indicator + 1 : indicator + 3]:
            return end - (2 if raw.endswith("\r\n") else raw.endswith(tuple(breaks.SIGNS)))
        body = value.rstrip(breaks.SIGNS)
        if not body:
            header = raw[indicator:].lstrip("|>-0123456789")
            return end - len(header)
        return start + len(raw.rstrip(breaks.SIGNS if body[-1] in " \t" else breaks.SIGNS + " \t"))

    def _empty_place(self, mark: int) -> int:
        """Place an empty scalar: behind its `:` or `-`, and where there is none (`? key`) behind the key."""
        frame = self._frame
        if frame is None or frame.key is None or self._flow or self.text[mark - 1 : mark] == ":":
            return mark
        return self._end

    # --- collections ----------------------------------------------------------------------------------------------

    def _mapping(self, event: Event) -> None:
        self._open(Mapping([], None, bool(event.flow_style)), event)

    def _sequence(self, event: Event) -> None:
        self._open(Sequence([], None, bool(event.flow_style)), event)

    def _open(self, node: Mapping | Sequence, event: Event) -> None:
        start = event.start_mark.index
        node.span = Span(start, start)
        self._count(1, start)
        self._add(node, None, event.anchor)
        stack = self._stack
        frame = _Frame(node, event.anchor, self._nodes, self._deepest)
        stack.append(frame)
        self._frame = frame
        self._deepest = depth = len(stack)
        if depth > self.limits.depth:
            raise LimitError(f"nested deeper than {self.limits.depth} levels", location=self.place(start))
        if node.flow:
            self._flow += 1

    def _close(self, event: Event) -> None:
        frame = self._stack.pop()
        node = frame.node
        if node.flow:
            self._flow -= 1
            self._end = event.end_mark.index
        node.span = Span(node.span[0], self._end)  # type: ignore[index]  # `_open` set it
        if frame.anchor is not None:
            anchored = self._anchors[frame.anchor]
            if anchored.node is node:
                anchored.nodes = self._nodes - frame.nodes + 1
                anchored.height = self._deepest - len(self._stack)
        self._deepest = max(self._deepest, frame.deepest)
        self._frame = self._stack[-1] if self._stack else None

    # --- aliases --------------------------------------------------------------------------------------------------

    def _alias(self, event: Event) -> None:
        start = event.start_mark.index
        span = Span(start, event.end_mark.index)
        self._end = span.end
        anchored = self._anchors.get(event.anchor)
        if anchored is None:
            self._fail(f"unknown anchor {event.anchor!r}", start)
        if not anchored.nodes:
            self._fail(f"anchor {event.anchor!r} contains itself", start)
        self._count(anchored.nodes, start)
        self._repeated += anchored.characters()
        if self._repeated > self.limits.repeated:
            raise LimitError(f"aliases repeat more than {self.limits.repeated} characters", location=self.place(start))
        height = len(self._stack) + anchored.height
        if height > self.limits.depth:
            raise LimitError(
                f"nested deeper than {self.limits.depth} levels, aliases expanded", location=self.place(start)
            )
        self._deepest = max(self._deepest, height)
        copy = anchors.copy_for_alias(anchored.node, span)
        self.aliases[id(copy)] = anchored.node
        self._add(copy, anchored.text, None)
