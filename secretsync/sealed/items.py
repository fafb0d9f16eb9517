"""One sealed item: a session key wrapped by RSA-OAEP under the scope's label, and the value under AES-256-GCM.

Item = base64( L || C || G ): L two bytes, big-endian, the length of C; C the OAEP ciphertext; G the GCM ciphertext with
its tag, under an all-zero nonce, which is sound only because a session key never serves twice.
Source: pkg/crypto/crypto.go (HybridEncrypt, HybridDecrypt) at v0.36.6.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, Protocol

from cryptography.exceptions import InvalidTag

from secretsync.crypto import oaep
from secretsync.crypto.pyca import AESGCM
from secretsync.late import LateModule

if TYPE_CHECKING:
    from secretsync.crypto import rsa
    from secretsync.sealed.certificate import SealingCertificate
else:
    rsa = LateModule("secretsync.crypto.rsa")  # a hook seals with derived keys, which needs none of it

_NONCE: Final = bytes(12)
_KEY_SIZE: Final = 32
_TAG_SIZE: Final = 16


class OpensItems(Protocol):
    """A private key: it undoes RSA-OAEP."""

    @property
    def size(self) -> int:
        """Bytes of the modulus."""
        ...

    def decrypt(self, ciphertext: bytes, label: bytes) -> bytes:
        """Return the message. Raises: ValueError if this is not the key, or the label not the right one."""
        ...


def seal(plaintext: bytes, certificate: SealingCertificate, label: bytes) -> str:
    """Seal a value with a fresh random session key and return the item's text."""
    key = os.urandom(_KEY_SIZE)
    wrapped = rsa.encrypt(key, label=label, modulus=certificate.modulus, exponent=certificate.exponent)
    return _join(wrapped, key, plaintext)


def seal_derived(
    plaintext: bytes, certificate: SealingCertificate, label: bytes, *, session_key: bytes, seed: bytes
) -> str:
    """Seal a value with a derived 32-byte session key and OAEP seed; both must be unique to plaintext and place."""
    wrapped = oaep.encrypt(
        session_key, label=label, seed=seed, modulus=certificate.modulus, exponent=certificate.exponent
    )
    return _join(wrapped, session_key, plaintext)


def rsa_size(item: bytes) -> int | None:
    """Return the length of the RSA part of a decoded item, or None if it is too short to hold it."""
    size = int.from_bytes(item[:2], "big")
    return size if len(item) >= 2 + size and len(item) >= 2 else None


def is_item(item: bytes) -> bool:
    """Whether a decoded item has the parts that one has, whatever they hold."""
    size = rsa_size(item)
    return bool(size) and len(item) >= 2 + (size or 0) + _TAG_SIZE


def unseal(item: bytes, keys: Iterable[OpensItems], label: bytes) -> bytes | None:
    """Open a decoded item with the first key that fits, or return None: the format has no other sign than failure."""
    size = rsa_size(item)
    if not size:
        return None
    for key in keys:
        if key.size != size:
            continue
        try:
            session_key = key.decrypt(item[2 : 2 + size], label)
            return AESGCM(session_key).decrypt(_NONCE, item[2 + size :], None)
        except (ValueError, InvalidTag):
            continue
    return None


def _join(wrapped: bytes, key: bytes, plaintext: bytes) -> str:
    sealed = AESGCM(key).encrypt(_NONCE, plaintext, None)
    return base64.b64encode(len(wrapped).to_bytes(2, "big") + wrapped + sealed).decode("ascii")
