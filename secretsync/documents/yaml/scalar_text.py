"""How one value is written in YAML: plain where no YAML 1.1 or 1.2 reader can misread it, quoted where one could.

The choice of style follows what sops' emitter does (plain, then single quotes, then double quotes, literal blocks for
lines), and is stricter where a reader other than go-yaml would see another type.
Source: go.yaml.in/yaml/v3 emitterc.go and encode.go at v3.0.5.
"""

from __future__ import annotations

import re
from binascii import b2a_base64
from functools import cache
from typing import TYPE_CHECKING, Final

from secretsync.documents.tree import Timestamp, Value, integer_text
from secretsync.errors import TreeError
from secretsync.late import LateModule

if TYPE_CHECKING:
    import math

    from secretsync.documents import go_float
else:
    math = LateModule("math")  # most documents hold no float
    go_float = LateModule("secretsync.documents.go_float")

DEFAULT_INDENT: Final = 4  # Source: sops stores/yaml IndentDefault at v3.13.3
# Starts with a letter, holds nothing that means anything to YAML: the common case, decided by one match.
_WORD: Final = re.compile(r"[A-Za-z/_][A-Za-z0-9_./@+-]*\Z")
# Words some reader takes for null, bool, merge or value, in YAML 1.1 or 1.2.
_RESERVED: Final = frozenset(
    [
        *(
            "null",
            "Null",
            "NULL",
            "~",
            "true",
            "True",
            "TRUE",
            "false",
            "False",
            "FALSE",
            "y",
            "Y",
            "n",
            "N",
            "<<",
            "=",
        ),
        *("yes", "Yes", "YES", "no", "No", "NO", "on", "On", "ON", "off", "Off", "OFF", ".nan", ".NaN", ".NAN"),
        *(".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF"),
    ]
)
# Numbers of any reader once `_` and `,` are gone: based, decimal, exponent, sexagesimal; and dates.
_NUMBER: Final = re.compile(
    r"[-+]?(?:0[xX][0-9a-fA-F]*|0[oO]?[0-7]*|0[bB][01]*|[0-9]+(?:\.[0-9.]*)?(?:[eE][-+]?[0-9]+)?|\.[0-9]*(?:[eE][-+]?[0-9]+)?"
    r"|[0-9]+(?::[0-9]{1,2})+(?:\.[0-9]*)?)\Z"
)
_DOTTED: Final = re.compile(r"[0-9]+\.[0-9]+\.[0-9.]+\Z")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \t]|\Z)")
# What forbids the plain style in a block: an indicator first, `: ` or ` #` inside, an odd blank or break anywhere.
_NOT_PLAIN: Final = re.compile(r"\A[,\[\]{}#&*!|>'\"%@`?:]|\A-(?:\s|\Z)|\A---|\A\.\.\.|\A\s|\s\Z|:(?:\s|\Z)|\s#")
_FLOW_INDICATOR: Final = re.compile(r"[,\[\]{}:?#]")
# What only double quotes can hold; a line feed is left out. Non-BMP as in sops; NEL, LS, PS and BOM are breaks to some.
# Each wide class takes 3 ms to compile, a tenth of a cold start: `_wide` does so once a text that is not ASCII asks.
_ESCAPED: Final = r"[^\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd]"
_TO_ESCAPE: Final = r'["\\]|[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd]'
_TO_ESCAPE_ASCII: Final = re.compile(r'["\\\x00-\x1f\x7f]')
_SHORT: Final = {
    '"': '\\"', "\\": "\\\\", "\0": "\\0", "\a": "\\a", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\v": "\\v",
    "\f": "\\f", "\r": "\\r", "\x1b": "\\e", "\x85": "\\N", "\u2028": "\\L", "\u2029": "\\P",
}  # fmt: skip
_LINES: Final = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_UNPRINTABLE: Final = r"[^\t\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"


def is_ambiguous(text: str) -> bool:
    """Whether some YAML 1.1 or 1.2 reader takes the plain `text` for anything but a string."""
    if not text or text in _RESERVED:
        return True
    if text[0] not in "0123456789+-.":
        return False
    bare = text.replace("_", "").replace(",", "")
    if _DATE.match(text):
        return True
    return bool(not bare or bare in "+-." or (_NUMBER.match(bare) and not _DOTTED.match(bare)))


