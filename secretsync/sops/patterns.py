"""RE2, the one engine for patterns that others write: linear in the text, whatever the pattern.

It is loaded with the first pattern, since most runs need none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

from secretsync.errors import one_line
from secretsync.late import LateModule

if TYPE_CHECKING:
    import re2
else:
    re2 = LateModule("re2")

LONGEST: Final = 8192
"""Characters of a pattern. RE2 takes 0.4 s of CPU to compile the worst of this length, and four times that for twice it."""

_NO_UTF_8: Final = {0xDC00 + byte: "\ufffd" for byte in range(0x80, 0x100)}
"""What stands in a name of the file system for a byte that is not UTF-8 (PEP 383)."""


class Pattern(NamedTuple):
    """A compiled pattern: whether it matches somewhere in a text, and whether it matches all of it."""

    found_in: Callable[[str], bool]
    matches_all: Callable[[str], bool]


class InvalidPatternError(Exception):
    """RE2 refuses the pattern; the text is its complaint. Callers turn this into their own error."""


def compiled(pattern: str) -> Pattern:
    """Compile one pattern.

    Raises:
        InvalidPatternError: the pattern is malformed, too long or too large, or uses what RE2 does not have.
    """
    if len(pattern) > LONGEST:
        raise InvalidPatternError(f"longer than {LONGEST} characters")
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True  # a thousand groups that nobody asks for would make each match a thousand times dearer
    try:
        program = re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0] if error.args else "malformed"
        text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise InvalidPatternError(one_line(text)) from None
    search, fullmatch = program.search, program.fullmatch
    return Pattern(lambda text: search(_text(text)) is not None, lambda text: fullmatch(_text(text)) is not None)


def _text(text: str) -> str:
    """Return what is matched: a byte of a file's name that is not UTF-8 is U+FFFD, which is how Go reads it for sops."""
    return text if text.isascii() else text.translate(_NO_UTF_8)
