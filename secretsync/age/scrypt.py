"""Passphrases as recipient and identity: the scrypt stanza, which stands alone in its header.

Source: C2SP age.md, "The scrypt recipient type"; work factors from age scrypt.go at v1.3.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from os import urandom
from typing import ClassVar, Final

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

import secretsync.age.filekey as filekey
from secretsync.age.header import Stanza, decode_base64, encode_base64
from secretsync.age.protocol import Wrapped
from secretsync.errors import AgeHeaderError, ConfigError, IncorrectIdentityError
from secretsync.secrecy import SecretBytes

STANZA: Final = "scrypt"
WORK_FACTOR: Final = 18  # about a second; the exponent of scrypt's N
MAX_WORK_FACTOR: Final = 22  # what age reads by default
_SALT_SIZE: Final = 16
_SALT_LABEL: Final = b"age-encryption.org/v1/scrypt"
_KEY_SIZE: Final = 32


class ScryptRecipient:
    """A passphrase that protects a file alone."""

    __slots__ = ("_passphrase", "_work_factor")

    def __init__(self, passphrase: SecretBytes, *, work_factor: int = WORK_FACTOR) -> None:
        _refuse_empty(passphrase)
        self._passphrase = passphrase
        self._work_factor = work_factor

    def wrap(self, file_key: bytes) -> Wrapped:
        """Wrap the file key; the label is random, so that no other recipient mixes with a passphrase."""
        salt = urandom(_SALT_SIZE)
        body = filekey.seal(_stretched(self._passphrase, salt, self._work_factor), file_key)
        stanza = Stanza(STANZA, (encode_base64(salt), str(self._work_factor)), body)
        return Wrapped((stanza,), frozenset({urandom(16).hex()}))

    def __str__(self) -> str:
        return "a passphrase"


class ScryptIdentity:
    """A passphrase, and the most work a file may ask to check it (every step doubles it)."""

    __slots__ = ("_max_work_factor", "_passphrase")
    native: ClassVar[bool] = True

    def __init__(self, passphrase: SecretBytes, *, max_work_factor: int = MAX_WORK_FACTOR) -> None:
        _refuse_empty(passphrase)
        self._passphrase = passphrase
        self._max_work_factor = max_work_factor

    def unwrap(self, stanzas: Sequence[Stanza]) -> bytes:
        """Return the file key of the scrypt stanza (see `protocol.Identity`)."""
        found = [stanza for stanza in stanzas if stanza.type == STANZA]
        if not found:
            raise IncorrectIdentityError("the file is not encrypted with a passphrase")
        if len(stanzas) != 1:
            raise AgeHeaderError("an age header mixes a passphrase with other recipients")
        file_key = self._open(found[0])
        if file_key is None:
            raise IncorrectIdentityError("the passphrase is wrong")
        return file_key

    def _open(self, stanza: Stanza) -> bytes | None:
        if len(stanza.args) != 2:
            raise AgeHeaderError("an age scrypt stanza does not have two arguments")
        salt = decode_base64(stanza.args[0].encode("ascii"))
        if len(salt) != _SALT_SIZE:
            raise AgeHeaderError("the salt of an age scrypt stanza is not 16 bytes")
        if len(stanza.body) != filekey.WRAPPED_SIZE:
            raise AgeHeaderError("the file key in an age scrypt stanza has the wrong size")
        key = _stretched(self._passphrase, salt, self._work_factor_of(stanza.args[1]))
        return filekey.open_sealed(key, stanza.body, stanza=STANZA)

    def _work_factor_of(self, text: str) -> int:
        if not text.isdecimal() or text.startswith("0") or len(text) > 2:
            raise AgeHeaderError("the work factor of an age scrypt stanza is not a small decimal number")
        if int(text) > self._max_work_factor:
            raise AgeHeaderError(f"the work factor of an age scrypt stanza is above {self._max_work_factor}")
        return int(text)

    def __str__(self) -> str:
        return "a passphrase"


def _stretched(passphrase: SecretBytes, salt: bytes, work_factor: int) -> bytes:
    derivation = Scrypt(salt=_SALT_LABEL + salt, length=_KEY_SIZE, n=1 << work_factor, r=8, p=1)
    return derivation.derive(passphrase.expose())


def _refuse_empty(passphrase: SecretBytes) -> None:
    if not len(passphrase):
        raise ConfigError("an age passphrase cannot be empty")
