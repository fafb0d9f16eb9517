"""Opening an encrypted file of any store: how, and what comes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import secretsync.sops.datakey as datakey
from secretsync.documents.stores import store_named
from secretsync.documents.tree import Limits, Source
from secretsync.sops.decryption import Decrypted, decrypt
from secretsync.sops.mac import MacPolicy


@dataclass(frozen=True, slots=True)
class OpenOptions:
    """How an encrypted file is opened: its store, the keys, and what a wrong MAC means.

    `output_store` is the store to write in; None is the file's own.
    """

    store: str
    keys: datakey.Keys
    mac_policy: MacPolicy = MacPolicy.VERIFY
    decryption_order: Sequence[str] = datakey.DEFAULT_ORDER
    output_store: str | None = None


@dataclass(frozen=True, slots=True)
class OpenFile:
    """An encrypted file with its verified plaintext."""

    source: Source
    plain: Decrypted
    options: OpenOptions


def load(data: bytes, options: OpenOptions) -> Source:
    """Read an encrypted file without limits on its size. Raises: as the store's `load`."""
    return store_named(options.store).load(data, limits=Limits.unbounded(), encrypted=True)


def open_file(data: bytes, options: OpenOptions, source: Source | None = None) -> OpenFile:
    """Load, unless `source` is `data` loaded, decrypt and verify an encrypted file. Raises: as the store's `load` and `sops.decrypt`."""
    source = source or load(data, options)
    plain = decrypt(source, options.keys, mac_policy=options.mac_policy, decryption_order=options.decryption_order)
    return OpenFile(source, plain, options)