def inline(text: str, *, flow: bool = False) -> str:
    """Return the string `text` on one line: plain, single-quoted or double-quoted."""
    if _WORD.match(text):
        return f'"{text}"' if text in _RESERVED else text
    if "\n" in text or _must_be_escaped(text):
        return double_quoted(text)
    if is_ambiguous(text):
        return double_quoted(text)
    if _NOT_PLAIN.search(text) or (flow and _FLOW_INDICATOR.search(text)):
        return "'" + text.replace("'", "''") + "'"
    return text


def double_quoted(text: str) -> str:
    """Return `text` in double quotes, on one line, with everything unprintable escaped."""
    pattern = _TO_ESCAPE_ASCII if text.isascii() else _wide(_TO_ESCAPE)
    return '"' + pattern.sub(_escape, text) + '"'


def _must_be_escaped(text: str) -> bool:
    """Whether `text` holds a character, other than a line feed, that only double quotes can carry."""
    if text.isascii():
        return not text.replace("\n", "").isprintable()
    return _wide(_ESCAPED).search(text) is not None


@cache
def _wide(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    short = _SHORT.get(char)
    if short is not None:
        return short
    code = ord(char)
    if 0xD800 <= code <= 0xDFFF:
        raise TreeError("a string holds an unpaired surrogate, which UTF-8 cannot carry")
    return f"\\x{code:02X}" if code < 0x100 else f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"


def fits_literal(text: str) -> bool:
    """Whether `text` has lines and a literal block holds it unharmed for every reader."""
    if "\n" not in text or _must_be_escaped(text.replace("\t", " ")):
        return False
    body = text.rstrip("\n")
    return bool(body) and body[0] != "\t" and body[-1] not in " \t" and " \n" not in text and "\t\n" not in text


def literal(text: str, *, parent: int, indent: int, newline: str = "\n") -> tuple[str, str]:
    """Return the header and the body of a literal block whose lines stand at column `indent`.

    `parent` is the column of the collection that holds the value; the digit of the header counts from there. The body
    starts with a line break and ends without one, except for kept blank lines.
    """
    digit = str(indent - parent) if text[0] in " \n" else ""
    body = text.rstrip("\n")
    kept = len(text) - len(body)
    chomp = "-" if kept == 0 else "" if kept == 1 else "+"
    pad = " " * indent
    lines = [newline + pad + line if line else newline for line in body.split("\n")]
    return "|" + digit + chomp, "".join(lines) + newline * max(kept - 1, 0)


def scalar(value: Value, *, flow: bool = False) -> str:
    """Return any value on one line, tag included. Bytes that are UTF-8 are a string."""
    if type(value) is str:
        return inline(value, flow=flow)
    if value is None:
        return "null"
    if isinstance(value, int):
        return integer_text(value)
    if isinstance(value, float):
        return float_text(value)
    if isinstance(value, Timestamp):
        return value.text
    assert isinstance(value, bytes)
    try:
        return inline(value.decode(), flow=flow)
    except UnicodeDecodeError:
        return "!!binary " + (b2a_base64(value, newline=False).decode() or '""')


def float_text(value: float) -> str:
    """Return a float as go-yaml writes it: shortest form, exponent below 1e-4 and from 1e6 (Go strconv 'g', -1).

    Minus zero is `-0.0`: sops writes `-0`, which it reads back as an integer and refuses.
    """
    if math.isnan(value):
        return ".nan"
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    if value == 0:
        return "-0.0" if math.copysign(1, value) < 0 else "0"
    return go_float.general(value)


def comment_lines(text: str) -> list[str]:
    """Return a comment as lines that start with `#`; no text can break out of its comment."""
    lines = _LINES.split(text)
    if text.isascii() and all(line.replace("\t", "").isprintable() for line in lines):
        return ["#" + line for line in lines]
    return ["#" + _wide(_UNPRINTABLE).sub("\ufffd", line) for line in lines]


def encoded(text: str) -> bytes:
    """Return `text` in UTF-8. Raises: TreeError if a string holds an unpaired surrogate."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise TreeError("a string holds an unpaired surrogate, which UTF-8 cannot carry") from None
