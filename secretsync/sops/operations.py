"""The operations on one encrypted file, as functions from its bytes to its new bytes: set, unset, edit, rotate.

A change touches the values it changes, `lastmodified` and `mac` (and `version` on edit) in every copy of the block;
every other value keeps its ciphertext. Nothing is read or written here but the bytes given.
Source: sops cmd/sops/{set,unset,edit,rotate}.go at v3.13.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import secretsync.sops.block as blocks
import secretsync.sops.datakey as datakey
import secretsync.sops.mac as mac
import secretsync.sops.metadata as metadata
import secretsync.sops.paths as paths
import secretsync.sops.strangers as strangers
from secretsync.crypto.gcm import Gcm
from secretsync.documents.pairing import equal
from secretsync.documents.stores import Store, store_named
from secretsync.documents.tree import Limits, Mapping, Node, Scalar, Source
from secretsync.documents.tree import Sequence as TreeSequence
from secretsync.errors import (
    AlreadyEncryptedError,
    EmptyFileError,
    PathNotFoundError,
    SecretsyncError,
    ValueFormatError,
)
from secretsync.secrecy import SecretBytes
from secretsync.sops.comparison import of_file, without
from secretsync.sops.conversion import converted, dumped
from secretsync.sops.encryption import Encryption
from secretsync.sops.merging import reconciled
from secretsync.sops.metadata import Envelope
from secretsync.sops.open_file import OpenFile, OpenOptions, load, open_file
from secretsync.sops.strangers import NOTHING_MORE, Named, RotationRequest
from secretsync.sops.timestamps import timestamp
from secretsync.sops.writing import WrittenFile, write

__all__ = [
    "OpenFile",
    "OpenOptions",
    "OperationResult",
    "decrypted_text",
    "editable",
    "edited",
    "extract",
    "file_status",
    "json_value",
    "open_file",
    "require_named",
    "rotate",
    "rotate_for",
    "set_value",
    "unset_value",
    "with_new_mac",
]


@dataclass(frozen=True, slots=True)
class OperationResult:
    """The outcome of an operation: the file's new bytes, whether they say anything new, and warnings for people."""

    data: bytes
    changed: bool
    warnings: list[str] = field(default_factory=list)


class NewKey(NamedTuple):
    """A data key that takes the place of the file's, wrapped."""

    data_key: SecretBytes
    envelopes: list[list[Envelope]]
    threshold: int


def json_value(text: str) -> Node:
    """Return the tree of a JSON value given to `set`; integers stay integers.

    Raises:
        ValueFormatError: not one JSON value, or a list, which sops takes only inside an object.
    """
    try:
        root = store_named("json").load(b'{"value": ' + text.encode() + b"}", limits=Limits.unbounded()).documents[0]
    except (SecretsyncError, UnicodeEncodeError):  # an argument that is not UTF-8 holds surrogates
        raise ValueFormatError("the value is not JSON", hint="quote text for the shell: '\"text\"'") from None
    entries = list(root.entries())
    if len(entries) != 1:
        raise ValueFormatError("the value is not one JSON value")
    if isinstance(entries[0].value, TreeSequence):
        raise ValueFormatError(
            "a bare list cannot be set", hint="set the object that holds it, or its items one by one"
        )
    return entries[0].value


def set_value(data: bytes, path: paths.Path, value: Node, options: OpenOptions, *, now: datetime) -> OperationResult:
    """Set one value of document 1; what is missing on the way is created.

    `Change.changed` says whether the tree is another one; the bytes are always rewritten, as sops does.
    """
    opened = open_file(data, options)
    first = opened.plain.documents[0]
    try:
        old = paths.look_up(first, path)
    except PathNotFoundError:
        old = None
    kept = old is not None and equal(old, value)
    new = first if kept else paths.set_at(first, path, value)
    _refuse_reserved([new], store_named(options.store))
    return OperationResult(
        _rewritten(opened, [new, *opened.plain.documents[1:]], now=now), not kept, opened.plain.warnings
    )


