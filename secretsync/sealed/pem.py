"""PEM blocks in a text, and the display names of an RSA key.

Text around blocks is ignored and CRLF accepted, as Go's `encoding/pem` does.
"""

from __future__ import annotations

import base64
import re
from hashlib import sha256
from typing import Final, NamedTuple

_BLOCK: Final = re.compile(rb"(?m)^-----BEGIN ([A-Z0-9 ]+)-----[ \t\r]*\n(.*?)^-----END \1-----", re.DOTALL)


class Block(NamedTuple):
    """One block: its label (`CERTIFICATE`), its decoded bytes, its own text, and whether it has headers."""

    label: str
    der: bytes
    text: bytes
    has_headers: bool


def blocks(data: bytes) -> list[Block]:
    """Return the PEM blocks of `data` in order; a block whose base64 is broken is left out, as Go does."""
    found = []
    for match in _BLOCK.finditer(data):
        body = match[2]
        has_headers = b":" in body
        try:
            der = b"" if has_headers else base64.b64decode(b"".join(body.split()), validate=True)
        except ValueError:
            continue
        found.append(Block(match[1].decode("ascii"), der, match[0] + b"\n", has_headers))
    return found


def ssh_fingerprint(modulus: int, exponent: int) -> str:
    """Return the controller's own name for a key: `SHA256:` and the unpadded base64 of its SSH form's hash.

    Source: pkg/crypto/keys.go (PublicKeyFingerprint) at v0.36.6.
    """
    wire = b"".join(len(part).to_bytes(4, "big") + part for part in (b"ssh-rsa", _mpint(exponent), _mpint(modulus)))
    return "SHA256:" + base64.b64encode(sha256(wire).digest()).decode("ascii").rstrip("=")


def _mpint(number: int) -> bytes:
    """Source: RFC 4251, section 5."""
    return number.to_bytes(number.bit_length() // 8 + 1, "big")
