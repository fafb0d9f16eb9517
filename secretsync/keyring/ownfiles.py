"""The key ring's own files among all others: what they say about `.sops.yaml` does not make them SOPS files.

A policy has a field `sops`, an older lock has one too, and names or comments may quote ciphertext.
"""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import Final

from secretsync.configuration import API_VERSION
from secretsync.documents.stores import store_named
from secretsync.documents.tree import Mapping, Scalar
from secretsync.errors import SecretsyncError
from secretsync.keyring import lockfile, reading
from secretsync.keyring.model import FOLDERS
from secretsync.keyring.sources import FOLDER
from secretsync.sops import recognition

_FILES: Final = frozenset(PurePosixPath(path).name for path in (reading.POLICY, reading.GROUPS))
_FOLDERS: Final = frozenset({*FOLDERS.values(), "retired"})


def store_of(path: str, data: bytes) -> str | None:
    """Return the store of a SOPS file, as `recognition.store_of` does; None for a file of the key ring, too."""
    store = recognition.store_of(path, data)
    return None if store is None or is_own(path, data) else store


def store_whatever_the_name(path: str, data: bytes) -> str | None:
    """Return the store of a SOPS file, by its content where its name says another; None for any other file.

    `sops --input-type` writes such files, and whoever has a key opens them: a census that went by names would miss them.
    """
    store = store_of(path, data)
    return store if store is not None or is_own(path, data) else recognition.readable_store(data)


def is_own(path: str, data: bytes) -> bool:
    """Whether a file stands where the ring keeps one and reads as one; a SOPS file below `keys/` is none."""
    steps = PurePosixPath(path.replace("\\", "/")).parts[-3:]
    below = steps[steps.index(FOLDER) + 1 :] if FOLDER in steps else ()
    match below:
        case [name] if name == PurePosixPath(lockfile.PATH).name:
            return _is_lock(data)
        case [name] if name in _FILES:
            return _is_ring(data)
        case [folder, name] if folder in _FOLDERS and name.endswith(".yaml"):
            return _is_ring(data)
    return False


def _is_lock(data: bytes) -> bool:
    try:
        values = json.loads(data)
    except (ValueError, RecursionError):
        return False
    return isinstance(values, dict) and values.keys() >= {"version", "principals", "digest", "prev"}


def _is_ring(data: bytes) -> bool:
    try:
        documents = store_named("yaml").load(data).documents
    except SecretsyncError:
        return False
    if len(documents) != 1:
        return False
    version, carried = documents[0].get("apiVersion"), documents[0].get("sops")
    is_sealed = isinstance(carried, Mapping) and carried.get("mac") is not None
    return isinstance(version, Scalar) and version.value == API_VERSION and not is_sealed
