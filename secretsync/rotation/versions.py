"""One version of a file as exposure compares it: who opened it, and a keyed fingerprint of each value.

A fingerprint is of the value alone, not of its name, file or store: a final line end is left off, and what stands in
`data` of a Kubernetes object has a second one with base64 taken off. The key lives as long as the process.
"""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from secretsync.crypto.digests import hmac_sha256
from secretsync.documents.stores import store_named
from secretsync.documents.tree import Comment, Limits, Mapping, Scalar, Value
from secretsync.errors import SecretsyncError
from secretsync.keyring.model import normalised
from secretsync.keyring.ownfiles import is_own, store_whatever_the_name
from secretsync.masterkeys import MasterKeys
from secretsync.rotation.sealed_files import sealed_items
from secretsync.sops import metadata, values
from secretsync.sops.comparison import of_file
from secretsync.sops.datakey import MasterKey, recover
from secretsync.sops.decryption import Decrypted, decrypt_with
from secretsync.sops.mac import MacPolicy
from secretsync.sops.open_file import OpenOptions, load
from secretsync.sops.recognition import FOUND_BY, MARKS, mentions
from secretsync.sops.selectors import Selector
from secretsync.sops.walk import Walk

SEALING: Final = MasterKey("sealing", "")
"""Who opens an item of a SealedSecret: it does not say for which sealing key it was made."""

SHORT: Final = 8
"""Characters, below which equal values may well be two."""

_OURS, _BASE, _THEIRS, _END = (b"<<<<<<< ", b"||||||| ", b"=======", b">>>>>>> ")
LFS: Final = b"version https://git-lfs.github.com/spec/v1"
_ABOUT: Final = frozenset({"apiVersion", "kind", "type", "immutable"})


class SeenValue(NamedTuple):
    """One value of one version. `digests` are its fingerprints, none where no key opens it."""

    place: str
    digests: tuple[bytes, ...]
    ciphertext: bytes = b""
    is_short: bool = False


class Version(NamedTuple):
    """One version of a file: the groups of who opened it, its data key (by digest), and its values."""

    path: str
    groups: tuple[frozenset[MasterKey], ...]
    threshold: int
    data_key: bytes
    values: tuple[SeenValue, ...]
    selector: tuple[str, str] = ("", "")
    store: str = ""
    in_clear: bool = False

    def held_by(self, recipients: Iterable[MasterKey]) -> int:
        """Return in how many groups some recipients are."""
        wanted = frozenset(recipients)
        return sum(1 for group in self.groups if group & wanted)

    @property
    def needs_sealing_key(self) -> bool:
        """Whether it holds items of SealedSecrets."""
        return any(SEALING in group for group in self.groups)

    @property
    def needed(self) -> int:
        """How many groups open it together."""
        return self.threshold if len(self.groups) > 1 else 1


class Unread(NamedTuple):
    """What could not be read, and why; `damaged`: it holds ciphertext and does not say for whom."""

    path: str
    why: str
    damaged: bool = False


class Reading(NamedTuple):
    """How versions are read: with which keys, and under which key values are fingerprinted."""

    keys: MasterKeys
    run_key: bytes

    def versions(self, path: str, data: bytes) -> list[Version | Unread]:
        """Return a version of a file, both sides of an unresolved merge; nothing for a file without secrets."""
        if data.startswith(LFS):
            return [Unread(path, "is a pointer of Git LFS, and its content lies elsewhere")]
        found: list[Version | Unread] = []
        if b"SealedSecret" in data:
            found += self._sealed(path, data)
        if not mentions(data, *FOUND_BY) or is_own(path, data):
            return found
        sides = list(dict.fromkeys(_sides(data)))
        read = [one for side in sides if (one := self._version(path, side)) is not None]
        if not read and mentions(data, *MARKS) and mentions(data, metadata.KEY.encode()):
            found.append(Unread(path, "holds ciphertext and cannot be read", damaged=True))
        return found + read

    def opened(self, path: str, store: str, groups: list[list[MasterKey]], plain: Decrypted) -> Version:
        """Return a version that opens here."""
        collected = _Opened(plain, self.run_key)
        collected.documents(plain.documents)
        data_key = hmac_sha256(self.run_key, plain.data_key.expose())
        return _version(path, store, groups, plain.metadata, data_key, collected.found)

    def in_clear(self, path: str, data: bytes, like: Version) -> list[Version | Unread]:
        """Return a version that is not encrypted, with the values that another version of the file encrypts."""
        found: list[Version | Unread] = []
        for side in dict.fromkeys(_sides(data)):
            try:
                documents = store_named(like.store).load(side, limits=Limits.unbounded()).documents
                collected = _Clear(Selector(*like.selector), documents, self.run_key)
                collected.documents(documents)
            except SecretsyncError:
                found.append(Unread(path, "is in the clear and cannot be read"))
                continue
            found.append(Version(path, (), 0, b"", tuple(collected.found), like.selector, like.store, in_clear=True))
        return found

    def _version(self, path: str, data: bytes) -> Version | None:
        store = store_whatever_the_name(path, data)
        if store is None:
            return None
        try:
            bare, found = metadata.split(load(data, OpenOptions(store, self.keys)).documents)
            groups = [[normalised(one) for one in group] for group in of_file(found, self.keys)]
        except SecretsyncError:
            return None
        try:
            plain = decrypt_with(bare, found, recover(found, self.keys), mac_policy=MacPolicy.IGNORE_UNSAFE)
        except SecretsyncError:
            collected = _Closed(found.selector, bare, self.run_key)
            collected.documents(bare)
            return _version(path, store, groups, found, b"", collected.found)
        return self.opened(path, store, groups, plain)

    def _sealed(self, path: str, data: bytes) -> Iterator[Version | Unread]:
        try:
            items = [
                SeenValue(f"{one.secret} {one.key}", (), hmac_sha256(self.run_key, one.text.encode()))
                for side in dict.fromkeys(_sides(data))
                for one in sealed_items(side)
            ]
        except SecretsyncError:
            yield Unread(path, "may hold a SealedSecret and cannot be read")
            return
        if items:
            yield Version(path, (frozenset({SEALING}),), 0, b"", tuple(dict.fromkeys(items)))


