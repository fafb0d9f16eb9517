"""SSH private key files as age identities: OpenSSH's own form and PEM. Encrypted ones ask only once a stanza matches."""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Sequence
from typing import ClassVar, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

from secretsync.age.header import Stanza
from secretsync.age.interaction import Interaction
from secretsync.age.protocol import Identity
from secretsync.age.ssh import PrivateKey, SshRecipient, identity_of
from secretsync.errors import FormatError, IncorrectIdentityError, MissingDependencyError
from secretsync.privatekeys import OPENSSH_MAGIC

_OPENSSH_BEGIN: Final = b"-----BEGIN OPENSSH PRIVATE KEY-----"
_OPENSSH_END: Final = b"-----END OPENSSH PRIVATE KEY-----"
_ENCRYPTED_PEM: Final = (b"Proc-Type: 4,ENCRYPTED", b"BEGIN ENCRYPTED PRIVATE KEY")


class EncryptedSshIdentity:
    """An encrypted private key whose public half is known; asks for the passphrase at the first matching stanza."""

    native: ClassVar[bool] = False

    def __init__(self, raw: bytes, public: SshRecipient, name: str, interaction: Interaction) -> None:
        self._raw = raw
        self.public = public
        self._name = name
        self._interaction = interaction
        self._opened: Identity | None = None

    def unwrap(self, stanzas: Sequence[Stanza]) -> bytes:
        """Return the file key of the first stanza that this identity opens (see `protocol.Identity`)."""
        if self._opened is None:
            hint = self.public.fingerprint
            if not any(stanza.type == self.public.kind and stanza.args[:1] == (hint,) for stanza in stanzas):
                raise IncorrectIdentityError(f"no {self.public.kind} stanza is for it")
            self._opened = self._decrypted()
        return self._opened.unwrap(stanzas)

    def _decrypted(self) -> Identity:
        passphrase = self._interaction.ask(f"Passphrase of {self._name}: ")
        identity = identity_of(_loaded(self._raw, passphrase.encode("utf-8")))
        if identity.public.fingerprint != self.public.fingerprint:
            raise FormatError("the private key does not belong to its public key", location=self._name)
        return identity

    def __str__(self) -> str:
        return str(self.public)


def parse_private_key(
    raw: bytes, name: str, interaction: Interaction, *, public_half: Callable[[], bytes] | None = None
) -> Identity:
    """Parse an SSH private key file; `name` is what a person is asked about.

    `public_half` reads the file's `.pub`, since encrypted PEM hides its public key; without it, as for a command's
    output, every protected key is refused, as sops does.

    Raises:
        FormatError: it is malformed, of another type, or its public half is nowhere to be found.
    """
    public = encrypted_public_key(raw)
    if public is None and not any(mark in raw for mark in _ENCRYPTED_PEM):
        return identity_of(_loaded(raw, None))
    if public_half is None:
        raise FormatError("is protected by a passphrase, which only key files may be")
    if public is None:
        public = SshRecipient.parse(public_half().decode("utf-8", "replace").strip())
    return EncryptedSshIdentity(raw, public, name, interaction)


def encrypted_public_key(raw: bytes) -> SshRecipient | None:
    """Return the public key of an encrypted key in OpenSSH's form, or nothing. Source: OpenSSH PROTOCOL.key."""
    start, end = raw.find(_OPENSSH_BEGIN), raw.find(_OPENSSH_END)
    if start < 0 or end < start:
        return None
    try:
        blob = b64decode(b"".join(raw[start + len(_OPENSSH_BEGIN) : end].split()), validate=True)
    except Base64Error:
        raise FormatError("malformed SSH private key") from None
    fields = _Fields(blob.removeprefix(OPENSSH_MAGIC))
    cipher = fields.next()
    fields.next()  # key derivation
    fields.next()  # its options
    fields.skip(4)  # number of keys
    wire = fields.next()
    if cipher == b"none":
        return None
    kind = _Fields(wire).next().decode("ascii", "replace")
    return SshRecipient.parse(f"{kind} {b64encode(wire).decode('ascii')}")


class _Fields:
    """Length-prefixed fields of an SSH blob (RFC 4251, 5)."""

    def __init__(self, blob: bytes) -> None:
        self._rest = blob

    def next(self) -> bytes:
        size = int.from_bytes(self._rest[:4], "big")
        if len(self._rest) < 4 + size:
            raise FormatError("malformed SSH private key")
        field, self._rest = self._rest[4 : 4 + size], self._rest[4 + size :]
        return field

    def skip(self, size: int) -> None:
        self._rest = self._rest[size:]


def _loaded(raw: bytes, passphrase: bytes | None) -> PrivateKey:
    load = load_ssh_private_key if _OPENSSH_BEGIN in raw else load_pem_private_key
    try:
        key = load(raw, passphrase)
    except UnsupportedAlgorithm as error:
        raise MissingDependencyError(f"cannot decrypt the SSH private key: {error}") from None
    except (ValueError, TypeError):
        problem = "malformed SSH private key" if passphrase is None else "the passphrase is wrong, or the key malformed"
        raise FormatError(problem) from None
    if not isinstance(key, Ed25519PrivateKey | RSAPrivateKey):
        raise FormatError("only ed25519 and RSA keys of SSH can be age identities")
    return key