def unset_value(data: bytes, path: paths.Path, options: OpenOptions, *, now: datetime) -> OperationResult:
    """Remove one value of document 1. Raises: PathNotFoundError where there is none."""
    opened = open_file(data, options)
    first = paths.unset_at(opened.plain.documents[0], path)
    documents = [first, *opened.plain.documents[1:]]
    return OperationResult(_rewritten(opened, documents, now=now), changed=True, warnings=opened.plain.warnings)


def editable(opened: OpenFile) -> bytes:
    """Return the plaintext for an editor: the file's own text with its values in the clear, without the block."""
    store = store_named(opened.options.output_store or opened.source.store)
    if opened.source.store != store.NAME:
        return store.dump(opened.plain.documents)
    return store.rewrite(opened.source, opened.plain.documents)


def edited(opened: OpenFile, text: bytes, *, now: datetime) -> OperationResult:
    """Return the file with what an editor made of `editable(opened)`; what is as it was keeps its ciphertext.

    Raises:
        ParseError and the like: the text cannot be read; the file is as it was.
        AlreadyEncryptedError, EmptyFileError: it holds a `sops` entry, or nothing.
    """
    name = opened.options.output_store or opened.source.store
    store = store_named(name)
    given = editable(opened)
    if text == given:
        return OperationResult(b"", changed=False, warnings=opened.plain.warnings)
    new = store.load(text, limits=Limits.unbounded()).documents
    if not new:
        raise EmptyFileError("the file is empty; it must hold at least one document")
    _refuse_reserved(new, store)
    base = store.load(given, limits=Limits.unbounded()).documents
    documents = reconciled(opened.plain.documents, base, new)
    version = blocks.newer_version(opened.plain.metadata.version)
    return OperationResult(
        _rewritten(opened, documents, now=now, version=version), changed=True, warnings=opened.plain.warnings
    )


def _refuse_reserved(documents: Sequence[Mapping], store: Store) -> None:
    if any(store.is_reserved(document) for document in documents):
        raise AlreadyEncryptedError("a top-level `sops` entry is reserved for sops")


def require_named(
    data: bytes, options: OpenOptions, rules: Sequence[Named], request: RotationRequest = NOTHING_MORE
) -> None:
    """Refuse what `rotate` would refuse for the sake of its recipients; no key is needed. Raises: as there."""
    found = metadata.split(load(data, options).documents)[1]
    strangers.require_named(of_file(found, options.keys), found.shamir_threshold, rules, request, options.keys)


def rotate(
    data: bytes,
    options: OpenOptions,
    *,
    now: datetime,
    request: RotationRequest = NOTHING_MORE,
    rules: Sequence[Named] = (),
) -> OperationResult:
    """Give the file a new data key, for its recipients with those added in the first group and without the removed.

    The file's own list of recipients is not authenticated: whoever of it one of `rules` does not name is refused.

    Raises:
        PolicyError: see `strangers.require_named`.
        As `open_file`; KeyServiceError or ConfigError where a recipient cannot be encrypted for.
    """
    opened = open_file(data, options)
    keys, found = options.keys, opened.plain.metadata
    groups = of_file(found, keys)
    strangers.require_named(groups, found.shamir_threshold, rules, request, keys)
    groups = [[*groups[0], *request.add], *groups[1:]]
    groups = [without(group, request.remove, keys) for group in groups]
    notes = [each for rule in rules for each in strangers.warnings(groups, rule, request, keys)]
    data = _rekeyed(opened, groups, threshold=found.shamir_threshold, now=now).data
    return OperationResult(data, changed=True, warnings=[*opened.plain.warnings, *dict.fromkeys(notes)])


