"""The ASCII armor of age files: PEM of one fixed label, 64 columns, no headers, canonical base64.

Strictness comes from encoding again: what was decoded must give back the same text, line endings aside.
Source: C2SP age.md, "ASCII armor"; limits from age armor/armor.go at v1.3.2.
"""

from __future__ import annotations

from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from typing import Final

from secretsync.errors import AgeArmorError

BEGIN: Final = b"-----BEGIN AGE ENCRYPTED FILE-----"
END: Final = b"-----END AGE ENCRYPTED FILE-----"
LINE_BYTES: Final = 48  # 64 columns of base64
_MAX_WHITESPACE: Final = 1024


def is_armored(raw: bytes) -> bool:
    """Tell whether the text starts, white space aside, as armor does."""
    return raw[: _MAX_WHITESPACE + len(BEGIN)].lstrip().startswith(BEGIN)


def encode(raw: bytes) -> bytes:
    """Return the armored text, ending in a newline."""
    return b"".join((BEGIN, b"\n", encode_lines(raw), END, b"\n"))


def encode_lines(raw: bytes) -> bytes:
    """Return base64 lines of 64 columns, each with its newline."""
    return b"".join([b2a_base64(raw[start : start + LINE_BYTES]) for start in range(0, len(raw), LINE_BYTES)])


def decode(text: bytes) -> bytes:
    """Return the bytes inside the armor. Lines may end in CR LF; white space may surround the armor.

    Raises:
        AgeArmorError: the armor is not strictly formed.
    """
    begin, end = text.find(BEGIN), text.rfind(END)
    if begin < 0 or end < begin:
        raise AgeArmorError("the first or last line of the age armor is missing")
    _check_surroundings(before=text[:begin], after=text[end + len(END) :])
    lines = text[begin : end + len(END)].replace(b"\r\n", b"\n") + b"\n"
    try:
        raw = a2b_base64(lines[len(BEGIN) : -len(END) - 1])
    except Base64Error:
        raise AgeArmorError("the age armor holds invalid base64") from None
    if encode(raw) != lines:
        raise AgeArmorError("the age armor is not canonical base64 in lines of 64 columns")
    return raw


def _check_surroundings(*, before: bytes, after: bytes) -> None:
    if before.strip() or after.strip():
        raise AgeArmorError("there is text around the age armor")
    if len(before) > _MAX_WHITESPACE or len(after) > _MAX_WHITESPACE:
        raise AgeArmorError("there is too much white space around the age armor")
    apart = after in {b"", b"\r"} or after.startswith((b"\n", b"\r\n"))
    if not apart or (before and not before.endswith(b"\n")):
        raise AgeArmorError("there is white space on the first or last line of the age armor")
