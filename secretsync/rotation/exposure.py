"""What a key could ever open, from all of Git's history: which values still live, which changed since, which are gone.

Values are compared by HMAC under a key that lives as long as the process and is never shown. What no key here opens is
compared by its ciphertext, and is unknown where that changed. Other clones, forks and caches are out of sight.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from secretsync.crypto.digests import hmac_sha256
from secretsync.documents.tree import Comment, Scalar
from secretsync.errors import ConfigError, SecretsyncError
from secretsync.git import Repository
from secretsync.keyring import KeyRing
from secretsync.keyring.model import normalised
from secretsync.masterkeys import MasterKeys
from secretsync.processes import Pool
from secretsync.rotation.file_metadata import options_for
from secretsync.rotation.model import Task
from secretsync.sops import metadata, values
from secretsync.sops.datakey import MasterKey, recover
from secretsync.sops.decryption import Decrypted, decrypt_with
from secretsync.sops.mac import MacPolicy
from secretsync.sops.open_file import load
from secretsync.sops.recipients import of_file
from secretsync.sops.selectors import Selector
from secretsync.sops.walk import Walk

State: TypeAlias = Literal["live", "changed", "deleted", "unknown"]
"""Readable now as it was then; another value now; not there any more; no key here tells."""


class Value(NamedTuple):
    """One encrypted value of one version of a file. `digest` is empty where no key opens it."""

    place: str
    digest: bytes
    ciphertext: bytes


class Version(NamedTuple):
    """One version of an encrypted file: who opened it, which data key it had (by digest), and its values."""

    path: str
    recipients: frozenset[MasterKey]
    data_key: bytes
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Exposed:
    """One value that the key could open: file and place, what became of it, and where else it lives now."""

    path: str
    place: str
    state: State
    elsewhere: str = ""


def version(path: str, recipients: frozenset[MasterKey], plain: Decrypted, run_key: bytes) -> Version:
    """Return a file that opens here as exposure compares it."""
    collected = _Values(plain.metadata.selector, plain, run_key)
    collected.documents(plain.documents)
    return Version(path, recipients, hmac_sha256(run_key, plain.data_key.expose()), tuple(collected.found))


def read_version(path: str, data: bytes, keys: MasterKeys, run_key: bytes) -> Version | None:
    """Return a version of a file without its values; None for one that cannot even be parsed."""
    try:
        bare, found = metadata.split(load(data, options_for(path, data, keys)).documents)
        recipients = frozenset(normalised(one) for group in of_file(found, keys) for one in group)
    except SecretsyncError:
        return None
    try:
        plain = decrypt_with(bare, found, recover(found, keys), mac_policy=MacPolicy.IGNORE_UNSAFE)
    except SecretsyncError:
        collected = _Values(found.selector, None, run_key)
        collected.documents(bare)
        return Version(path, recipients, b"", tuple(collected.found))
    return version(path, recipients, plain, run_key)


def recipients_of(ring: KeyRing, name: str) -> frozenset[MasterKey]:
    """Return the recipients of a principal, or of a key by its id, retired ones included.

    Raises:
        ConfigError: the ring knows neither.
    """
    keys = [(owner.name, key) for owner, key in ring.public_keys()] + [(one.principal, one.key) for one in ring.retired]
    found = frozenset(normalised(key.master_key) for owner, key in keys if name in {owner, key.id})
    if not found:
        raise ConfigError(f"the key ring knows nobody and no key called {name!r}", hint="secretsync keys list")
    return found


def exposed(
    repository: Repository,
    pool: Pool,
    commit: str,
    recipients: Collection[MasterKey],
    *,
    present: Iterable[Version] | None = None,
) -> list[Exposed]:
    """Return every value that `recipients` could ever open in any ref, and what it is in `commit`.

    A version that does not name them counts where its data key is one they had: new recipients alone take nothing away.
    `present` are the versions in `commit`, where they were read before.
    """
    now = set(repository.blobs(commit).items())
    if present is None:
        present = pool.map("version", sorted(now))
    here = [one for one in present if one is not None]
    past = [one for one in pool.map("version", sorted(repository.history.brought_in() - now)) if one is not None]
    versions = [*past, *here]
    known = {one.data_key for one in versions if one.data_key and one.recipients & set(recipients)}
    theirs = [one for one in versions if one.recipients & set(recipients) or one.data_key in known]
    return _judged(theirs, here)


def _judged(theirs: Iterable[Version], present: Iterable[Version]) -> list[Exposed]:
    now = {(one.path, value.place): value for one in present for value in one.values}
    homes: defaultdict[tuple[str, bytes], list[str]] = defaultdict(list)
    for (path, place), value in now.items():
        if value.digest:
            homes[_last(place), value.digest].append(f"{path} {place}")
    then: defaultdict[tuple[str, str], list[Value]] = defaultdict(list)
    for version in theirs:
        for value in version.values:
            then[version.path, value.place].append(value)
    found = []
    for (path, place), seen in sorted(then.items()):
        state = _state(now.get((path, place)), seen)
        elsewhere = ""
        if state in {"deleted", "changed"}:
            moved = [home for value in seen if value.digest for home in homes[_last(place), value.digest]]
            moved = [home for home in dict.fromkeys(moved) if home != f"{path} {place}"]
            state, elsewhere = ("live", moved[0]) if moved else (state, "")
        found.append(Exposed(path, place, state, elsewhere))
    return found


def _state(now: Value | None, seen: list[Value]) -> State:
    if now is None:
        return "deleted"
    if any(value.ciphertext == now.ciphertext for value in seen):
        return "live"
    if not now.digest or not all(value.digest for value in seen):
        return "live" if now.digest and now.digest in {value.digest for value in seen} else "unknown"
    return "live" if now.digest in {value.digest for value in seen} else "changed"


def _last(place: str) -> str:
    return place.rpartition(".")[2]


class _Values(Walk):
    """Collects the encrypted values of a file with their places, comments left out."""

    def __init__(self, selector: Selector, plain: Decrypted | None, run_key: bytes) -> None:
        super().__init__(selector)
        self.found: list[Value] = []
        self._plain = plain
        self._run_key = run_key

    def _placed(self, item: Scalar | Comment, aad: bytes, step: str | int, *, selected: bool) -> Scalar | Comment:
        del aad, selected
        if isinstance(item, Scalar):
            self._collect(item, self.location(step).removeprefix("#1 "))
        return item

    def _collect(self, item: Scalar, place: str) -> None:
        if self._plain is None:
            if values.is_ciphertext(item.value):
                self.found.append(Value(place, b"", hmac_sha256(self._run_key, str(item.value).encode())))
            return
        origin = self._plain.origins.get(id(item))
        if origin is None or isinstance(origin.node, Comment):
            return
        digest = hmac_sha256(self._run_key, values.canonical(item.value))
        self.found.append(Value(place, digest, hmac_sha256(self._run_key, str(origin.node.value).encode())))


def work_list(repository: Repository, found: Iterable[Exposed], commit: str, due: str) -> list[Task]:
    """Return the values to change at their source, file by file; the owner is who changed the file last."""
    places: defaultdict[str, list[str]] = defaultdict(list)
    for one in found:
        if one.state in {"live", "unknown"}:
            path, _, place = one.elsewhere.partition(" ") if one.elsewhere else (one.path, "", one.place)
            places[path].append(place if one.state == "live" else f"{place} (unknown)")
    owners = repository.history.last_authors(commit, places)
    return [
        Task(f"change at their source, and then in {path}: {', '.join(dict.fromkeys(names))}", owners[path], due)
        for path, names in sorted(places.items())
    ]
