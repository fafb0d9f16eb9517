"""HKDF-SHA256 (RFC 5869), the one key derivation that age, HPKE and deterministic sealing share.

Two calls of HMAC from the standard library: pyca's class costs six modules at a cold start and four times the time.
"""

from __future__ import annotations

from hmac import digest
from typing import Final

_BLOCK: Final = 32


def derive(key: bytes, *, salt: bytes, info: bytes, length: int = 32) -> bytes:
    """Return `length` bytes derived from the input key; an empty salt stands for 32 zero bytes (RFC 5869, 2.2)."""
    extracted = digest(salt or bytes(_BLOCK), key, "sha256")
    block = derived = digest(extracted, info + b"\x01", "sha256")
    for number in range(2, -(-length // _BLOCK) + 1):
        block = digest(extracted, block + info + bytes((number,)), "sha256")
        derived += block
    return derived[:length]
