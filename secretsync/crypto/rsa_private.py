"""RSA private keys from PEM, and the OAEP decryption they do; nothing of them ever shows."""

from __future__ import annotations

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from secretsync.crypto.rsa import padding


class PrivateKey:
    """An RSA private key that opens OAEP ciphertexts, and never shows itself."""

    __slots__ = ("_key", "exponent", "modulus", "size")

    def __init__(self, key: RSAPrivateKey) -> None:
        numbers = key.public_key().public_numbers()
        self._key = key
        self.modulus = numbers.n
        self.exponent = numbers.e
        self.size = (numbers.n.bit_length() + 7) // 8

    @classmethod
    def from_pem(cls, data: bytes) -> PrivateKey:
        """Read one unencrypted PEM key, PKCS#1 or PKCS#8.

        OpenSSL's own check of a 4096-bit key costs 0.18 s, and a backup holds a hundred; what is checked instead is
        that the numbers belong together, as Go does (`rsa.PrivateKey.Validate`).

        Raises:
            ValueError: it is malformed, encrypted, of another kind, or its numbers do not belong together.
        """
        try:
            key = load_pem_private_key(data, None, unsafe_skip_rsa_key_validation=True)
        except (TypeError, UnsupportedAlgorithm) as error:
            raise ValueError(str(error)) from None
        if not isinstance(key, RSAPrivateKey):
            msg = "not an RSA key"
            raise ValueError(msg)  # noqa: TRY004  # one class for whatever is no usable key
        numbers = key.private_numbers()
        public = numbers.public_numbers
        product = numbers.d * public.e
        if numbers.p * numbers.q != public.n or product % (numbers.p - 1) != 1 or product % (numbers.q - 1) != 1:
            msg = "the numbers of the key do not belong together"
            raise ValueError(msg)
        return cls(key)

    def spki(self) -> bytes:
        """Return the DER of the public key's SubjectPublicKeyInfo."""
        return self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def decrypt(self, ciphertext: bytes, label: bytes) -> bytes:
        """Return the message. Raises: ValueError if key, label or ciphertext do not fit."""
        return self._key.decrypt(ciphertext, padding(label))

    def __repr__(self) -> str:
        return "PrivateKey(…)"

    def __reduce__(self) -> str:
        raise TypeError("a private key does not pickle itself")
