"""AES-GCM as sops uses it: 32-byte IVs when writing, IVs of any length when reading.

Randomness is drawn here. pyca refuses IVs outside 8 to 128 bytes, which Go accepts, so those few are computed from
AES-CTR and GHASH. Source: NIST SP 800-38D; sops aes/cipher.go at v3.13.3.
"""

from __future__ import annotations

import os
from typing import Final

from cryptography.exceptions import InvalidTag

from secretsync.crypto.pyca import AESGCM

IV_SIZE: Final = 32
"""Bytes of a new IV. Source: sops aes/cipher.go `nonceSize`."""

TAG_SIZE: Final = 16


class WrongTagError(Exception):
    """The ciphertext does not authenticate; callers turn this into their own error."""


class Gcm:
    """One AES key (16, 24 or 32 bytes) with its cipher set up once."""

    __slots__ = ("_key", "_open", "_seal")

    def __init__(self, key: bytes) -> None:
        cipher = AESGCM(key)
        self._key = key
        self._open = cipher.decrypt
        self._seal = cipher.encrypt

    def open(self, iv: bytes, sealed: bytes, aad: bytes) -> bytes:
        """Return the plaintext of `sealed`, which is ciphertext and 16-byte tag.

        Raises:
            WrongTagError: anything of key, IV, ciphertext, tag or additional data is not what was sealed.
        """
        try:
            return self._open(iv, sealed, aad)
        except InvalidTag:
            raise WrongTagError from None
        except ValueError:
            return self._open_odd(iv, sealed, aad)

    def seal(self, plaintext: bytes, aad: bytes, *, reuse_iv: bytes | None = None) -> tuple[bytes, bytes]:
        """Return (IV, ciphertext and tag) under a fresh 32-byte IV.

        `reuse_iv` is for re-encryption only: an IV that protected this plaintext under this additional data before.
        """
        iv = os.urandom(IV_SIZE) if reuse_iv is None else reuse_iv
        return iv, self._seal(iv, plaintext, aad)

    def _open_odd(self, iv: bytes, sealed: bytes, aad: bytes) -> bytes:
        from hmac import compare_digest

        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        if not iv or len(sealed) < TAG_SIZE:
            raise WrongTagError
        ciphertext, tag = sealed[:-TAG_SIZE], sealed[-TAG_SIZE:]
        block = Cipher(algorithms.AES(self._key), modes.ECB()).encryptor()  # noqa: S305  # one block at a time, by SP 800-38D
        h = int.from_bytes(block.update(bytes(16)))
        start = _ghash(h, _padded(iv) + bytes(8) + (len(iv) * 8).to_bytes(8))
        lengths = (len(aad) * 8).to_bytes(8) + (len(ciphertext) * 8).to_bytes(8)
        expected = _ghash(h, _padded(aad) + _padded(ciphertext) + lengths) ^ int.from_bytes(
            block.update(start.to_bytes(16))
        )
        if not compare_digest(expected.to_bytes(16), tag):
            raise WrongTagError
        fixed, counter = start >> 32, start & 0xFFFFFFFF
        plaintext = bytearray()
        for offset in range(0, len(ciphertext), 16):
            counter = (counter + 1) & 0xFFFFFFFF
            pad = block.update(((fixed << 32) | counter).to_bytes(16))
            plaintext += bytes(a ^ b for a, b in zip(ciphertext[offset : offset + 16], pad, strict=False))
        return bytes(plaintext)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 16)


def _ghash(h: int, data: bytes) -> int:
    """GHASH of SP 800-38D section 6.4; bit 0 is the most significant one."""
    state = 0
    for offset in range(0, len(data), 16):
        state ^= int.from_bytes(data[offset : offset + 16])
        product, factor = 0, h
        for bit in range(127, -1, -1):
            product ^= -((state >> bit) & 1) & factor
            factor = (factor >> 1) ^ (-(factor & 1) & (0xE1 << 120))
        state = product
    return state
