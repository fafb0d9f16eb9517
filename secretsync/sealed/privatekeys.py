"""The private keys that unseal: PEM files, and backups of the controller's key Secrets.

kubeseal ignores what it cannot use and then says `no key could decrypt secret`; here a file without a usable key is an
error that says what the file holds instead. Dates of certificates never matter to unsealing.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Final

import secretsync.sealed.pem as pem
from secretsync.crypto.rsa_private import PrivateKey
from secretsync.errors import ManifestError, PrivateKeyError, SecretsyncError
from secretsync.manifests.reading import read
from secretsync.manifests.secret import parse

_PEM_START: Final = b"-----BEGIN "
_KEY_LABELS: Final = ("RSA PRIVATE KEY", "PRIVATE KEY")
_TLS_KEY: Final = "tls.key"
_DECRYPT: Final = "decrypt it first: openssl pkey -in FILE -out plain.key"


class UnsealingKey:
    """One RSA private key; `fingerprint` and `spki_sha256` (hex) name it as `SealingCertificate` does."""

    __slots__ = ("_key", "fingerprint", "spki_sha256")

    def __init__(self, key: PrivateKey) -> None:
        self._key = key
        self.fingerprint = pem.ssh_fingerprint(key.modulus, key.exponent)
        self.spki_sha256 = sha256(key.spki()).hexdigest()

    @property
    def size(self) -> int:
        """Bytes of the modulus."""
        return self._key.size

    def decrypt(self, ciphertext: bytes, label: bytes) -> bytes:
        """Undo RSA-OAEP. Raises: ValueError if this is not the key, or the label not the right one."""
        return self._key.decrypt(ciphertext, label)

    def __repr__(self) -> str:
        return f"UnsealingKey({self.fingerprint})"


def load(data: bytes) -> list[UnsealingKey]:
    """Return every private key of a file: PEM (PKCS#1, PKCS#8, certificates beside them), or key Secrets.

    Key Secrets are YAML or JSON, any number of documents, Lists included; each holds a PEM key as `tls.key`.

    Raises:
        PrivateKeyError: there is no key, or one is encrypted, malformed or not RSA.
        ManifestError: a document is no Secret, or has no `tls.key`.
        ParseError: the file is neither PEM nor YAML nor JSON.
    """
    if data.startswith(_PEM_START) or b"\n" + _PEM_START in data:
        return _load_pem(data)
    try:
        objects = read(data)
    except SecretsyncError as error:
        raise PrivateKeyError(f"neither a PEM key nor a manifest: {error.message}", location=error.location) from None
    return [key for location, obj in objects for key in _load_secret(obj, location)]


def _load_secret(obj: dict[str, object], location: str) -> Iterator[UnsealingKey]:
    try:
        value = parse(obj).values.get(_TLS_KEY)
        if value is None:
            raise ManifestError(f"a key Secret needs the item {_TLS_KEY}", location="data")
        yield from _load_pem(value)
    except SecretsyncError as error:
        raise error.at(location) from None


def _load_pem(data: bytes) -> list[UnsealingKey]:
    found = pem.blocks(data)
    keys = [_load_block(block) for block in found if block.label.endswith("PRIVATE KEY")]
    if not keys:
        holds = ", ".join(block.label for block in found) or "nothing that can be read"
        raise PrivateKeyError(f"no private key in the file, only {holds}")
    return keys


def _load_block(block: pem.Block) -> UnsealingKey:
    if block.has_headers or block.label.startswith("ENCRYPTED"):
        raise PrivateKeyError("the private key is encrypted with a passphrase", hint=_DECRYPT)
    if block.label not in _KEY_LABELS:
        raise PrivateKeyError(f"{block.label} is not an RSA key")
    try:
        return UnsealingKey(PrivateKey.from_pem(block.text))
    except ValueError:
        raise PrivateKeyError("malformed, or not an RSA key") from None
