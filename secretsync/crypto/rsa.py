"""RSA-OAEP with SHA-256 by OpenSSL, with a random seed: the public operation.

Loaded only where a seed must be random; private keys, which cost the most modules, are in `rsa_private`.
"""

from __future__ import annotations

from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256


def encrypt(message: bytes, *, label: bytes, modulus: int, exponent: int) -> bytes:
    """Encrypt `message` for the public key with a random seed."""
    return _public_key(modulus, exponent).encrypt(message, padding(label))


def padding(label: bytes) -> OAEP:
    """Return OAEP as sealed items use it: SHA-256, MGF1 with SHA-256, and a label."""
    return OAEP(mgf=MGF1(SHA256()), algorithm=SHA256(), label=label)


@lru_cache(maxsize=8)
def _public_key(modulus: int, exponent: int) -> RSAPublicKey:
    return RSAPublicNumbers(exponent, modulus).public_key()
