"""Post-quantum recipients (`age1pq1…`) and identities (`AGE-SECRET-KEY-PQ-1…`): HPKE with MLKEM768-X25519.

Source: C2SP age.md, "The mlkem768x25519 recipient type"; HPKE (RFC 9180) with draft-ietf-hpke-pq for the KEM.
"""

from __future__ import annotations

from collections.abc import Sequence
from os import urandom
from typing import ClassVar, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHAKE256, Hash
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from secretsync.age.filekey import WRAPPED_SIZE
from secretsync.age.header import Stanza, decode_base64, encode_base64
from secretsync.age.interaction import NOBODY, Interaction
from secretsync.age.protocol import Wrapped, first_opened
from secretsync.crypto import bech32
from secretsync.errors import AgeHeaderError, FormatError

STANZA: Final = "mlkem768x25519"
_RECIPIENT_PREFIX: Final = "age1pq"
_IDENTITY_PREFIX: Final = "AGE-SECRET-KEY-PQ-"
_INFO: Final = b"age-encryption.org/mlkem768x25519"
_LABELS: Final = frozenset({"postquantum"})
_SEED_SIZE: Final = 32
_MLKEM_SEED_SIZE: Final = 64
_MLKEM_KEY_SIZE: Final = 1184
_MLKEM_CIPHERTEXT_SIZE: Final = 1088
_POINT_SIZE: Final = 32
_SUITE: Final = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)


class HybridRecipient:
    """A 1184-byte ML-KEM-768 key followed by a 32-byte X25519 key."""

    __slots__ = ("_key", "_raw")

    def __init__(self, raw: bytes) -> None:
        if len(raw) != _MLKEM_KEY_SIZE + _POINT_SIZE:
            raise FormatError("a post-quantum recipient is not 1216 bytes")
        try:
            self._key = MLKEM768X25519PublicKey(
                MLKEM768PublicKey.from_public_bytes(raw[:_MLKEM_KEY_SIZE]),
                X25519PublicKey.from_public_bytes(raw[_MLKEM_KEY_SIZE:]),
            )
        except ValueError:
            raise FormatError("the post-quantum recipient is not a valid public key") from None
        self._raw = raw

    @classmethod
    def parse(cls, text: str, interaction: Interaction = NOBODY) -> HybridRecipient:
        """Parse `age1pq1…`.

        Raises:
            FormatError: the text is no post-quantum recipient.
        """
        del interaction
        prefix, raw = bech32.decode(text)
        if prefix != _RECIPIENT_PREFIX:
            raise FormatError(f"{prefix[:24]!r} is not the prefix of a post-quantum recipient")
        return cls(raw)

    def wrap(self, file_key: bytes) -> Wrapped:
        """Wrap the file key; the label keeps classic recipients out of the same file."""
        sealed = _SUITE.encrypt(file_key, self._key, _INFO)
        encapsulated, body = sealed[:-WRAPPED_SIZE], sealed[-WRAPPED_SIZE:]
        return Wrapped((Stanza(STANZA, (encode_base64(encapsulated),), body),), _LABELS)

    def __str__(self) -> str:
        return bech32.encode(_RECIPIENT_PREFIX, self._raw)


class HybridIdentity:
    """A 32-byte seed that both private keys are expanded from."""

    __slots__ = ("_classic", "_key", "_raw_public", "_seed")
    native: ClassVar[bool] = True

    def __init__(self, seed: bytes) -> None:
        if len(seed) != _SEED_SIZE:
            raise FormatError("a post-quantum identity is not 32 bytes")
        expansion = Hash(SHAKE256(_MLKEM_SEED_SIZE + _POINT_SIZE))
        expansion.update(seed)
        expanded = expansion.finalize()
        lattice = MLKEM768PrivateKey.from_seed_bytes(expanded[:_MLKEM_SEED_SIZE])
        self._classic = X25519PrivateKey.from_private_bytes(expanded[_MLKEM_SEED_SIZE:])
        self._key = MLKEM768X25519PrivateKey(lattice, self._classic)
        self._raw_public = lattice.public_key().public_bytes_raw() + self._classic.public_key().public_bytes_raw()
        self._seed = seed

    @classmethod
    def generate(cls) -> HybridIdentity:
        """Return a fresh identity."""
        return cls(urandom(_SEED_SIZE))

    @classmethod
    def parse(cls, text: str, interaction: Interaction = NOBODY) -> HybridIdentity:
        """Parse `AGE-SECRET-KEY-PQ-1…`.

        Raises:
            FormatError: the text is no post-quantum identity; the message never holds it.
        """
        del interaction
        prefix, seed = bech32.decode(text)
        if prefix != _IDENTITY_PREFIX:
            raise FormatError("the prefix is not that of a post-quantum identity")
        return cls(seed)

    def recipient(self) -> HybridRecipient:
        """Return the public half."""
        return HybridRecipient(self._raw_public)

    def expose(self) -> str:
        """Return the secret text of this identity, for a key file."""
        return bech32.encode(_IDENTITY_PREFIX.lower(), self._seed).upper()

    def unwrap(self, stanzas: Sequence[Stanza]) -> bytes:
        """Return the file key of the first hybrid stanza that this identity opens (see `protocol.Identity`)."""
        return first_opened(stanzas, STANZA, self._open)

    def _open(self, stanza: Stanza) -> bytes | None:
        if len(stanza.args) != 1:
            raise AgeHeaderError("an age mlkem768x25519 stanza does not have one argument")
        encapsulated = decode_base64(stanza.args[0].encode("ascii"))
        if len(encapsulated) != _MLKEM_CIPHERTEXT_SIZE + _POINT_SIZE:
            raise AgeHeaderError("the share of an age mlkem768x25519 stanza is not 1120 bytes")
        if len(stanza.body) != WRAPPED_SIZE:
            raise AgeHeaderError("the file key in an age mlkem768x25519 stanza has the wrong size")
        self._refuse_low_order(encapsulated[_MLKEM_CIPHERTEXT_SIZE:])
        try:
            return _SUITE.decrypt(encapsulated + stanza.body, self._key, _INFO)
        except InvalidTag:
            return None

    def _refuse_low_order(self, point: bytes) -> None:
        """Tell a low-order point from a wrong key, which HPKE itself does not."""
        try:
            self._classic.exchange(X25519PublicKey.from_public_bytes(point))
        except ValueError:
            raise AgeHeaderError("the share of an age mlkem768x25519 stanza is a low-order point") from None

    def __str__(self) -> str:
        return str(self.recipient())

    def __repr__(self) -> str:
        return f"<HybridIdentity {str(self)[:24]}…>"
