"""SHA-2, HMAC-SHA256 and comparison in constant time, from the interpreter's own modules.

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

        if sys.version_info >= (3, 12):
            from _sha2 import sha256, sha512
        else:
            from _sha256 import sha256
            from _sha512 import sha512
    except ImportError:
        from hashlib import sha256, sha512
        from hmac import compare_digest

__all__ = ["compare_digest", "hmac_sha256", "sha256", "sha512"]

_BLOCK: Final = 64
_INNER: Final = bytes(byte ^ 0x36 for byte in range(256))
_OUTER: Final = bytes(byte ^ 0x5C for byte in range(256))


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    """Return the 32 bytes of HMAC-SHA256 (RFC 2104)."""
    padded = (key if len(key) <= _BLOCK else sha256(key).digest()).ljust(_BLOCK, b"\0")
    return sha256(padded.translate(_OUTER) + sha256(padded.translate(_INNER) + message).digest()).digest()
