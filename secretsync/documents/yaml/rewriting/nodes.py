"""Splicing one node: a scalar or a comment in place, anything of another shape written afresh.

Collections are spliced by `block` and `flow`, which know no more of this than `Splice` says. What most rewrites do not
need, fresh emission and flow collections, is loaded when it is needed. Every method notes replacements in `edits`; none
changes the text itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from secretsync.documents.pairing import Edits, equal, same_value
from secretsync.documents.tree import Comment, Entry, Mapping, Node, Scalar, Sequence, Span
from secretsync.documents.yaml import properties, scalar_text
from secretsync.documents.yaml.places import (
    Places,
    Slot,
    comment_span,
    comments_behind,
    has_values,
    is_mergeable,
    node_span,
)
from secretsync.documents.yaml.rewriting import block
from secretsync.late import LateModule

if TYPE_CHECKING:
    from secretsync.documents.yaml import emitting
    from secretsync.documents.yaml.rewriting import flow
else:
    emitting = LateModule("secretsync.documents.yaml.emitting")
    flow = LateModule("secretsync.documents.yaml.rewriting.flow")


class Splicer:
    """Compares an old and a new node at one place and notes what to replace in the old text."""

    def __init__(self, places: Places, step: int) -> None:
        self.places = places
        self.text = places.text
        self.edits = Edits(places.text)
        self.step = step

    def node(self, old: Node, new: Node, slot: Slot) -> None:
        """Note what changed between `old` and `new`."""
        if new is old:
            return
        if old.alias is not None:
            if not equal(old, new):
                self.replace(old, new, slot)
        elif isinstance(old, Scalar):
            if not isinstance(new, Scalar):
                self.replace(old, new, slot)
            elif not same_value(old, new):
                self.scalar(old, new, slot)
        elif type(new) is type(old) and has_values(old) and has_values(new):
            self.collection(old, new, slot)
        elif not self._empty(old, new):
            self.replace(old, new, slot)

    def collection(self, old: Mapping | Sequence, new: Node, slot: Slot) -> None:
        """Note what changed between two collections of one kind that both hold values."""
        assert isinstance(new, Mapping | Sequence)
        if old.flow:
            flow.splice_flow(self, old, new)
        elif not block.splice_block(self, old, new, slot.after):
            self.replace(old, new, slot)

    def emitter(self, position: int, column: int) -> emitting.Emitter:
        """Return an emitter for a block at `column` that the text at `position` follows."""
        literals = emitting.Literals
        kept = literals.NONE if self.places.would_swallow(position, column) else literals.WITHOUT_BLANK_LINES
        return emitting.Emitter(self.step, self.places.newline, kept)

    def comment(self, old: Comment, new: Comment) -> None:
        """Put the text of `new` in the place of `old`."""
        if new is old or new.text == old.text:
            return
        start, stop = comment_span(old)
        self.edits.replace(start, stop, self.comment_text(new, start))

    def comment_text(self, comment: Comment, position: int) -> str:
        """Return a comment for `position`, on several lines if it has them and the line is its own."""
        lines = scalar_text.comment_lines(comment.text)
        if len(lines) > 1 and self.places.is_first(position):
            return (self.places.newline + " " * self.places.column(position)).join(lines)
        return "#" + " ".join(line[1:] for line in lines)

    def scalar(self, old: Scalar, new: Scalar, slot: Slot) -> None:
        """Put one scalar in the place of another; an anchor stays, a tag goes."""
        start, stop = node_span(old)
        head, body = self._scalar_text(new, slot, stop)
        if start == stop:
            self._fill(head, body, slot)
            return
        anchor = properties.anchor(self.text, start, stop) if self.text[start] in "&!" else ""
        head = f"{anchor} {head}" if anchor else head
        header = self.header(old)
        if header:
            # A comment may stand behind the header: it keeps its place, the lines below it go.
            self.edits.replace(start, header.end, head)
            self._below(self.places.line_end(header.end), stop, body)
        else:
            self.edits.replace(start, stop, head + self.places.gap_before_comment(stop))
            if body:
                self._below(self.places.line_end(stop), self.places.line_end(stop), body)

    def on_its_line(self, old: Node, new: Node) -> bool:
        """Splice a scalar that stays on its line, the common case, which needs no slot; return whether it was one."""
        if type(old) is not Scalar or type(new) is not Scalar or old.alias is not None:
            return False
        if same_value(old, new):
            return True
        start, stop = node_span(old)
        value = new.value
        if start == stop or old.style in {"|", ">"} or self.text[start] in "&!":
            return False
        if type(value) is str and "\n" in value:
            return False
        self.edits.replace(start, stop, scalar_text.scalar(value) + self.places.gap_before_comment(stop))
        return True

    def merge_key(self, old: Entry, new: Entry) -> None:
        """Quote a plain `<<` whose value no longer is what a merge key takes."""
        key = old.key
        if key.value == "<<" and not key.style and key.alias is None and key.span and not is_mergeable(new.value):
            self.edits.replace(*key.span, '"<<"')

    def header(self, old: Scalar) -> Span | None:
        """Return the place of the header of a block scalar, tag and anchor included; None for any other style."""
        if not old.style or old.style not in "|>":
            return None
        start, stop = node_span(old)
        end = properties.end(self.text, start, stop) + 1
        while end < stop and self.text[end] in "-+0123456789":
            end += 1
        return Span(start, end)

    def _scalar_text(self, new: Scalar, slot: Slot, position: int) -> tuple[str, str]:
        """Return what goes on the line of the key, and the lines below it; the text goes on at `position`."""
        value = new.value
        literal = (
            isinstance(value, str)
            and "\n" in value
            and not slot.flow
            and not value.endswith("\n\n")
            and scalar_text.fits_literal(value)
            and not self.places.would_swallow(position, slot.child)
        )
        if literal and isinstance(value, str):
            return scalar_text.literal(
                value, parent=max(slot.parent, 0), indent=slot.child, newline=self.places.newline
            )
        return scalar_text.scalar(value, flow=slot.flow), ""

    def _below(self, start: int, stop: int, body: str) -> None:
        """Put lines behind the end of a line."""
        if body or start < stop:
            self.edits.replace(start, stop, body)

    def _fill(self, head: str, body: str, slot: Slot) -> None:
        """Write a value where the text has none: `key:`, `-`, `? key`, or a member of a flow set."""
        if slot.dash or self.text[slot.after - 1] == ":":
            self.edits.replace(slot.after, slot.after, " " + head)
            at = self.places.line_end(slot.after)
        elif slot.flow:
            self.edits.replace(slot.after, slot.after, ": " + head)
            return
        else:
            at = self.places.line_end(slot.after)
            self.edits.replace(at, at, self.places.newline + " " * slot.parent + ": " + head)
        if body:
            self._below(at, at, body)

    def replace(self, old: Node, new: Node, slot: Slot) -> None:
        """Write `new` afresh in the place of `old`."""
        self.drop_comments_behind(old)
        if slot.flow:
            span = node_span(old)
            text = self.flow_text(new)
            if span.start == span.end:
                self._fill(text, "", slot)
            else:
                self.edits.replace(*span, text + self.places.gap_before_comment(span.end))
            return
        start, stop = self._content(old)
        head, body = self._fresh(new, slot, stop)
        gap = self.text[slot.after : start]
        if "#" not in gap:
            joint = (
                " " if slot.dash or self.text[slot.after - 1] == ":" else self.places.newline + " " * slot.parent + ": "
            )
            tail = self.places.gap_before_comment(stop)
            self.edits.replace(slot.after, stop, (joint + head + tail) if head else joint.rstrip(" ") + tail)
            if body:
                self._below(self.places.line_end(stop), self.places.line_end(stop), body)
            return
        # A comment on the key's line stays there; what stood below it goes.
        self.edits.replace(slot.after, slot.after, " " + head if head else "")
        line = self.places.line_end(slot.after)
        if body:
            self._below(line, line, body)
        self.edits.replace(self.places.behind_previous_line(start), self.places.line_end(stop), "")

    def drop_comments_behind(self, old: Node) -> None:
        """Remove the comments that belong to a flow collection and stand behind it: its successor brings its own."""
        for comment in comments_behind(old):
            start, stop = comment_span(comment)
            line = self.places.line_start(start)
            self.edits.replace(line + len(self.text[line:start].rstrip(" \t")), stop, "")

    def _content(self, old: Node) -> tuple[int, int]:
        """Return the first and last place of what `old` occupies, comments at its edges included."""
        start, stop = node_span(old)
        if old.alias is None and not isinstance(old, Scalar) and not old.flow:
            stop = self.places.line_end(self.places.end(old))
            comments = [comment_span(item)[0] for item in old.items[:1] if isinstance(item, Comment)]
            start = min([start, *comments])
        return start, stop

    def _fresh(self, new: Node, slot: Slot, position: int) -> tuple[str, str]:
        """Return `new` as text for the line of the key, and the lines below it."""
        if isinstance(new, Scalar):
            return self._scalar_text(new, slot, position)
        emitter = self.emitter(position, slot.child)
        if has_values(new) and slot.dash:
            text = emitter.behind_dash(new, slot.child)
        else:
            emitter.value(new, column=slot.child, parent=slot.parent, lead="")
            text = "".join(emitter.parts)
        cut = text.find(self.places.newline)
        return (text, "") if cut < 0 else (text[:cut], text[cut:])

    def flow_text(self, node: Node) -> str:
        """Return a node in flow style, on several lines where it holds comments."""
        return emitting.flow_text(node, self.places.newline)

    def _empty(self, old: Mapping | Sequence, new: Node) -> bool:
        """Splice comments between two collections that hold nothing else; return whether that was the case."""
        if type(old) is not type(new) or has_values(old) or has_values(new):
            return False
        assert isinstance(new, Mapping | Sequence)
        if len(old.items) != len(new.items):
            return False
        for before, after in zip(old.items, new.items, strict=True):
            assert isinstance(before, Comment)
            assert isinstance(after, Comment)
            self.comment(before, after)
        return True
