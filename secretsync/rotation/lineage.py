"""Which versions of files have one data key, as they tell themselves, whatever they are called.

Two do where a value at one tree path is the same ciphertext in both, or an envelope is the same: either is random anew
under another data key. Where a key at hand unwraps the same from both, too: sops' own `updatekeys` writes new
envelopes. What stands in comments, or in parts that the selector leaves out, is no value.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final, NamedTuple

from secretsync.age.armor import BEGIN, END
from secretsync.documents.tree import Comment, Scalar
from secretsync.errors import SecretsyncError
from secretsync.git import ObjectReader
from secretsync.keyring.ownfiles import store_whatever_the_name
from secretsync.masterkeys import MasterKeys
from secretsync.secrecy import SecretBytes
from secretsync.sops import metadata, values
from secretsync.sops.datakey import OpenedGroups, combine
from secretsync.sops.metadata import Envelope, Metadata
from secretsync.sops.open_file import OpenOptions, load
from secretsync.sops.recognition import ciphertexts
from secretsync.sops.selectors import Selector
from secretsync.sops.walk import Walk

_BETWEEN_LINES: Final = b" \t\r\n"
_CONFLICT: Final = b"\n<<<<<<< "


class _Evidence(NamedTuple):
    """What shows a version's data key: its encrypted values by tree path and ciphertext, and its envelopes."""

    values: frozenset[tuple[str, str]]
    envelopes: frozenset[str]


class Lineage:
    """Versions of files by their blobs, joined as they are added."""

    def __init__(self, reader: ObjectReader, keys: MasterKeys | None = None) -> None:
        """Read versions by `reader`; `keys` are what is at hand to unwrap data keys with."""
        self._reader = reader
        self._hands = _Hands(keys) if keys else None
        self._stores: dict[str, str] = {}
        self._above: dict[str, str] = {}
        self._first: dict[bytes, str] = {}
        self._more: defaultdict[bytes, list[str]] = defaultdict(list)
        self._evidence: dict[str, _Evidence | None] = {}
        self._opened: set[str] = set()

    def __contains__(self, blob: str) -> bool:
        return blob in self._above

    def root(self, blob: str) -> str:
        """Return the version that stands for all that have the data key of this one."""
        while (above := self._above[blob]) != blob:
            self._above[blob] = self._above[above]
            blob = above
        return blob

    def opens(self, blob: str) -> bool:
        """Whether a key at hand unwrapped the data key of a version."""
        return self.root(blob) in self._opened

    def add(self, blob: str, path: str) -> None:
        """Take in the version of a SOPS file; any other is left out, and so is an unresolved merge of two versions."""
        data = self._reader.read(blob)
        store = store_whatever_the_name(path, data)
        if blob in self or store is None or _CONFLICT in b"\n" + data:
            return
        self._stores[blob], self._above[blob] = store, blob
        armors = set(_armors(data))
        if not armors and (evidence := self._read(blob)):
            armors = {one.encode() for one in evidence.envelopes}
        for armor in armors:
            self._join(self._first.setdefault(armor, blob), blob)
        for ciphertext in ciphertexts(data):
            self._compare(ciphertext, blob)

    def unwrap(self) -> None:
        """Join what a key at hand shows to have one data key: no person, no program and no service is asked."""
        if self._hands is None:
            return
        first: dict[bytes, str] = {}
        opened = []
        for blob in {self.root(blob): blob for blob in self._above}.values():
            data_key = self._hands.data_key(self._reader.read(blob), self._stores[blob])
            if data_key is not None:
                opened.append(blob)
                self._join(first.setdefault(data_key, blob), blob)
        self._opened = {self.root(blob) for blob in opened}

    def _join(self, one: str, other: str) -> None:
        self._above[self.root(other)] = self.root(one)

    def _compare(self, ciphertext: bytes, blob: str) -> None:
        """Join a version with those that have a ciphertext at the same tree path."""
        others = [self._first.setdefault(ciphertext, blob), *self._more.get(ciphertext, ())]
        if any(self.root(other) == self.root(blob) for other in others):
            return
        evidence = self._read(blob)
        for other in others:
            beside = self._read(other)
            if evidence and beside and evidence.values & beside.values:
                self._join(other, blob)
                return
        self._more[ciphertext].append(blob)

    def _read(self, blob: str) -> _Evidence | None:
        if blob not in self._evidence:
            self._evidence[blob] = _evidence(self._reader.read(blob), self._stores[blob])
        return self._evidence[blob]


class _Hands:
    """The keys that lie here ready to use."""

    def __init__(self, keys: MasterKeys) -> None:
        self._alone = keys.alone()

    def data_key(self, data: bytes, store: str) -> bytes | None:
        """Return the data key of a file; None where none of these keys opens it."""
        try:
            found = metadata.split(load(data, OpenOptions(store, MasterKeys({}))).documents)[1]
            return combine(found, OpenedGroups([self._part(group) for group in found.groups], [])).expose()
        except SecretsyncError:
            return None

    def _part(self, group: list[Envelope]) -> SecretBytes | None:
        """Return the first part that one of these keys opens, of the envelopes that name it."""
        for envelope in group:
            name = next((name for name in map(str, envelope.fields.values()) if name in self._alone), None)
            try:
                if name is not None:
                    return self._alone[name].unwrap(envelope.kind, envelope.fields)
            except SecretsyncError:
                continue
        return None


class _Ciphertexts(Walk):
    """Collects the encrypted values of a file with their tree paths."""

    def __init__(self, selector: Selector) -> None:
        super().__init__(selector)
        self.found: set[tuple[str, str]] = set()

    def _placed(self, item: Scalar | Comment, aad: bytes, step: str | int, *, selected: bool) -> Scalar | Comment:
        del aad
        if selected and isinstance(item, Scalar) and values.is_ciphertext(item.value):
            self.found.add((self.location(step), str(item.value)))
        return item


def _evidence(data: bytes, store: str) -> _Evidence | None:
    """Return what shows the data key of a file; None for one that does not read."""
    try:
        bare, found = metadata.split(load(data, OpenOptions(store, MasterKeys({}))).documents)
        collected = _Ciphertexts(found.selector)
        collected.documents(bare)
    except SecretsyncError:
        return None
    return _Evidence(frozenset(collected.found), frozenset(_wrapped(found)))


def _wrapped(found: Metadata) -> Iterator[str]:
    for group in found.groups:
        yield from (str(one.fields["enc"]) for one in group if one.fields.get("enc"))


def _armors(data: bytes) -> Iterator[bytes]:
    """Yield the envelopes of age in a file of any store, each in one spelling."""
    start = data.find(BEGIN)
    while start >= 0 and (end := data.find(END, start)) >= 0:
        yield data[start:end].replace(b"\\n", b"").translate(None, _BETWEEN_LINES)
        start = data.find(BEGIN, end)
