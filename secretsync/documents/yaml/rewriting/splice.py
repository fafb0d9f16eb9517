"""What splicing a block or flow collection asks of the one that splices its nodes: arrows point from nodes down to here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from secretsync.documents.pairing import Edits
from secretsync.documents.tree import Comment, Entry, Mapping, Node, Scalar, Sequence, Span
from secretsync.documents.yaml.places import Places, Slot

if TYPE_CHECKING:
    from secretsync.documents.yaml.emitting import Emitter


class Splice(Protocol):
    """Notes in `edits` what changes between an old and a new node; a node holds collections, which hold nodes."""

    places: Places
    text: str
    edits: Edits
    step: int

    def node(self, old: Node, new: Node, slot: Slot) -> None:
        """Note what changed between `old` and `new`, whatever they are."""

    def comment(self, old: Comment, new: Comment) -> None:
        """Put the text of `new` in the place of `old`."""

    def comment_text(self, comment: Comment, position: int) -> str:
        """Return a comment for `position`."""

    def on_its_line(self, old: Node, new: Node) -> bool:
        """Splice a scalar that stays on its line; return whether it was one."""

    def merge_key(self, old: Entry, new: Entry) -> None:
        """Quote a plain `<<` that is no merge key any more."""

    def header(self, old: Scalar) -> Span | None:
        """Return the place of the header of a block scalar; None for any other style."""

    def drop_comments_behind(self, old: Mapping | Sequence) -> None:
        """Remove the comments that belong to a flow collection and stand behind it."""

    def emitter(self, position: int, column: int) -> Emitter:
        """Return an emitter for a block at `column` that the text at `position` follows."""

    def flow_text(self, node: Node) -> str:
        """Return a node in flow style."""
