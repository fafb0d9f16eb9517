"""What JSON text is told by before it is read: its first brace, and a MAC in it."""

from __future__ import annotations

from typing import Final

_BLANKS: Final = frozenset((b" ", b"\t", b"\r", b"\n", b"\v", b"\f"))
_UTF_8_BOM: Final = b"\xef\xbb\xbf"


def is_object(data: bytes) -> bool:
    """Whether it begins as a JSON object does; templates begin with two braces."""
    start = _behind_blanks(data, len(_UTF_8_BOM) if data.startswith(_UTF_8_BOM) else 0)
    return data.startswith(b"{", start) and not data.startswith(b"{{", start)


def carries_mac(data: bytes) -> bool:
    """Whether ciphertext follows a `"mac"`, whatever blanks are between."""
    start = data.find(b'"mac"')
    while start >= 0:
        end = _behind_blanks(data, start + 5)
        if data[end : end + 1] == b":":
            end = _behind_blanks(data, end + 1)
            if data.startswith(b'"ENC[', end):
                return True
        start = data.find(b'"mac"', end)
    return False


def _behind_blanks(data: bytes, position: int) -> int:
    while data[position : position + 1] in _BLANKS:
        position += 1
    return position
