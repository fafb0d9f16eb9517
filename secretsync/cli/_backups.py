"""The private keys of a controller from files: PEM, key Secrets, and the encrypted backup that `sealing-keys` writes.

A backup is replaced by one that holds at least the same keys: what the cluster has lost may stand nowhere else.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Final

from secretsync import files
from secretsync.documents.stores import store_named
from secretsync.documents.tree import Limits
from secretsync.errors import PolicyError, SecretsyncError
from secretsync.manifests.objects import Object, identify, is_secret
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


def require_fuller(path: str, secrets: Sequence[Object], keys: MasterKeys, *, loses: bool = False) -> bytes | None:
    """Return what stands where a backup of `secrets` is to be written, None for nothing; `loses` accepts what is lost.

    A file that opens is compared by its keys, another one by their names, which stand in the clear.

    Raises:
        PolicyError: it holds keys that the new one would not, or is no backup at all.
        FileAccessError: it cannot be read.
    """
    if path == files.STDIN or not os.path.isfile(path):
        return None
    before = files.read(path)
    if loses or not before.strip():
        return before
    lost = _lost(before, secrets, keys)
    if lost is None:
        raise PolicyError("is there, and is no backup of sealing keys", location=path, hint=_ELSEWHERE)
    if lost:
        message = f"holds keys that the controller does not have, and this backup would lose them: {', '.join(lost)}"
        raise PolicyError(message, location=path, hint=_ELSEWHERE)
    return before


_ELSEWHERE: Final = "write to another file with -w, or accept the loss: --allow-fewer-keys"


def _lost(before: bytes, secrets: Sequence[Object], keys: MasterKeys) -> list[str] | None:
    """Return the names of the keys of a backup that are not among `secrets`, None where it is no backup."""
    try:
        old = key_secrets(before, keys)
        kept = {_private_key(each) for each in secrets}
        lost = [identify(each).name for each in old if _private_key(each) not in kept]
    except SecretsyncError:
        try:
            old = [located.object for located in read(before, limits=Limits.unbounded())]
        except SecretsyncError:
            return None
        kept = {identify(each).name for each in secrets}
        lost = [identify(each).name for each in old if identify(each).name not in kept]
    return lost if all(map(is_secret, old)) else None


def _private_key(secret: Object) -> str:
    data = secret.get("data")
    return str(data.get("tls.key")) if isinstance(data, dict) else ""


def _may_be_encrypted(data: bytes) -> bool:
    """Whether a text is YAML or JSON with a block of sops; anything else is left to the reader of private keys."""
    try:
        source = store_named("yaml").load(data, limits=Limits.unbounded())
    except SecretsyncError:
        return False
    return any(document.get("sops") is not None for document in source.documents)
