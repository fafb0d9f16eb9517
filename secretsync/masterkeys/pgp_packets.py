"""The one thing that an OpenPGP message says without being opened: which keys it is for. Source: RFC 9580 4.2, 5.1, 6."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Final

_PKESK: Final = 1  # packet type: public key encrypted session key
_NEW_FORMAT: Final = 0x40
_TWO_BYTES, _PARTIAL = 192, 224  # first bytes of longer lengths in the new format; RFC 9580 4.2.1
_KEY_ID: Final = slice(1, 9)  # behind the version byte of a version 3 packet


def key_id(armored: str) -> str:
    """Return the key id of an armored message's first packet, 16 upper-case digits; empty where it does not say."""
    return next(iter(key_ids(armored)), "")


def key_ids(armored: str) -> list[str]:
    """Return the key ids that an armored message is for, one for each packet; an empty one where a packet does not say.

    Nothing is returned for what is no such message.
    """
    body = armored.partition("-----BEGIN PGP MESSAGE-----")[2].partition("-----END PGP MESSAGE-----")[0]
    lines = body.replace("\r", "").partition("\n\n")[2].splitlines()
    text = "".join(line for line in lines if not line.startswith("="))
    try:
        return [_id_of(packet) for packet in _session_keys(base64.b64decode(text))]
    except (binascii.Error, IndexError):
        return []


def _id_of(packet: bytes) -> str:
    found = packet[_KEY_ID].hex().upper() if packet[:1] == b"\x03" else ""
    return found if found.strip("0") else ""


def _session_keys(raw: bytes) -> Iterator[bytes]:
    """Yield the packets with which a message starts, as long as they hold session keys."""
    at = 0
    while at < len(raw):
        kind, start, size = _head(raw, at)
        if kind != _PKESK:
            return
        yield raw[start : start + size]
        at = start + size


def _head(raw: bytes, at: int) -> tuple[int, int, int]:
    """Return the type of the packet at `at`, where its body starts and how long it is. Raises: IndexError."""
    tag, first = raw[at], raw[at + 1]
    if not tag & _NEW_FORMAT:
        width = (1, 2, 4, 0)[tag & 3]
        size = int.from_bytes(raw[at + 1 : at + 1 + width], "big") if width else len(raw) - at - 1
        return (tag >> 2) & 0x0F, at + 1 + width, size
    if first < _TWO_BYTES:
        return tag & 0x3F, at + 2, first
    if first < _PARTIAL:
        return tag & 0x3F, at + 3, ((first - _TWO_BYTES) << 8) + raw[at + 2] + _TWO_BYTES
    return tag & 0x3F, at + 6, int.from_bytes(raw[at + 2 : at + 6], "big")
