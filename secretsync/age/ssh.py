"""SSH keys as age recipients and identities: ssh-ed25519 and ssh-rsa, private keys encrypted or not.

Source: age agessh/agessh.go at v1.3.2 (C2SP leaves these types to it).
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256, sha512
from typing import ClassVar, Final, TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_public_key

import secretsync.age.edwards as edwards
import secretsync.age.filekey as filekey
from secretsync.age.header import Stanza, decode_base64, encode_base64
from secretsync.age.interaction import NOBODY, Interaction
from secretsync.age.protocol import Wrapped, first_opened
from secretsync.crypto.digests import hkdf_sha256
from secretsync.errors import AgeHeaderError, FormatError

PrivateKey: TypeAlias = Ed25519PrivateKey | RSAPrivateKey

_ED25519: Final = "ssh-ed25519"
_RSA: Final = "ssh-rsa"
_ED25519_INFO: Final = b"age-encryption.org/v1/ssh-ed25519"
_OAEP: Final = padding.OAEP(padding.MGF1(SHA256()), SHA256(), b"age-encryption.org/v1/ssh-rsa")
_MIN_RSA_BITS: Final = 2048
_POINT_SIZE: Final = 32


class SshRecipient:
    """An SSH public key; its text is kept as it was given, comment included."""

    __slots__ = ("_key", "_text", "_wire")

    def __init__(self, key: Ed25519PublicKey | RSAPublicKey, text: str = "") -> None:
        if isinstance(key, RSAPublicKey) and key.key_size < _MIN_RSA_BITS:
            raise FormatError(f"an RSA key of {key.key_size} bits is too short; age takes {_MIN_RSA_BITS} and more")
        self._key = key
        self._wire = wire_form(key)
        self._text = text or f"{self.kind} {b64encode(self._wire).decode('ascii')}"

    @classmethod
    def parse(cls, text: str, interaction: Interaction = NOBODY) -> SshRecipient:
        """Parse a line of an SSH public key file.

        Raises:
            FormatError: it is malformed, or of another type than ed25519 and RSA.
        """
        del interaction
        try:
            key = load_ssh_public_key(text.encode("utf-8", "replace"))
        except (ValueError, UnsupportedAlgorithm):
            raise FormatError("malformed SSH public key") from None
        if not isinstance(key, Ed25519PublicKey | RSAPublicKey):
            raise FormatError("only ssh-ed25519 and ssh-rsa keys can be age recipients")
        return cls(key, text)

    @property
    def kind(self) -> str:
        """The type of its stanzas."""
        return _ED25519 if isinstance(self._key, Ed25519PublicKey) else _RSA

    @property
    def fingerprint(self) -> str:
        """The hint in its stanzas: unpadded base64 of the first 4 bytes of the key's SHA-256."""
        return fingerprint(self._wire)

    def wrap(self, file_key: bytes) -> Wrapped:
        """Wrap the file key."""
        if isinstance(self._key, RSAPublicKey):
            return Wrapped((Stanza(_RSA, (self.fingerprint,), self._key.encrypt(file_key, _OAEP)),))
        point = edwards.to_montgomery(self._key.public_bytes_raw())
        ephemeral = X25519PrivateKey.generate()
        share = ephemeral.public_key().public_bytes_raw()
        key = _wrapping_key(ephemeral, point, share=share, point=point, wire=self._wire)
        return Wrapped((Stanza(_ED25519, (self.fingerprint, encode_base64(share)), filekey.seal(key, file_key)),))

    def __str__(self) -> str:
        return self._text


class Ed25519Identity:
    """An Ed25519 private key, used on the Montgomery form of its curve."""

    __slots__ = ("_key", "_point", "_wire", "public")
    native: ClassVar[bool] = False

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self.public = SshRecipient(key.public_key())
        self._key = X25519PrivateKey.from_private_bytes(sha512(key.private_bytes_raw()).digest()[:32])
        self._point = self._key.public_key().public_bytes_raw()
        self._wire = wire_form(key.public_key())

    def unwrap(self, stanzas: Sequence[Stanza]) -> bytes:
        """Return the file key of the first stanza that this identity opens (see `protocol.Identity`)."""
        return first_opened(stanzas, _ED25519, self._open)

    def _open(self, stanza: Stanza) -> bytes | None:
        if len(stanza.args) != 2:
            raise AgeHeaderError("an age ssh-ed25519 stanza does not have two arguments")
        share = decode_base64(stanza.args[1].encode("ascii"))
        if len(share) != _POINT_SIZE:
            raise AgeHeaderError("the share of an age ssh-ed25519 stanza is not 32 bytes")
        if stanza.args[0] != self.public.fingerprint:
            return None
        key = _wrapping_key(self._key, share, share=share, point=self._point, wire=self._wire)
        return filekey.open_sealed(key, stanza.body, stanza=_ED25519)

    def __str__(self) -> str:
        return str(self.public)


class RsaIdentity:
    """An RSA private key."""

    __slots__ = ("_key", "public")
    native: ClassVar[bool] = False

    def __init__(self, key: RSAPrivateKey) -> None:
        self.public = SshRecipient(key.public_key())
        self._key = key

    def unwrap(self, stanzas: Sequence[Stanza]) -> bytes:
        """Return the file key of the first stanza that this identity opens (see `protocol.Identity`)."""
        return first_opened(stanzas, _RSA, self._open)

    def _open(self, stanza: Stanza) -> bytes | None:
        if len(stanza.args) != 1:
            raise AgeHeaderError("an age ssh-rsa stanza does not have one argument")
        if stanza.args[0] != self.public.fingerprint:
            return None
        try:
            return self._key.decrypt(stanza.body, _OAEP)
        except ValueError:
            return None  # The fingerprint is 4 bytes and may collide with another key's.

    def __str__(self) -> str:
        return str(self.public)


def identity_of(key: PrivateKey) -> Ed25519Identity | RsaIdentity:
    """Return the identity of a private key."""
    return RsaIdentity(key) if isinstance(key, RSAPrivateKey) else Ed25519Identity(key)


def wire_form(key: Ed25519PublicKey | RSAPublicKey) -> bytes:
    """Return the key as SSH sends it (RFC 4253, 6.6), which fingerprints and salts are made of."""
    line = key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return decode_base64(line.split(b" ")[1].rstrip(b"="))


def fingerprint(wire: bytes) -> str:
    """Return the 4-byte hint of a key in wire form, as unpadded base64."""
    return encode_base64(sha256(wire).digest()[:4])


def _wrapping_key(ours: X25519PrivateKey, theirs: bytes, *, share: bytes, point: bytes, wire: bytes) -> bytes:
    """Return the key for the file key, bound to the SSH key by a tweak of the shared secret."""
    tweak = X25519PrivateKey.from_private_bytes(hkdf_sha256(b"", salt=wire, info=_ED25519_INFO))
    try:
        shared = ours.exchange(X25519PublicKey.from_public_bytes(theirs))
        tweaked = tweak.exchange(X25519PublicKey.from_public_bytes(shared))
    except ValueError:
        raise AgeHeaderError("an age ssh-ed25519 share or key is a low-order point") from None
    return hkdf_sha256(tweaked, salt=share + point, info=_ED25519_INFO)
