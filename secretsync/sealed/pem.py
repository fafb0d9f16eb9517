"""PEM blocks in a text, and the display names of an RSA key.

Text around blocks is ignored and CRLF accepted, as Go's `encoding/pem` does.
"""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Iterator
from hashlib import sha256
from typing import Final, NamedTuple

_BEGIN: Final = b"-----BEGIN "
_END: Final = b"-----END "
_DASHES: Final = b"-----"
_LABEL: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 "


class Block(NamedTuple):
    """One block: its label (`CERTIFICATE`), its decoded bytes, its own text, and whether it has headers."""

    label: str
    der: bytes
    text: bytes
    has_headers: bool


def blocks(data: bytes) -> list[Block]:
    """Return the PEM blocks of `data` in order; a block whose base64 is broken is left out, as Go does."""
    found = []
    for label, start, body, end in _bounds(data):
        inside = data[body:end]
        has_headers = b":" in inside
        try:
            der = b"" if has_headers else base64.b64decode(b"".join(inside.split()), validate=True)
        except ValueError:
            continue
        name = label.decode("ascii")
        found.append(Block(name, der, data[start:end] + f"-----END {name}-----\n".encode(), has_headers))
    return found


def _bounds(data: bytes) -> Iterator[tuple[bytes, int, int, int]]:
    """Yield the label of each block, and where it begins, its body begins, and its end line begins."""
    begins: list[tuple[bytes, int, int]] = []
    ends: defaultdict[bytes, list[int]] = defaultdict(list)
    start = 0
    for line in data.split(b"\n") if _BEGIN in data else ():
        behind = start + len(line) + 1
        label, dashes, rest = line[len(_BEGIN) :].partition(_DASHES)
        if line.startswith(_BEGIN) and label and not label.strip(_LABEL) and dashes and not rest.strip(b" \t\r"):
            begins.append((label, start, behind))
        elif line.startswith(_END):
            name, dashes, _ = line[len(_END) :].partition(_DASHES)
            if dashes:
                ends[name].append(start)
        start = behind
    for positions in ends.values():
        positions.reverse()
    position = 0
    for label, begin, body in begins:
        candidates = ends[label]
        while candidates and candidates[-1] < body:
            candidates.pop()
        if begin >= position and candidates:
            position = candidates[-1]
            yield label, begin, body, position


def ssh_fingerprint(modulus: int, exponent: int) -> str:
    """Return the controller's own name for a key: `SHA256:` and the unpadded base64 of its SSH form's hash.

    Source: pkg/crypto/keys.go (PublicKeyFingerprint) at v0.36.6.
    """
    wire = b"".join(len(part).to_bytes(4, "big") + part for part in (b"ssh-rsa", _mpint(exponent), _mpint(modulus)))
    return "SHA256:" + base64.b64encode(sha256(wire).digest()).decode("ascii").rstrip("=")


def _mpint(number: int) -> bytes:
    """Source: RFC 4251, section 5."""
    return number.to_bytes(number.bit_length() // 8 + 1, "big")
