"""The few DER structures of a certificate: tag, length, value, and integers.

A reader of sixty lines replaces `cryptography.x509`, whose import costs the render path 40 modules, and which refuses
to read the extensions of the controller's own certificates
(pkg/crypto/keys.go SignKey at v0.36.6). Definite, minimal lengths only.
"""

from __future__ import annotations

from typing import Final, NamedTuple

INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
UTC_TIME: Final = 0x17
GENERALIZED_TIME: Final = 0x18
SEQUENCE: Final = 0x30
EXPLICIT_0: Final = 0xA0


class Element(NamedTuple):
    """One element: its tag, its content, and its whole encoding with tag and length."""

    tag: int
    content: bytes
    encoding: bytes


def elements(data: bytes) -> list[Element]:
    """Split `data` into the elements it consists of, nothing left over. Source: X.690, 10.1.

    Raises:
        ValueError: a length is truncated, indefinite or not minimal.
    """
    found: list[Element] = []
    offset = 0
    while offset < len(data):
        start, size = _header(data, offset)
        end = start + size
        if end > len(data):
            _refuse()
        found.append(Element(data[offset], data[start:end], data[offset:end]))
        offset = end
    return found


def only(data: bytes, tag: int) -> Element:
    """Return the only element of `data`, which must have `tag`.

    Raises:
        ValueError: there is another number of elements, or another tag.
    """
    (element,) = elements(data)
    if element.tag != tag:
        _refuse()
    return element


def unsigned(element: Element) -> int:
    """Return a non-negative INTEGER.

    Raises:
        ValueError: it is none, is negative, or not in its shortest form.
    """
    content = element.content
    if element.tag != INTEGER or not content or content[0] & 0x80 or (len(content) > 1 and content[:2] < b"\x00\x80"):
        _refuse()
    return int.from_bytes(content, "big")


def _header(data: bytes, offset: int) -> tuple[int, int]:
    """Return where the content starts and how long it is."""
    if offset + 2 > len(data) or data[offset] & 0x1F == 0x1F:
        _refuse()
    first = data[offset + 1]
    if first < 0x80:
        return offset + 2, first
    count = first & 0x7F
    start = offset + 2 + count
    encoded = data[offset + 2 : start]
    size = int.from_bytes(encoded, "big")
    if not 1 <= count <= 4 or len(encoded) != count or encoded[0] == 0 or size < 0x80:
        _refuse()
    return start, size


def _refuse() -> None:
    msg = "malformed DER"
    raise ValueError(msg)
