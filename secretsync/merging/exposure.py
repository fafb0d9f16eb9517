"""What a merged tree would leave in the clear: no value that a side had encrypted, or that the rule picks, may be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import secretsync.sops.values as values
from secretsync.documents.tree import Comment, Mapping, Scalar
from secretsync.sops.decryption import Decrypted
from secretsync.sops.selectors import Selector
from secretsync.sops.walk import Walk


class SeenLeaf(NamedTuple):
    """A value or comment that says something, as a selector sees it; `place` is `#document path`."""

    node: Scalar | Comment
    aad: bytes
    selected: bool
    place: str

    @property
    def content(self) -> tuple[bytes, bytes]:
        """Return path and value, by which a leaf is known again."""
        text = self.node.text.encode() if isinstance(self.node, Comment) else values.canonical(self.node.value)
        return self.aad, text

    def __repr__(self) -> str:
        return f"SeenLeaf({self.place})"


class SelectedLeaves(Walk):
    """The walk that only looks."""

    def __init__(self, selector: Selector) -> None:
        super().__init__(selector)
        self.leaves: list[SeenLeaf] = []

    @classmethod
    def of(cls, documents: list[Mapping], selector: Selector) -> list[SeenLeaf]:
        """Return the leaves of plain documents in order, comments among them. Raises: TreeError, LimitError."""
        walk = cls(selector)
        walk.documents(documents)
        return walk.leaves

    def leaf(self, scalar: Scalar, aad: bytes, *, selected: bool) -> Scalar:
        """Note a value; null and the empty text are never encrypted."""
        if values.canonical(scalar.value):
            self.leaves.append(SeenLeaf(scalar, aad, selected, self.location()))
        return scalar

    def comment(self, comment: Comment, aad: bytes, *, selected: bool) -> Comment:
        """Note a comment."""
        if comment.text:
            self.leaves.append(SeenLeaf(comment, aad, selected, self.location()))
        return comment


def encrypts_no_less(documents: list[Mapping], new: Selector, *others: Selector) -> bool:
    """Whether a selector picks every value that any other one picks. Comments do not count."""
    picked = [_picked(documents, each) for each in others]
    return all(mine or not any(rest) for mine, *rest in zip(_picked(documents, new), *picked, strict=True))


def holds_all_clear(documents: list[Mapping], selector: Selector, side: Decrypted) -> bool:
    """Whether a side has all that the result would have in the clear, or had it encrypted: its own MAC is over that."""
    known = {each.content for each in SelectedLeaves.of(side.documents, side.metadata.selector)}
    found = (each for each in SelectedLeaves.of(documents, selector) if isinstance(each.node, Scalar))
    return all(each.selected or each.content in known for each in found)


def exposed(
    documents: list[Mapping],
    selector: Selector,
    ours: Decrypted,
    theirs: Decrypted,
    ruled: Callable[[], Selector | None],
) -> Iterator[str]:
    """Yield the places of what the result would have in the clear, ours has not, and a side or the rule encrypts."""
    clear = {
        each.content
        for each in SelectedLeaves.of(ours.documents, ours.metadata.selector)
        if not each.selected and id(each.node) not in ours.origins
    }
    origins = ours.origins.keys() | theirs.origins.keys()
    found = [
        (at, leaf)
        for at, leaf in enumerate(SelectedLeaves.of(documents, selector))
        if not leaf.selected and leaf.content not in clear
    ]
    rule = ruled() if found else None
    picked = SelectedLeaves.of(documents, rule) if rule else []
    for at, leaf in found:
        if id(leaf.node) in origins or (picked and picked[at].selected and isinstance(leaf.node, Scalar)):
            yield leaf.place


def _picked(documents: list[Mapping], selector: Selector) -> list[bool]:
    return [each.selected for each in SelectedLeaves.of(documents, selector) if isinstance(each.node, Scalar)]
