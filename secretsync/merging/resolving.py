"""The merge of one file whose conflicts a person decides: the text for an editor, and the file that comes of the answer.

The text is the merged file in the clear. Where the sides differ, what each would make of the file stands between
markers as git writes them; since all else is merged, nothing but conflicts differs.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final

from secretsync.documents.conflicts import MESSAGE
from secretsync.errors import ConflictMarkersError
from secretsync.merging.conflicts import Choices, ConflictKind, MergeConflict, Side
from secretsync.merging.files import MergedFile, Texts, place_of
from secretsync.sops import operations
from secretsync.sops.open_file import OpenFile, OpenOptions, open_file

METADATA: Final = "sops"
"""What stands for recipients and selector where a person names a conflict; no value is called that."""
_OF_METADATA: Final = frozenset({ConflictKind.RECIPIENTS, ConflictKind.SELECTOR})
_LEFT: Final = "keep one of both values, or another one, and take the markers out"
_MARKER_SIZE: Final = 7
"""Source: gitattributes(5), conflict-marker-size."""


@dataclass
class Resolution:
    """One merge of three versions. `merge` merges them by choices; `options` open a version, and what was merged."""

    texts: Texts
    options: OpenOptions
    merge: Callable[[Choices], MergedFile]

    @cached_property
    def conflicts(self) -> tuple[MergeConflict, ...]:
        """All conflicts, whatever is chosen. Raises: as `merging.merge_files`."""
        return self.undecided.conflicts

    @cached_property
    def undecided(self) -> MergedFile:
        """The merge without any choice, which is what the merge driver makes. Raises: as `merging.merge_files`."""
        return self.merge({})

    def of_metadata(self) -> list[MergeConflict]:
        """Return the conflicts that no text shows: who can open the file, and what of it is encrypted."""
        return [one for one in self.conflicts if one.kind in _OF_METADATA]

    def place(self, conflict: MergeConflict) -> str:
        """Return how a person names a conflict."""
        if conflict.kind in _OF_METADATA:
            return METADATA
        return place_of(conflict.document if self.undecided.several else 0, conflict.path)

    def chosen(self, place: str, side: Side) -> dict[int, Side]:
        """Return the choice of a side for the conflicts at and below a place; nothing where there is none."""
        return {one.number: side for one in self.conflicts if _is_within(self.place(one), place)}

    def all_chosen(self, side: Side) -> dict[int, Side]:
        """Return the choice of one side for all conflicts."""
        return {one.number: side for one in self.conflicts}

    def left(self, choices: Choices) -> list[MergeConflict]:
        """Return the conflicts for which nothing is chosen."""
        return [one for one in self.conflicts if one.number not in choices]

    def file(self, choices: Choices, *, now: datetime) -> bytes:
        """Return the merged file where a side is chosen for every conflict. Raises: as `merging.merge_files`."""
        merged = self.merge(choices).text
        if self._documents_side(choices) is Side.THEIRS:
            change = operations.edited(self._opened(merged), self._plain(choices), now=now)
            return change.data if change.changed else merged
        return merged

    def text(self, choices: Choices) -> bytes:
        """Return the text for the editor, with markers around what nothing is chosen for. Raises: as `file`."""
        ours, theirs = (self._plain({**self.all_chosen(side), **choices}) for side in Side)
        size = marker_size(ours, theirs)
        return b"".join(_with_markers(ours.splitlines(keepends=True), theirs.splitlines(keepends=True), size))

    def edited(self, choices: Choices, text: bytes, *, now: datetime) -> bytes:
        """Return the file with what an editor made of `text(choices)`; values that were not in conflict keep theirs.

        Raises:
            ConflictMarkersError: markers are left.
            ParseError and the like: the text cannot be read.
        """
        given = {**self.all_chosen(Side.OURS), **choices}
        ours, theirs = (self._plain({**self.all_chosen(side), **choices}) for side in Side)
        _refuse_markers(text, marker_size(ours, theirs))
        merged = self.merge(given).text
        change = operations.edited(self._opened(merged), text, now=now)
        return change.data if change.changed else merged

    def _plain(self, choices: Choices) -> bytes:
        """Return the merged file in the clear."""
        if self._documents_side(choices) is Side.THEIRS:
            return operations.editable(self._opened(self.texts.theirs))
        return operations.editable(self._opened(self.merge(choices).text))

    def _documents_side(self, choices: Choices) -> Side | None:
        """Return whose documents were chosen as a whole, where nobody can tell which of them are one another."""
        whole = [one.number for one in self.conflicts if one.kind is ConflictKind.DOCUMENTS]
        choice = choices.get(whole[0]) if whole else None
        return choice if isinstance(choice, Side) else None

    def _opened(self, data: bytes) -> OpenFile:
        return open_file(data, self.options)


def marker_size(*texts: bytes) -> int:
    """Return how long markers are that no line of some texts looks like."""
    size = _MARKER_SIZE
    lines = [line for text in texts for line in text.splitlines()]
    while any(line.startswith(sign * size) for line in lines for sign in (b"<", b"=", b">")):
        size += 1
    return size


def _with_markers(ours: Sequence[bytes], theirs: Sequence[bytes], size: int) -> Iterator[bytes]:
    matcher = difflib.SequenceMatcher(None, ours, theirs, autojunk=False)
    for kind, start, end, other_start, other_end in matcher.get_opcodes():
        if kind == "equal":
            yield from ours[start:end]
            continue
        yield b"<" * size + b" ours\n"
        yield from _ended(ours[start:end])
        yield b"=" * size + b"\n"
        yield from _ended(theirs[other_start:other_end])
        yield b">" * size + b" theirs\n"


def _ended(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yield lines, each with its line end, which the last one of a text may lack."""
    for line in lines:
        yield line if line.endswith((b"\n", b"\r")) else line + b"\n"


def _refuse_markers(text: bytes, size: int) -> None:
    markers = tuple(sign * size for sign in (b"<", b"=", b">"))
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith(markers):
            raise ConflictMarkersError(MESSAGE, location=f"line {number}", hint=_LEFT)


def _is_within(place: str, other: str) -> bool:
    return place == other or (place.startswith(other) and place[len(other)] in ".[")
