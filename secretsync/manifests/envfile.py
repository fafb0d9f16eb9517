r"""Lines of `NAME=value` as the `envs` of a generator are read: the dialect of KSOPS, with nothing left to chance.

`export`, `NAME: value`, comments, single and double quotes over several lines, `\n` and `\r` in double ones. What that
dialect replaces (`$NAME`) and any line it cannot read are refused: half a password is worse than none.
Source: joho/godotenv parser.go at v1.5.1.
"""

from __future__ import annotations

import re
from typing import Final

from secretsync.errors import ParseError

_NAME: Final = re.compile(r"\s*+(?:export[ \t]++)?([A-Za-z0-9_.]++)[ \t]*+[=:][ \t]*+", re.ASCII)
_SKIPPED: Final = re.compile(r"(?:[ \t\r\n]++|#[^\n]*+)++")
# A quote behind a backslash never closes, not even behind two of them.
_QUOTED: Final = {
    "'": re.compile(r"'((?:[^']|(?<=\\)')*+)(?<!\\)'"),
    '"': re.compile(r'"((?:[^"]|(?<=\\)")*+)(?<!\\)"'),
}
_REST_OF_LINE: Final = re.compile(r"[ \t]*+(?:#[^\n]*+)?(?:\r?\n|$)")
_REPLACED: Final = re.compile(r"\\\$|\$[({]|\$[A-Z0-9_]")
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED: Final = {"n": "\n", "r": "\r"}


def parse(text: str) -> dict[str, str]:
    """Return the values by name; of equal names the last counts.

    Raises:
        ParseError: a line is no assignment, a quote stays open, or a variable would be replaced.
    """
    values: dict[str, str] = {}
    place = _skip(text, 0)
    while place < len(text):
        named = _NAME.match(text, place)
        if named is None or named[1] == "export":
            raise _refusal("a line that is no NAME=value", text, place)
        name, place = named[1], named.end()
        quoted = text[place : place + 1] in _QUOTED
        values[name], place = _quoted(text, place) if quoted else _bare(text, place)
        place = _skip(text, place)
    return values


def _skip(text: str, place: int) -> int:
    skipped = _SKIPPED.match(text, place)
    return skipped.end() if skipped else place


def _quoted(text: str, place: int) -> tuple[str, int]:
    quote = text[place]
    found = _QUOTED[quote].match(text, place)
    if found is None:
        raise _refusal("a quote that stays open", text, place)
    if _REST_OF_LINE.match(text, found.end()) is None:
        raise _refusal("text behind a closing quote", text, place)
    if quote == "'":
        return found[1], found.end()
    _refuse_variables(found[1], text, place)
    return _ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[1]), found[1]), found.end()


def _bare(text: str, place: int) -> tuple[str, int]:
    end = text.find("\n", place)
    end = len(text) if end < 0 else end
    value = text[place:end].rstrip("\r")
    comment = max(value.rfind(" #"), value.rfind("\t#"))  # the last one on the line
    value = value[: comment if comment >= 0 else None].strip()
    _refuse_variables(value, text, place)
    return value, end


def _refuse_variables(value: str, text: str, place: int) -> None:
    if _REPLACED.search(value):
        raise _refusal("a '$' that other readers take for a variable; put the value in single quotes", text, place)


def _refusal(message: str, text: str, place: int) -> ParseError:
    return ParseError(message, location=f"line {text.count(chr(10), 0, place) + 1}")
