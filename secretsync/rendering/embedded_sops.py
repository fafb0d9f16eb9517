"""SOPS files carried inside the `data` of a Secret, as Flux's controller decrypts them.

A value is one if its bytes hold the format's mark of a MAC; what it becomes follows from its key's name: `.yaml`,
`.json`, `.env` or `.ini`, else binary. The result is what `sops decrypt` prints. `stringData` is left alone.
Source: fluxcd/kustomize-controller internal/decryptor at 1.9.5 (markers and names).
"""

from __future__ import annotations

from binascii import b2a_base64
from typing import Final

from secretsync import sops
from secretsync.documents.stores import ENVELOPE, FALLBACK, store_for_path, store_named
from secretsync.documents.tree import Limits, Mapping, Scalar
from secretsync.errors import SecretsyncError
from secretsync.masterkeys import MasterKeys
from secretsync.rendering.objects import decoded, replaced, text_of
from secretsync.rendering.units import OpenedObject
from secretsync.secrecy import CIPHERTEXT
from secretsync.sops.recognition import carried_store

_JSON_NAMES: Final = frozenset({".dockerconfigjson"})


def open_carried(secret: OpenedObject, keys: MasterKeys, limits: Limits) -> None:
    """Replace each SOPS file in the `data` of `secret` by its plaintext, in `secret.after` and `secret.carried`.

    Raises:
        SecretsyncError: as `sops.decrypt` says, placed at the value's key.
    """
    data = secret.after.get("data")
    if type(data) is not Mapping:
        return
    changed = data
    for entry in data.entries():
        raw = decoded(text_of(entry.value))
        if CIPHERTEXT.encode() not in raw:
            continue
        key = str(entry.key.value)
        plain = _decrypted(secret, key, raw, keys, limits)
        if plain is not None:
            changed = replaced(changed, key, Scalar(b2a_base64(plain, newline=False).decode()))
    if changed is not data:
        secret.after = replaced(secret.after, "data", changed)


def _decrypted(secret: OpenedObject, key: str, raw: bytes, keys: MasterKeys, limits: Limits) -> bytes | None:
    """Return the plaintext of a carried SOPS file, None if the bytes only look like one."""
    marked = carried_store(raw)
    if marked is None:
        return None
    written = ENVELOPE if key in _JSON_NAMES else store_for_path(key)
    if written == FALLBACK:
        # A binary file is JSON in its encrypted form; a key without a telling suffix may hold any other form as well.
        written = FALLBACK if marked == ENVELOPE else marked
    read = FALLBACK if written == FALLBACK else marked
    try:
        decrypted = sops.decrypt(store_named(read).load(raw, limits=limits.for_text(len(raw)), encrypted=True), keys)
        secret.carried[key] = decrypted.data_key
        return store_named(written).dump(decrypted.documents)
    except SecretsyncError as error:
        error.location = f"{secret.location} data.{key} {error.location or ''}".strip()
        raise
