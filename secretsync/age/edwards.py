"""From the Edwards form of Curve25519 to its Montgomery form: SSH keys are signed with the one, encrypted to the other.

Source: RFC 7748, 4.1 (the birational map), and RFC 8032, 5.1.3 (decoding).
"""

from __future__ import annotations

from typing import Final

from secretsync.errors import FormatError

_PRIME: Final = 2**255 - 19
_D: Final = -121665 * pow(121666, -1, _PRIME) % _PRIME


def to_montgomery(point: bytes) -> bytes:
    """Return the 32-byte X25519 public key of a 32-byte Ed25519 public key.

    Raises:
        FormatError: the bytes are no point of the curve.
    """
    y = int.from_bytes(point, "little") & (1 << 255) - 1
    if len(point) != 32 or y in {1, _PRIME - 1} or not _is_on_curve(y):
        raise FormatError("the Ed25519 key is not a usable point of its curve")
    return ((1 + y) * pow(1 - y, -1, _PRIME) % _PRIME).to_bytes(32, "little")


def _is_on_curve(y: int) -> bool:
    """Tell whether x² = (y² - 1) / (d·y² + 1) has a root, by Euler's criterion."""
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _PRIME) % _PRIME
    return pow(square, (_PRIME - 1) // 2, _PRIME) in {0, 1}
