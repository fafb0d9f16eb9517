"""The encrypted files of a repository, each with whom it is encrypted for; nothing is decrypted and no key is needed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from secretsync import files
from secretsync.documents.stores import store_named
from secretsync.documents.tree import Limits, Source
from secretsync.errors import MissingFileError, SecretsyncError
from secretsync.keyring.ownfiles import store_whatever_the_name
from secretsync.masterkeys import MasterKeys
from secretsync.sops import metadata
from secretsync.sops.datakey import MasterKey
from secretsync.sops.metadata import Envelope, Metadata


class RepositoryFile(NamedTuple):
    """One file of the repository; `metadata` and `source` are there where it is encrypted and can be read."""

    path: str
    data: bytes
    source: Source | None = None
    metadata: Metadata | None = None
    problem: SecretsyncError | None = None


def look(root: Path, names: Iterable[str], *, size: int = Limits().size) -> Iterator[RepositoryFile]:
    """Read every file; a link out of the tree is a problem.

    Left out is what went away meanwhile, and a folder: git lists submodules, and links to folders, among the files.
    """
    for name in names:
        try:
            yield examine(name, files.read_confined(root, name, size))
        except MissingFileError:
            continue
        except SecretsyncError as error:
            if not _is_folder_of(root, name):
                error.location = name
                yield RepositoryFile(name, b"", problem=error)


def _is_folder_of(root: Path, name: str) -> bool:
    path = os.path.join(root, name)
    return os.path.isdir(path) and files.is_below(os.path.realpath(path), os.path.realpath(root))


def examine(name: str, data: bytes) -> RepositoryFile:
    """Read one file's metadata where it has any."""
    store = store_whatever_the_name(name, data)
    if store is None:
        return RepositoryFile(name, data)
    try:
        source = store_named(store).load(data, limits=Limits(), encrypted=True)
        if not any(metadata.is_encrypted(document) for document in source.documents):
            return RepositoryFile(name, data)
        return RepositoryFile(name, data, source, metadata.split(source.documents)[1])
    except SecretsyncError as error:
        return RepositoryFile(name, data, problem=error)


def recipients(found: Metadata, keys: MasterKeys) -> list[list[tuple[MasterKey, Envelope]]]:
    """Return whom a file is encrypted for, by group, each with the envelope it was read from."""
    return [
        [(MasterKey(each.kind, keys.recipient(each.kind, each.fields)), each) for each in group]
        for group in found.groups
    ]


def line_of(seen: RepositoryFile, envelope: Envelope) -> str:
    """Return `line N` of an envelope, or nothing where the format has no lines of its own for it."""
    span = envelope.node.span if envelope.node else None
    if seen.source is None or span is None:
        return ""
    return f"line {seen.source.text.count(chr(10), 0, span.start) + 1}"
