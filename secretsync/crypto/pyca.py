"""The four pyca entry points of the hot path, taken from where they live.

pyca's public modules import its whole OpenSSL backend (RSA, EC, random, threading …) before the first X25519 key, and
its block cipher classes with the AEADs: 27 modules and 6 ms of a cold start. The objects are the very same. A release
that moves them is met by the public modules below; versions are pinned in pyproject.toml.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

    x25519_private = X25519PrivateKey.from_private_bytes
    x25519_public = X25519PublicKey.from_public_bytes
else:
    try:
        from cryptography.hazmat.bindings._rust import openssl

        AESGCM, ChaCha20Poly1305 = openssl.aead.AESGCM, openssl.aead.ChaCha20Poly1305
        x25519_private, x25519_public = openssl.x25519.from_private_bytes, openssl.x25519.from_public_bytes
    except (ImportError, AttributeError):
        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

        x25519_private = X25519PrivateKey.from_private_bytes
        x25519_public = X25519PublicKey.from_public_bytes

__all__ = ["AESGCM", "ChaCha20Poly1305", "x25519_private", "x25519_public"]
