"""What a YAML scalar means: go-yaml's resolution of plain text and of explicit tags.

It is YAML 1.2 with leftovers of 1.1, and follows no schema of the specification. Any difference on a clear leaf would
change the MAC. Source: resolve.go and decode.go of go.yaml.in/yaml/v3 at v3.0.4, the library of sops 3.13.3.
"""

from __future__ import annotations

import binascii
import re
from typing import Final

from secretsync.documents.tree import Timestamp, Value

_WORDS: Final[dict[str, Value]] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
}
_WORD_STARTS: Final = frozenset("tTfFnN~")  # go-yaml's yYoO lead to no word
_NUMBER_STARTS: Final = frozenset("+-0123456789")
# Patterns stay text until `re` compiles and keeps them at first use: most files need none, and compiling is slow.
_FLOAT: Final = r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
# Go's own float syntax, which go-yaml asks where the text starts with a point.
_DOTTED: Final = r"\.[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+(?:_[0-9]+)*)?"
_INTEGER: Final = r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]([0-7]+)|0([0-7]+)|(0|[1-9][0-9]*))"
_BASES: Final = (16, 2, 8, 8, 10)
# NOTE: go-yaml cuts `0b` and `0o` off and parses the rest with its sign, so `0b-11` is -3.
_SIGN_BEHIND_BASE: Final = r"0(?:b([-+][01]+)|o([-+][0-7]+))"
_TIMESTAMP: Final = (
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:(?:[Tt]|( +))([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[.,]([0-9]+))?(Z|([-+])([0-9]{2}):([0-9]{2}))?)?"
)
_DAYS: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_INT64_MIN: Final = -(1 << 63)
_INT64_MAX: Final = (1 << 63) - 1
_UINT64_MAX: Final = (1 << 64) - 1
_CORE: Final = "tag:yaml.org,2002:"


def resolve_plain(text: str) -> Value:
    """Return the value of a plain scalar without a tag.

    An integer above the int64 maximum and within uint64 is returned as it is: sops reads it as an unsigned integer,
    for which it has no type, so whoever encrypts or hashes it must refuse it.
    """
    first = text[:1]
    if first in _NUMBER_STARTS and first:
        return _number(text, timestamps=True)
    if first == ".":
        return _WORDS[text] if text in _WORDS else _dotted(text)
    if (first in _WORD_STARTS or not first) and text in _WORDS:
        return _WORDS[text]
    return text


def resolve_tagged(tag: str, text: str, *, plain: bool) -> Value:
    """Return the value of a scalar with the explicit `tag`, in its long form (`tag:yaml.org,2002:int`) or `!`.

    `plain` tells a plain scalar from a quoted or block one: only `!` and no other tag looks at it.

    Raises:
        ValueError: the text is not of the tag's type; the message does not hold the text.
    """
    if tag in ("", "!"):
        return resolve_plain(text) if plain else text
    kind = tag[len(_CORE) :] if tag.startswith(_CORE) else None
    if kind == "binary":
        return _binary(text)
    if kind not in ("bool", "int", "float", "null", "timestamp"):
        return text
    value = resolve_plain(text) if kind == "timestamp" or text[:1] not in _NUMBER_STARTS else _untimed(text)
    if kind == "float" and type(value) is int and value <= _INT64_MAX:
        return float(value)
    if _kind_of(value) != kind:
        raise ValueError(f"the value is not a valid !!{kind}")
    return value


def _untimed(text: str) -> Value:
    return _WORDS[text] if text in _WORDS else _number(text, timestamps=False)


def _kind_of(value: Value) -> str:
    if value is None:
        return "null"
    return "timestamp" if isinstance(value, Timestamp) else type(value).__name__


def _binary(text: str) -> str | bytes:
    try:
        raw = binascii.a2b_base64(text.replace("\n", "").replace("\r", ""), strict_mode=True)
    except (binascii.Error, ValueError):
        raise ValueError("the value of !!binary is not base64") from None
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw


def _dotted(text: str) -> str | float:
    value = _finite(text.replace("_", "")) if re.fullmatch(_DOTTED, text) else None
    return text if value is None else value


def _finite(digits: str) -> float | None:
    value = float(digits)
    return None if value in (float("inf"), float("-inf")) else value


def _number(text: str, *, timestamps: bool) -> Value:
    """Resolve a text that starts with a digit or a sign."""
    if text.isdecimal() and text.isascii() and len(text) < 19 and (text[0] != "0" or len(text) == 1):
        return int(text)
    if text in _WORDS:
        return _WORDS[text]
    if timestamps and text[4:5] == "-" and (stamp := parse_timestamp(text)) is not None:
        return stamp
    bare = text.replace("_", "")
    if (value := _integer(bare)) is not None:
        return value
    if re.fullmatch(_FLOAT, bare):
        parsed = _finite(bare)
        return text if parsed is None else parsed
    if match := re.fullmatch(_SIGN_BEHIND_BASE, bare):
        binary, octal = match.groups()
        value = int(binary, 2) if binary else int(octal, 8)
        return value if _INT64_MIN <= value <= _INT64_MAX else text
    return text


def _integer(bare: str) -> int | None:
    match = re.fullmatch(_INTEGER, bare)
    if match is None or len(bare) > 70:  # 64 binary digits, a sign and a prefix; bounds the cost of int()
        return None if match is None else _long_integer(match)
    return _bounded(match)


def _long_integer(match: re.Match[str]) -> int | None:
    digits = next(group for group in match.groups()[1:] if group is not None)
    return _bounded(match) if len(digits.lstrip("0")) <= 64 else None


def _bounded(match: re.Match[str]) -> int | None:
    index = (match.lastindex or 0) - 2
    value = int(match[index + 2], _BASES[index])
    if match[1]:
        value = -value if match[1] == "-" else value
        return value if _INT64_MIN <= value <= _INT64_MAX else None
    return value if value <= _UINT64_MAX else None


def parse_timestamp(text: str) -> Timestamp | None:
    """Return the timestamp that `text` spells, or None.

    Accepted are the four layouts of go-yaml: `T` or `t` and a zone; blanks and no zone (UTC); a date alone (UTC).
    """
    match = re.fullmatch(_TIMESTAMP, text)
    if match is None:
        return None
    year, month, day, blanks, hour, minute, second, fraction, zone, sign, zone_hour, zone_minute = match.groups()
    if hour is not None and (blanks is None) == (zone is None):
        return None
    if not _is_date(int(year), int(month), int(day)):
        return None
    if hour is None:
        return Timestamp(f"{year}-{int(month):02}-{int(day):02}T00:00:00Z")
    if int(hour) > 23 or int(minute) > 59 or int(second) > 59:
        return None
    offset = "Z"
    if sign:
        # Go takes an hour of 24 and a minute of 60 in a zone; both carry into the offset.
        minutes = int(zone_hour) * 60 + int(zone_minute)
        if int(zone_hour) > 24 or int(zone_minute) > 60:
            return None
        offset = f"{sign}{minutes // 60:02}:{minutes % 60:02}" if minutes else "Z"
    digits = (fraction or "")[:9].rstrip("0")
    clock = f"{int(hour):02}:{int(minute):02}:{int(second):02}{'.' + digits if digits else ''}"
    return Timestamp(f"{year}-{int(month):02}-{int(day):02}T{clock}{offset}")


def _is_date(year: int, month: int, day: int) -> bool:
    if not 1 <= month <= 12 or not 1 <= day <= _DAYS[month - 1]:
        return False
    return (month, day) != (2, 29) or (year % 4 == 0 and (year % 100 != 0 or year % 400 == 0))
