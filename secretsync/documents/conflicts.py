"""Conflict markers that a merge of Git left in a file: no store reads such a file, and each would name another fault."""

from __future__ import annotations

from typing import Final

from secretsync.errors import ConflictMarkersError

MESSAGE: Final = "conflict markers of Git"
HINT: Final = "secretsync resolve FILE; where the merge is committed already: git checkout COMMIT -- FILE"
"""Who knows the file puts its name there (`errors.naming`)."""
_OPENING: Final = "<<<<<<< "
_DIVIDING: Final = "======="
_CLOSING: Final = ">>>>>>> "
MARK: Final = b"<<<<<<< "
"""What a file without conflicts does not hold."""


def line_of_markers(text: str) -> int | None:
    """Return the line of the first conflict in a text, from 1; None where no line opens, divides and closes one."""
    if _OPENING not in text or _CLOSING not in text:
        return None
    opened: int | None = None
    divided = False
    for number, line in enumerate(text.split("\n"), 1):
        if opened is None and line.startswith(_OPENING):
            opened = number
        elif opened is not None and line.rstrip("\r") == _DIVIDING:
            divided = True
        elif divided and line.startswith(_CLOSING):
            return opened
    return None


def named(text: str) -> ConflictMarkersError | None:
    """Return the error for a text with conflict markers, placed at their line; None where it has none."""
    line = line_of_markers(text)
    return None if line is None else ConflictMarkersError(MESSAGE, location=f"line {line}", hint=HINT)
