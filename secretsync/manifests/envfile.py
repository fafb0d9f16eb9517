r"""Lines of `NAME=value` as the `envs` of a generator are read: the dialect of KSOPS, with nothing left to chance.

`export`, `NAME: value`, comments, single and double quotes over several lines, `\n` and `\r` in double ones. What that
dialect replaces (`$NAME`) and any line it cannot read are refused: half a password is worse than none.
Source: joho/godotenv parser.go at v1.5.1.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from secretsync.errors import ParseError
from secretsync.letters import DIGITS, LETTERS

_BLANKS: Final = " \t"
_NAME: Final = frozenset(LETTERS + DIGITS + "_.")
_REPLACED: Final = frozenset(LETTERS.upper() + DIGITS + "_({")
_ESCAPED: Final = {"n": "\n", "r": "\r"}


def parse(text: str) -> dict[str, str]:
    """Return the values by name; of equal names the last counts.

    Raises:
        ParseError: a line is no assignment, a quote stays open, or a variable would be replaced.
    """
    values: dict[str, str] = {}
    place = _skip(text, 0)
    while place < len(text):
        name, place = _name(text, place)
        quoted = text[place : place + 1] in ("'", '"')
        values[name], place = _quoted(text, place) if quoted else _bare(text, place)
        place = _skip(text, place)
    return values


def _skip(text: str, place: int) -> int:
    """Return where the blanks, line breaks and comments that start at `place` end."""
    while place < len(text):
        if text[place] == "#":
            place = _line_end(text, place)
        elif text[place] in " \t\r\n":
            place += 1
        else:
            break
    return place


def _line_end(text: str, place: int) -> int:
    end = text.find("\n", place)
    return len(text) if end < 0 else end


def _behind(text: str, place: int, signs: str) -> int:
    while place < len(text) and text[place] in signs:
        place += 1
    return place


def _name(text: str, place: int) -> tuple[str, int]:
    """Return the name that is assigned to, and where its value starts."""
    start = _behind(text, place, " \t\r\n\v\f")
    if text.startswith("export", start) and text[start + 6 : start + 7] in (" ", "\t"):
        start = _behind(text, start + 6, _BLANKS)
    end = start
    while end < len(text) and text[end] in _NAME:
        end += 1
    sign = _behind(text, end, _BLANKS)
    name = text[start:end]
    if not name or name == "export" or text[sign : sign + 1] not in ("=", ":"):
        raise _refusal("a line that is not NAME=value", text, place)
    return name, _behind(text, sign + 1, _BLANKS)


def _quoted(text: str, place: int) -> tuple[str, int]:
    quote = text[place]
    end = text.find(quote, place + 1)
    while end >= 0 and text[end - 1] == "\\":  # never closes, not even behind two backslashes
        end = text.find(quote, end + 1)
    if end < 0:
        raise _refusal("a quote that stays open", text, place)
    rest = text[end + 1 : _line_end(text, end) + 1].lstrip(_BLANKS)
    if rest not in ("", "\n", "\r\n") and not rest.startswith("#"):
        raise _refusal("text behind a closing quote", text, place)
    value = text[place + 1 : end]
    if quote == "'":
        return value, end + 1
    _refuse_variables(value, text, place)
    return _unescaped(value), end + 1


def _unescaped(value: str) -> str:
    first, *behind = value.split("\\")
    escapes = iter(behind)
    # Nothing between two backslashes: the second is the one that is meant; one at the end stays.
    meant = (_ESCAPED.get(part[0], part[0]) + part[1:] if part else "\\" + next(escapes, "") for part in escapes)
    return first + "".join(meant)


def _bare(text: str, place: int) -> tuple[str, int]:
    end = _line_end(text, place)
    value = text[place:end].rstrip("\r")
    comment = max(value.rfind(" #"), value.rfind("\t#"))  # the last one on the line
    value = value[: comment if comment >= 0 else None].strip()
    _refuse_variables(value, text, place)
    return value, end


def _refuse_variables(value: str, text: str, place: int) -> None:
    first, *behind = value.split("$")
    if any(before.endswith("\\") or after[:1] in _REPLACED for before, after in pairwise((first, *behind))):
        raise _refusal("a '$' that other readers take for a variable; put the value in single quotes", text, place)


def _refusal(message: str, text: str, place: int) -> ParseError:
    return ParseError(message, location=f"line {text.count(chr(10), 0, place) + 1}")
