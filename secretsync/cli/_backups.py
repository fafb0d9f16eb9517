"""The private keys of a controller from files: PEM, key Secrets, and the encrypted backup that `sealing-keys` writes."""

from __future__ import annotations

import json

from secretsync.documents.stores import store_named
from secretsync.documents.tree import Limits
from secretsync.errors import SecretsyncError
from secretsync.manifests.objects import Object
from secretsync.manifests.reading import read
from secretsync.masterkeys import MasterKeys
from secretsync.sealed import privatekeys
from secretsync.sealed.privatekeys import UnsealingKey
from secretsync.sops import decrypt


def key_secrets(data: bytes, keys: MasterKeys) -> list[Object]:
    """Return the key Secrets of a backup, decrypted where it is a SOPS file.

    Raises:
        NoIdentityMatchError, IntegrityError: it does not open, or its MAC does not hold.
        ParseError, ManifestError: it is no YAML, or holds no object.
    """
    source = store_named("yaml").load(data, limits=Limits.unbounded())
    if any(document.get("sops") is not None for document in source.documents):
        opened = decrypt(source, keys)
        data = store_named("yaml").rewrite(source, opened.documents)
    return [located.object for located in read(data, limits=Limits.unbounded())]


def unsealing_keys(data: bytes, keys: MasterKeys) -> list[UnsealingKey]:
    """Return the private keys of a file. Raises: as `key_secrets`, and PrivateKeyError: there is none in it."""
    if not _may_be_encrypted(data):
        return privatekeys.load(data)
    return keys_of(key_secrets(data, keys))


def keys_of(secrets: list[Object]) -> list[UnsealingKey]:
    """Return the private keys of key Secrets. Raises: PrivateKeyError, ManifestError: one holds none."""
    return privatekeys.load(json.dumps({"apiVersion": "v1", "kind": "List", "items": secrets}).encode())


def _may_be_encrypted(data: bytes) -> bool:
    """Whether a text is YAML or JSON with a block of sops; anything else is left to the reader of private keys."""
    try:
        source = store_named("yaml").load(data, limits=Limits.unbounded())
    except SecretsyncError:
        return False
    return any(document.get("sops") is not None for document in source.documents)
