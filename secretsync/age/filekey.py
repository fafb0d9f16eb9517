"""The 16-byte file key: how it is wrapped under a one-time key, and the keys derived from it.

Source: C2SP age.md, "File key" and "Header MAC".
"""

from __future__ import annotations

from os import urandom
from typing import Final

from cryptography.exceptions import InvalidTag

from secretsync.age.header import Header
from secretsync.crypto.digests import compare_digest, hkdf_sha256, hmac_sha256
from secretsync.crypto.pyca import ChaCha20Poly1305
from secretsync.errors import AgeHeaderError, AgeHeaderMacError

FILE_KEY_SIZE: Final = 16
NONCE_SIZE: Final = 16
WRAPPED_SIZE: Final = FILE_KEY_SIZE + 16
_ZERO_NONCE: Final = bytes(12)


def generate() -> bytes:
    """Return a fresh file key."""
    return urandom(FILE_KEY_SIZE)


def seal(wrapping_key: bytes, file_key: bytes) -> bytes:
    """Return the file key encrypted under a 32-byte key that is used for nothing else."""
    return ChaCha20Poly1305(wrapping_key).encrypt(_ZERO_NONCE, file_key, None)


def open_sealed(wrapping_key: bytes, body: bytes, *, stanza: str) -> bytes | None:
    """Return the file key, or nothing if `body` was not encrypted under this key.

    Raises:
        AgeHeaderError: the body is not that of a 16-byte file key. Other sizes would let one body open under many keys.
    """
    if len(body) != WRAPPED_SIZE:
        raise AgeHeaderError(f"the file key in an age {stanza} stanza has the wrong size")
    try:
        return ChaCha20Poly1305(wrapping_key).decrypt(_ZERO_NONCE, body, None)
    except InvalidTag:
        return None


def header_mac(file_key: bytes, authenticated: bytes) -> bytes:
    """Return the 32-byte MAC over the header's authenticated part."""
    return hmac_sha256(hkdf_sha256(file_key, salt=b"", info=b"header"), authenticated)


def verify_header(file_key: bytes, header: Header) -> None:
    """Check the header's MAC.

    Raises:
        AgeHeaderMacError: it does not hold.
    """
    if not compare_digest(header_mac(file_key, header.authenticated), header.mac):
        raise AgeHeaderMacError("the header MAC does not hold: the age header was changed after encryption")


def payload_key(file_key: bytes, nonce: bytes) -> bytes:
    """Return the 32-byte payload key for the payload's 16-byte nonce."""
    return hkdf_sha256(file_key, salt=nonce, info=b"payload")
