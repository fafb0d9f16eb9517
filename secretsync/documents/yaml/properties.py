"""What may stand before the content of a YAML node: its anchor, its tag, and comments between them.

The callers know from libyaml that a node begins where they ask, so that a `#` begins a comment and a word that starts
with `&` or `!` is a property.
"""

from __future__ import annotations

from typing import Final

from secretsync.documents.yaml import breaks

_BLANKS: Final = " \t"
_FLOW: Final = frozenset(",[]{}")


def end(text: str, start: int, stop: int) -> int:
    """Return where the content behind properties, comments, blanks and line breaks begins, at most `stop`."""
    at = start
    while at < stop:
        sign = text[at]
        if sign in _BLANKS or sign in breaks.SIGNS:
            at += 1
        elif sign == "#":
            at = breaks.next_line(text, at)
        elif sign in "&!":
            at = _word_end(text, at, stop)
        else:
            return at
    return min(at, stop)


def anchor(text: str, start: int, stop: int) -> str:
    """Return the anchor at `start`, with its `&`, or the one behind the tag at `start`; nothing where there is none."""
    at = start
    if text[at] == "!":
        at = _word_end(text, at, stop)
        while at < stop and (text[at] in _BLANKS or text[at] in breaks.SIGNS):
            at += 1
    if at >= stop or text[at] != "&":
        return ""
    name = text[at : _word_end(text, at, stop)]
    cut = min((place for sign in _FLOW if (place := name.find(sign)) >= 0), default=len(name))
    return name[:cut] if cut > 1 else ""


def has_glued_tag(text: str, start: int, stop: int) -> bool:
    """Whether the tag of a node, behind its anchor or not, runs into a bracket or comma before `stop`."""
    at = start
    while at < stop and text[at] != "!":
        if text[at] == "&":
            at = _word_end(text, at, stop)
        elif text[at] == "#":
            at = breaks.next_line(text, at)
        elif text[at] in _BLANKS or text[at] in breaks.SIGNS:
            at += 1
        else:
            return False
    word = text[at : _word_end(text, at, stop)]
    glued = next((place for place, sign in enumerate(word) if sign in _FLOW), -1)
    return glued > 0 and "<" not in word[:glued]


def _word_end(text: str, at: int, stop: int) -> int:
    """Return where the word at `at` ends, before a blank or a line break."""
    while at < stop and text[at] not in _BLANKS and text[at] not in breaks.SIGNS:
        at += 1
    return at
