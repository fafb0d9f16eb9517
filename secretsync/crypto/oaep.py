"""RSA-OAEP with an explicit seed: SHA-256, MGF1 with SHA-256, a label.

pyca/cryptography draws the seed itself, which deterministic sealing cannot use (ADR 0004). Only the public
operation stands here; Python's integers are not constant-time, so nothing secret but the message enters.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

HASH_SIZE: Final = 32
"""Bytes of SHA-256, and so of the seed."""


def encrypt(message: bytes, *, label: bytes, seed: bytes, modulus: int, exponent: int) -> bytes:
    """Encrypt `message` for the public key and return as many bytes as the modulus has.

    `seed` is 32 bytes, never used with another message under the same key. Source: RFC 8017, 7.1.1.

    Raises:
        ValueError: the seed is not 32 bytes, or the message longer than the modulus size minus 66 bytes.
    """
    size = (modulus.bit_length() + 7) // 8
    padding = size - len(message) - 2 * HASH_SIZE - 2
    if len(seed) != HASH_SIZE or padding < 0:
        msg = "an OAEP seed has 32 bytes, and the message must fit the modulus"
        raise ValueError(msg)
    block = sha256(label).digest() + bytes(padding) + b"\x01" + message
    masked_block = _xor(block, _mgf1(seed, len(block)))
    masked_seed = _xor(seed, _mgf1(masked_block, HASH_SIZE))
    encoded = int.from_bytes(b"\x00" + masked_seed + masked_block, "big")
    return pow(encoded, exponent, modulus).to_bytes(size, "big")


def _mgf1(seed: bytes, length: int) -> bytes:
    """Source: RFC 8017, B.2.1."""
    blocks = (length + HASH_SIZE - 1) // HASH_SIZE
    return b"".join(sha256(seed + index.to_bytes(4, "big")).digest() for index in range(blocks))[:length]


def _xor(left: bytes, right: bytes) -> bytes:
    return (int.from_bytes(left, "big") ^ int.from_bytes(right, "big")).to_bytes(len(left), "big")