def _version(
    path: str,
    store: str,
    groups: list[list[MasterKey]],
    found: metadata.Metadata,
    data_key: bytes,
    seen: list[SeenValue],
) -> Version:
    named = tuple(frozenset(group) for group in groups)
    selector = (found.selector.kind, found.selector.pattern)
    return Version(path, named, found.shamir_threshold, data_key, tuple(seen), selector, store)


def _sides(data: bytes) -> Iterator[bytes]:
    """Yield a text, or each side of one with conflict markers: ours, theirs, and their base where it is there."""
    if not data.startswith(_OURS) and b"\n" + _OURS not in data:
        yield data
        return
    for wanted in (_OURS, _THEIRS, _BASE):
        kept, inside = [], b""
        for line in data.splitlines(keepends=True):
            marker = next((one for one in (_OURS, _BASE, _THEIRS, _END) if line.startswith(one)), b"")
            if marker and (inside or marker == _OURS):
                inside = b"" if marker == _END else marker
            elif inside in {b"", wanted}:
                kept.append(line)
        yield b"".join(kept)


class _Values(Walk):
    """Collects the values of a file with their places, without comments and what says what an object is."""

    def __init__(self, selector: Selector, documents: list[Mapping], run_key: bytes) -> None:
        super().__init__(selector)
        self.found: list[SeenValue] = []
        self._run_key = run_key
        self._objects = {
            number
            for number, one in enumerate(documents, 1)
            if one.get("apiVersion") is not None and one.get("kind") is not None
        }

    def _placed(self, item: Scalar | Comment, aad: bytes, step: str | int, *, selected: bool) -> Scalar | Comment:
        del aad
        if isinstance(item, Scalar) and not self._is_about(step):
            self._collect(item, self.location(step).removeprefix("#1 "), selected=selected)
        return item

    def _collect(self, item: Scalar, place: str, *, selected: bool) -> None:
        raise NotImplementedError

    def _is_about(self, step: str | int) -> bool:
        """Whether a place of a Kubernetes object says what it is, as its name does; annotations may hold anything."""
        if self._document not in self._objects:
            return False
        first, second = ([*map(str, self._path), str(step), ""])[:2]
        return (first in _ABOUT and not self._path) or (first == "metadata" and second != "annotations")

    def _seen(self, place: str, value: Value, ciphertext: str) -> None:
        data = values.canonical(value).rstrip(b"\r\n")
        if not data:
            return
        forms = [data]
        if self._path and self._path[0] == "data" and (inner := _decoded(data)):
            forms.append(inner)
        digests = tuple(hmac_sha256(self._run_key, form) for form in forms)
        is_short = len(forms[-1].decode("utf-8", "replace")) < SHORT
        closed = hmac_sha256(self._run_key, ciphertext.encode()) if ciphertext else b""
        self.found.append(SeenValue(place, digests, closed, is_short))


class _Opened(_Values):
    def __init__(self, plain: Decrypted, run_key: bytes) -> None:
        super().__init__(plain.metadata.selector, plain.documents, run_key)
        self._origins = plain.origins

    def _collect(self, item: Scalar, place: str, *, selected: bool) -> None:
        del selected
        origin = self._origins.get(id(item))
        if origin is not None and not isinstance(origin.node, Comment):
            self._seen(place, item.value, str(origin.node.value))


class _Closed(_Values):
    def _collect(self, item: Scalar, place: str, *, selected: bool) -> None:
        del selected
        if values.is_ciphertext(item.value):
            self.found.append(SeenValue(place, (), hmac_sha256(self._run_key, str(item.value).encode())))


class _Clear(_Values):
    def _collect(self, item: Scalar, place: str, *, selected: bool) -> None:
        if selected and not values.is_ciphertext(item.value):
            self._seen(place, item.value, "")


def _decoded(data: bytes) -> bytes:
    """Return what base64 holds, without a final line end; nothing for what is none."""
    try:
        return a2b_base64(data.replace(b"\n", b""), strict_mode=True).rstrip(b"\r\n")
    except ValueError:
        return b""
