"""HKDF-SHA256 (RFC 5869), the one key derivation that age, HPKE and deterministic sealing share."""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_SHA256: Final = SHA256()


def derive(key: bytes, *, salt: bytes, info: bytes, length: int = 32) -> bytes:
    """Return `length` bytes derived from the input key; an empty salt stands for 32 zero bytes (RFC 5869, 2.2)."""
    return HKDF(_SHA256, length, salt, info).derive(key)
