"""X25519 recipients (`age1…`) and identities (`AGE-SECRET-KEY-1…`). Source: C2SP age.md, "The X25519 recipient type"."""

from __future__ import annotations

from collections.abc import Sequence
from os import urandom
from typing import ClassVar, Final

import secretsync.age.filekey as filekey
from secretsync.age.header import Stanza, decode_base64, encode_base64
from secretsync.age.protocol import Wrapped, first_opened
from secretsync.crypto import bech32
from secretsync.crypto.digests import hkdf_sha256
from secretsync.crypto.pyca import x25519_private, x25519_public
from secretsync.errors import AgeHeaderError, FormatError

STANZA: Final = "X25519"
KEY_SIZE: Final = 32
_RECIPIENT_PREFIX: Final = "age"
_IDENTITY_PREFIX: Final = "AGE-SECRET-KEY-"
_INFO: Final = b"age-encryption.org/v1/X25519"


class X25519Recipient:
    """A 32-byte X25519 public key."""

    __slots__ = ("_point",)

    def __init__(self, point: bytes) -> None:
        if len(point) != KEY_SIZE:
            raise FormatError("an X25519 recipient is not 32 bytes")
        self._point = point

    @classmethod
    def parse(cls, text: str) -> X25519Recipient:
        """Parse `age1…`.

        Raises:
            FormatError: the text is no X25519 recipient.
        """
        prefix, point = bech32.decode(text)
        if prefix != _RECIPIENT_PREFIX:
            raise FormatError(f"{prefix!r} is not the prefix of an X25519 recipient")
        return cls(point)

    def wrap(self, file_key: bytes) -> Wrapped:
        """Wrap the file key under a fresh ephemeral key."""
        ephemeral = x25519_private(urandom(KEY_SIZE))
        share = ephemeral.public_key().public_bytes_raw()
        try:
            shared = ephemeral.exchange(x25519_public(self._point))
        except ValueError:
            raise FormatError("the X25519 recipient is a low-order point, which protects nothing") from None
        key = hkdf_sha256(shared, salt=share + self._point, info=_INFO)
        return Wrapped((Stanza(STANZA, (encode_base64(share),), filekey.seal(key, file_key)),))

    def __str__(self) -> str:
        return bech32.encode(_RECIPIENT_PREFIX, self._point)


class X25519Identity:
    """A 32-byte X25519 private key."""

    __slots__ = ("_key", "_point")
    native: ClassVar[bool] = True

    def __init__(self, scalar: bytes) -> None:
        if len(scalar) != KEY_SIZE:
            raise FormatError("an X25519 identity is not 32 bytes")
        self._key = x25519_private(scalar)
        self._point = self._key.public_key().public_bytes_raw()

    @classmethod
    def generate(cls) -> X25519Identity:
        """Return a fresh identity."""
        return cls(urandom(KEY_SIZE))

    @classmethod
    def parse(cls, text: str) -> X25519Identity:
        """Parse `AGE-SECRET-KEY-1…`.

        Raises:
            FormatError: the text is no X25519 identity; the message never holds it.
        """
        prefix, scalar = bech32.decode(text)
        if prefix != _IDENTITY_PREFIX:
            raise FormatError("the prefix is not that of an X25519 identity")
        return cls(scalar)

    def recipient(self) -> X25519Recipient:
        """Return the public half."""
        return X25519Recipient(self._point)

    def expose(self) -> str:
        """Return the secret text of this identity, for a key file."""
        return bech32.encode(_IDENTITY_PREFIX.lower(), self._key.private_bytes_raw()).upper()

    def unwrap(self, stanzas: Sequence[Stanza]) -> bytes:
        """Return the file key of the first X25519 stanza that this identity opens (see `protocol.Identity`)."""
        return first_opened(stanzas, STANZA, self._open)

    def _open(self, stanza: Stanza) -> bytes | None:
        if len(stanza.args) != 1:
            raise AgeHeaderError("an age X25519 stanza does not have one argument")
        share = decode_base64(stanza.args[0].encode("ascii"))
        if len(share) != KEY_SIZE:
            raise AgeHeaderError("the share of an age X25519 stanza is not 32 bytes")
        try:
            shared = self._key.exchange(x25519_public(share))
        except ValueError:
            raise AgeHeaderError("the share of an age X25519 stanza is a low-order point") from None
        key = hkdf_sha256(shared, salt=share + self._point, info=_INFO)
        return filekey.open_sealed(key, stanza.body, stanza=STANZA)

    def __str__(self) -> str:
        return str(self.recipient())

    def __repr__(self) -> str:
        return f"<X25519Identity {self}>"
