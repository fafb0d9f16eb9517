"""HKDF-SHA256 (RFC 5869), the one key derivation that age, HPKE and deterministic sealing share.

Two calls of HMAC: pyca's class costs six modules at a cold start and more time.
"""

from __future__ import annotations

from typing import Final

from secretsync.crypto.digests import hmac_sha256

_BLOCK: Final = 32


def derive(key: bytes, *, salt: bytes, info: bytes, length: int = 32) -> bytes:
    """Return `length` bytes derived from the input key; an empty salt stands for 32 zero bytes (RFC 5869, 2.2)."""
    extracted = hmac_sha256(salt or bytes(_BLOCK), key)
    block = derived = hmac_sha256(extracted, info + b"\x01")
    for number in range(2, -(-length // _BLOCK) + 1):
        block = hmac_sha256(extracted, block + info + bytes((number,)))
        derived += block
    return derived[:length]
