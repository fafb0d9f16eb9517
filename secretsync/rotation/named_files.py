"""Which encrypted files of many commits name a key: by the text they hold, and as they read where text does not tell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from secretsync.errors import SecretsyncError
from secretsync.git import Repository
from secretsync.keyring.editing import SOPS_YAML
from secretsync.keyring.encrypted_files import examine, recipients
from secretsync.keyring.model import normalised
from secretsync.keyring.sources import FOLDER
from secretsync.masterkeys import MasterKeys
from secretsync.masterkeys.kinds import KINDS
from secretsync.rotation import census
from secretsync.rotation.model import PlannedKey
from secretsync.sops.datakey import MasterKey
from secretsync.sops.recognition import FOUND_BY, spellings

Paths: TypeAlias = Mapping[str, Sequence[str]]
"""Paths of files by commit."""

_TAGGED: Final = b"!"


def naming(
    repository: Repository, commits: Sequence[str], keys: Mapping[str, PlannedKey]
) -> Iterator[tuple[str, Paths]]:
    """Yield each key's id with the files that name it."""
    read = _read(repository, commits, keys)
    for name, texts in census.texts_of(keys).items():
        found: defaultdict[str, set[str]] = defaultdict(set)
        for commit, paths in [*_holding(repository, commits, *texts).items(), *read[name].items()]:
            found[commit] |= {*paths}
        yield name, {commit: sorted(found[commit]) for commit in commits if commit in found}


def _holding(repository: Repository, commits: Sequence[str], *texts: bytes) -> dict[str, list[str]]:
    return repository.files_of(commits, *texts, but_not=(FOLDER, SOPS_YAML), also=FOUND_BY, spellings=spellings)


def _read(repository: Repository, commits: Sequence[str], keys: Mapping[str, PlannedKey]) -> dict[str, Paths]:
    """Read the few files whose text may not tell: a tag of YAML turns base64 into text, and some names stand in parts.

    Each content is read once.
    """
    kinds = {key.kind for key in keys.values()}
    texts = [_TAGGED, *(kind.name.encode() for kind in KINDS.values() if kind.only_parts and kind.name in kinds)]
    wanted = {name: normalised(key.master_key) for name, key in keys.items()}
    found: dict[str, defaultdict[str, list[str]]] = {name: defaultdict(list) for name in keys}
    seen: dict[str, set[MasterKey]] = {}
    with repository.reader() as reader:
        for commit, paths in _holding(repository, commits, *texts).items():
            blobs = repository.blobs(commit)
            for path in paths:
                if (blob := blobs[path]) not in seen:
                    seen[blob] = _recipients(path, reader.read(blob))
                for name in [name for name, key in wanted.items() if key in seen[blob]]:
                    found[name][commit].append(path)
    return dict(found.items())


def _recipients(path: str, data: bytes) -> set[MasterKey]:
    """Return whom a file says it is for, nobody where it does not read: the text in it is all it says."""
    read = examine(path, data)
    if read.metadata is None:
        return set()
    try:
        return {normalised(one) for group in recipients(read.metadata, MasterKeys({})) for one, _ in group}
    except SecretsyncError:
        return set()
