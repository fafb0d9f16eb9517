"""Shamir's secret sharing over GF(2^8), as sops splits a data key between its key groups.

Each byte of the secret is the constant term of a random polynomial of its own. A share is one y byte per secret byte,
followed by the one x byte (group index + 1). Source: sops shamir/shamir.go at v3.13.3.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from itertools import combinations
from typing import Final

POLYNOMIAL: Final = 0x11B
"""x^8+x^4+x^3+x+1, the field of AES. Source: sops shamir/shamir.go `mult`."""

MAX_SHARES: Final = 255
"""x is one byte and never 0. Source: sops shamir/shamir.go `Split`."""


def split(secret: bytes, *, parts: int, threshold: int) -> list[bytes]:
    """Split `secret` into `parts` shares of `len(secret) + 1` bytes, of which any `threshold` give it back.

    Raises:
        ValueError: the secret is empty, or not 2 <= threshold <= parts <= 255.
    """
    if not secret:
        raise ValueError("cannot split an empty secret")
    if not 2 <= threshold <= parts <= MAX_SHARES:
        raise ValueError(f"the threshold must be between 2 and the number of shares: {threshold} of {parts}")
    polynomials = [bytes([byte]) + secrets.token_bytes(threshold - 1) for byte in secret]
    return [bytes([*(_evaluate(each, x) for each in polynomials), x]) for x in range(1, parts + 1)]


def combine(shares: Sequence[bytes]) -> bytes:
    """Return the secret from at least two shares; too few or foreign shares give a wrong secret, not an error.

    Raises:
        ValueError: fewer than two shares, unequal or too short ones, or two of the same x.
    """
    return share_at(shares, 0)[:-1]


def share_at(shares: Sequence[bytes], x: int) -> bytes:
    """Return the share at `x` from enough others, its x byte at the end; at 0 stands the secret. Raises: as `combine`."""
    if len(shares) < 2:
        raise ValueError("less than two parts cannot be used to reconstruct the secret")
    if len({len(share) for share in shares}) != 1 or len(shares[0]) < 2:
        raise ValueError("all parts must be of the same length, two bytes or more")
    xs = [share[-1] for share in shares]
    if any(a == b for a, b in combinations(xs, 2)):
        raise ValueError("duplicate part detected")
    weights = [_weight(own, [other for other in xs if other != own], at=x) for own in xs]
    secret = bytearray(len(shares[0]) - 1)
    for share, weight in zip(shares, weights, strict=True):
        for position in range(len(secret)):
            secret[position] ^= _multiply(share[position], weight)
    return bytes([*secret, x])


def _weight(own: int, others: list[int], *, at: int) -> int:
    """Return the Lagrange weight of the share at `own` for the value at `at`."""
    weight = 1
    for other in others:
        weight = _multiply(weight, _multiply(at ^ other, _inverse(own ^ other)))
    return weight


def _evaluate(polynomial: bytes, x: int) -> int:
    """Return the polynomial at `x`; the constant term comes first."""
    result = 0
    for coefficient in reversed(polynomial):
        result = _multiply(result, x) ^ coefficient
    return result


def _multiply(a: int, b: int) -> int:
    """Multiply in the field with neither table nor branch that depends on a secret (GHSA-vq4h-9ghm-qmrr)."""
    product = 0
    for bit in range(7, -1, -1):
        product = (product << 1) ^ (-(product >> 7) & POLYNOMIAL)
        product ^= -((b >> bit) & 1) & a
    return product


def _inverse(a: int) -> int:
    """Return a^254, the inverse of a non-zero element."""
    result = 1
    for _ in range(7):
        a = _multiply(a, a)
        result = _multiply(result, a)
    return result
