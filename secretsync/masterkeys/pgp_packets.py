"""The one thing that an OpenPGP message says without being opened: which key it is for. Source: RFC 9580 4.2, 5.1, 6."""

from __future__ import annotations

import base64
import binascii
from typing import Final

_PKESK: Final = 1  # packet type: public key encrypted session key
_NEW_FORMAT: Final = 0x40
_KEY_ID: Final = slice(1, 9)  # behind the version byte of a version 3 packet


def key_id(armored: str) -> str:
    """Return the key id of an armored message's first packet, 16 upper-case digits; empty where it does not say."""
    body = armored.partition("-----BEGIN PGP MESSAGE-----")[2].partition("-----END PGP MESSAGE-----")[0]
    lines = body.replace("\r", "").partition("\n\n")[2].splitlines()
    text = "".join(line for line in lines if not line.startswith("="))
    try:
        raw = base64.b64decode(text)
        packet = _first_packet(raw)
    except (binascii.Error, IndexError):
        return ""
    found = packet[_KEY_ID].hex().upper() if packet[:1] == b"\x03" else ""
    return found if found.strip("0") else ""


def _first_packet(raw: bytes) -> bytes:
    tag, first = raw[0], raw[1]
    if tag & _NEW_FORMAT:
        kind = tag & 0x3F
        start = 2 if first < 192 else 3 if first < 224 else 6
    else:
        kind = (tag >> 2) & 0x0F
        start = 1 + (1, 2, 4, 0)[tag & 3]
    return raw[start:] if kind == _PKESK else b""
