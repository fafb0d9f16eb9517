"""Holders that keep secrets out of `repr`, logs and tracebacks, and how a value looks that is encrypted already.

Python cannot wipe memory (docs/explanation/limitations.md); what this module prevents is the accident of printing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from secretsync.late import LateModule

if TYPE_CHECKING:
    import hmac
else:
    hmac = LateModule("hmac")  # secrets are seldom compared

CIPHERTEXT: Final = "ENC[AES256_GCM,"
"""How an encrypted value of a SOPS file begins. Source: sops aes/cipher.go at v3.13.3."""


class SecretBytes:
    """Raw secret bytes that never show themselves; `expose()` is the only way to them."""

    __slots__ = ("_raw",)

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def expose(self) -> bytes:
        """Return the raw bytes, for immediate use."""
        return self._raw

    def __len__(self) -> int:
        return len(self._raw)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretBytes) and hmac.compare_digest(self._raw, other._raw)

    def __hash__(self) -> int:
        return hash(self._raw)

    def __repr__(self) -> str:
        return "SecretBytes(…)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        raise TypeError("a secret does not format itself; use expose()")

    def __reduce__(self) -> str:
        raise TypeError("a secret does not pickle itself")
