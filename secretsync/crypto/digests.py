"""SHA-2, HMAC-SHA256, HKDF-SHA256 and comparison in constant time, from the interpreter's own modules.

`hashlib` and `hmac` load OpenSSL's library a second time, beside the one in pyca: 2 ms of a cold start that hashes a
few kilobytes. Where an interpreter was built without these modules, the standard ones serve.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from hashlib import sha256, sha512
    from hmac import compare_digest
else:
    try:
        from _operator import _compare_digest as compare_digest

        if sys.version_info >= (3, 12):  # pragma: no cover  # one way per interpreter
            from _sha2 import sha256, sha512
        else:
            from _sha256 import sha256
            from _sha512 import sha512
    except ImportError:
        from hashlib import sha256, sha512
        from hmac import compare_digest

__all__ = ["compare_digest", "hkdf_sha256", "hmac_sha256", "sha256", "sha512"]

_BLOCK: Final = 64
_SIZE: Final = 32
_INNER: Final = bytes(byte ^ 0x36 for byte in range(256))
_OUTER: Final = bytes(byte ^ 0x5C for byte in range(256))


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    """Return the 32 bytes of HMAC-SHA256 (RFC 2104)."""
    padded = (key if len(key) <= _BLOCK else sha256(key).digest()).ljust(_BLOCK, b"\0")
    return sha256(padded.translate(_OUTER) + sha256(padded.translate(_INNER) + message).digest()).digest()


def hkdf_sha256(key: bytes, *, salt: bytes, info: bytes, length: int = 32) -> bytes:
    """Return `length` bytes derived from the input key; an empty salt stands for 32 zero bytes (RFC 5869, 2.2)."""
    extracted = hmac_sha256(salt or bytes(_SIZE), key)
    block = derived = hmac_sha256(extracted, info + b"\x01")
    for number in range(2, -(-length // _SIZE) + 1):
        block = hmac_sha256(extracted, block + info + bytes((number,)))
        derived += block
    return derived[:length]
