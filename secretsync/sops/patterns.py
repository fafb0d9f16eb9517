"""RE2, the one engine for patterns that others write: linear in the text, whatever the pattern.

It is loaded with the first pattern, since most runs need none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from secretsync.errors import one_line


class Pattern(NamedTuple):
    """A compiled pattern: whether it matches somewhere in a text, and whether it matches all of it."""

    found_in: Callable[[str], bool]
    matches_all: Callable[[str], bool]


class InvalidPatternError(Exception):
    """RE2 refuses the pattern; the text is its complaint. Callers turn this into their own error."""


def compiled(pattern: str) -> Pattern:
    """Compile one pattern.

    Raises:
        InvalidPatternError: the pattern is malformed, too large, or uses what RE2 does not have.
    """
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        program = re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0] if error.args else "malformed"
        text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise InvalidPatternError(one_line(text)) from None
    search, fullmatch = program.search, program.fullmatch
    return Pattern(lambda text: search(text) is not None, lambda text: fullmatch(text) is not None)
