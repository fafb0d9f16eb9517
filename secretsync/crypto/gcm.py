"""AES-GCM as sops uses it: 32-byte IVs when writing, IVs of any length when reading.

Randomness is drawn here. pyca refuses IVs outside 8 to 128 bytes, which Go accepts, so those few are computed from
AES-CTR and GHASH. Source: NIST SP 800-38D; sops aes/cipher.go at v3.13.3.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag

from secretsync.crypto.digests import compare_digest
from secretsync.crypto.pyca import AESGCM
from secretsync.late import LateModule

if TYPE_CHECKING:
    from cryptography.hazmat.primitives import ciphers
    from cryptography.hazmat.primitives.ciphers import algorithms, modes
else:  # for odd IVs only
    ciphers = LateModule("cryptography.hazmat.primitives.ciphers")
    algorithms = LateModule("cryptography.hazmat.primitives.ciphers.algorithms")
    modes = LateModule("cryptography.hazmat.primitives.ciphers.modes")

IV_SIZE: Final = 32
"""Bytes of a new IV. Source: sops aes/cipher.go `nonceSize`."""

TAG_SIZE: Final = 16

MOST_BY_HAND: Final = 1 << 20
"""Bytes of IV, path and ciphertext that are computed here: a tenth of a second. No sops writes such IVs."""

_COUNTER: Final = 0xFFFFFFFF
_REDUCTION: Final = 0xE1 << 120  # Source: SP 800-38D, 6.3


class OddIvError(Exception):
    """An IV of less than 8 or more than 128 bytes at a value too large for it; callers turn this into their own error."""


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
            OddIvError: the IV is of a length that pyca does not take, and there is more than `MOST_BY_HAND`.
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
        if not iv or len(sealed) < TAG_SIZE:
            raise WrongTagError
        if len(iv) + len(aad) + len(sealed) > MOST_BY_HAND:
            raise OddIvError
        ciphertext, tag = sealed[:-TAG_SIZE], sealed[-TAG_SIZE:]
        aes = algorithms.AES(self._key)
        block = ciphers.Cipher(aes, modes.ECB()).encryptor()  # one block at a time, by SP 800-38D
        tables = _tables(int.from_bytes(block.update(bytes(16))))
        start = _ghash(tables, _padded(iv) + bytes(8) + (len(iv) * 8).to_bytes(8))
        lengths = (len(aad) * 8).to_bytes(8) + (len(ciphertext) * 8).to_bytes(8)
        expected = _ghash(tables, _padded(aad) + _padded(ciphertext) + lengths) ^ int.from_bytes(
            block.update(start.to_bytes(16))
        )
        if not compare_digest(expected.to_bytes(16), tag):
            raise WrongTagError
        fixed, counter = start >> 32, (start + 1) & _COUNTER
        until_zero = 16 * (_COUNTER + 1 - counter)  # from there the counter of GCM starts anew, that of CTR carries
        return b"".join(
            ciphers.Cipher(aes, modes.CTR(((fixed << 32) | first).to_bytes(16))).encryptor().update(part)
            for first, part in ((counter, ciphertext[:until_zero]), (0, ciphertext[until_zero:]))
        )


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 16)


def _tables(h: int) -> list[list[int]]:
    """Return for each byte of a block what each of its values contributes to the product with `h`.

    Bit 0 is the most significant one. Source: SP 800-38D, 6.3.
    """
    tables = []
    for _ in range(16):
        table = [0] * 256
        for bit in range(7, -1, -1):
            table[1 << bit] = h
            h = (h >> 1) ^ (-(h & 1) & _REDUCTION)
        for byte in range(1, 256):
            table[byte] = table[byte & (byte - 1)] ^ table[byte & -byte]
        tables.append(table)
    return tables


def _ghash(tables: list[list[int]], data: bytes) -> int:
    """GHASH of SP 800-38D section 6.4."""
    state = 0
    for offset in range(0, len(data), 16):
        summed = state ^ int.from_bytes(data[offset : offset + 16])
        state = 0
        for table, byte in zip(tables, summed.to_bytes(16), strict=True):
            state ^= table[byte]
    return state