def rotate_for(
    opened: OpenFile, groups: Sequence[Sequence[datakey.MasterKey]], *, now: datetime, threshold: int = 0
) -> WrittenFile:
    """Give a file a new data key for exactly `groups`; its own recipients, which nothing vouches for, do not count.

    Raises:
        ConfigError: no group, an empty one, or a threshold that the number of groups does not allow.
    """
    return _rekeyed(opened, groups, threshold=threshold, now=now)


def _rekeyed(
    opened: OpenFile, groups: Sequence[Sequence[datakey.MasterKey]], *, threshold: int, now: datetime
) -> WrittenFile:
    data_key = datakey.new()
    envelopes, stored = datakey.wrap(groups, data_key, opened.options.keys, threshold=threshold, now=now)
    return _written(opened, opened.plain.documents, now=now, new_key=NewKey(data_key, envelopes, stored))


def with_new_mac(opened: OpenFile, *, now: datetime) -> OperationResult:
    """Return the file with a MAC over the values that it holds; each keeps its ciphertext.

    Whoever calls has opened it without its MAC, and answers for every value that a new one vouches for.
    """
    return OperationResult(
        _rewritten(opened, opened.plain.documents, now=now), changed=True, warnings=opened.plain.warnings
    )


def extract(opened: OpenFile, path: paths.Path) -> bytes:
    """Return what `decrypt --extract` prints: a string as it is, a mapping as a file, anything else as one value.

    A mapping takes the place of document 1, and the other documents follow, as in sops.
    """
    store = store_named(opened.options.output_store or opened.options.store)
    node = paths.look_up(opened.plain.documents[0], path)
    if isinstance(node, Mapping):
        return store.dump([node, *opened.plain.documents[1:]])
    if isinstance(node, Scalar) and isinstance(node.value, str):
        return node.value.encode("utf-8", "surrogateescape")
    return store.emit_value(node)


def decrypted_text(opened: OpenFile) -> bytes:
    """Return the plaintext file: the file's own text with its values in the clear, or another store's."""
    name = opened.options.output_store or opened.options.store
    if name != opened.options.store:
        return dumped(opened.plain.documents, name, opened.plain.warnings)
    return editable(opened)


def file_status(data: bytes, store: str) -> bool:
    """Return whether the bytes are a file that sops encrypted: a readable block with a version and a MAC."""
    source = store_named(store).load(data, limits=Limits.unbounded(), encrypted=True)
    if not any(metadata.is_encrypted(document) for document in source.documents[:1]):
        return False
    return bool(metadata.split(source.documents)[1].mac)


def _rewritten(opened: OpenFile, documents: list[Mapping], *, now: datetime, version: str | None = None) -> bytes:
    """Return the file with `documents`, under its data key."""
    return _written(opened, documents, now=now, version=version).data


def _written(
    opened: OpenFile,
    documents: list[Mapping],
    *,
    now: datetime,
    version: str | None = None,
    new_key: NewKey | None = None,
) -> WrittenFile:
    """Return the file with `documents`, under its data key or a new one."""
    found = opened.plain.metadata
    key = new_key.data_key if new_key else opened.plain.data_key
    source = opened.source
    name = opened.options.output_store or source.store
    if name != source.store:
        target = converted(Source(source.store, "", documents), name, opened.plain.warnings)
        source, documents = target, target.documents
    walk = Encryption(
        found.selector,
        Gcm(key.expose()),
        mac_only=found.mac_only_encrypted,
        earlier=opened.plain,
        rekeyed=new_key is not None,
    )
    encrypted = walk.documents(documents)
    modified = timestamp(now)
    sealed = mac.seal(walk.cipher, mac.digest(walk.hashed), modified)
    block = blocks.with_fields(found.block, lastmodified=modified, mac=sealed, version=version or found.version)
    if new_key:
        block = blocks.with_groups(block, new_key.envelopes, threshold=new_key.threshold)
    return write(source, encrypted, block, comments=walk.secrets, data_key=key)
