"""FileOpener what can be opened with the keys at hand, and counting what cannot: a key that is elsewhere is no fault of a file.

Manifests are opened exactly as `render` opens them, files of the other stores as `decrypt` does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final, Literal, TypeAlias

from secretsync import sops
from secretsync.audit.reading import FileRead, plain
from secretsync.audit.ruleset import SUSPECT
from secretsync.audit.sealed import is_template
from secretsync.documents.stores import store_named
from secretsync.documents.tree import Limits
from secretsync.documents.tree import Mapping as TreeMapping
from secretsync.errors import (
    ManifestError,
    NoIdentityMatchError,
    PlaintextError,
    SecretsyncError,
)
from secretsync.findings import Finding, finding_of
from secretsync.keyring.encrypted_files import recipients
from secretsync.manifests import objects, secret
from secretsync.manifests.objects import Object
from secretsync.masterkeys import MasterKeys
from secretsync.masterkeys.kinds import KINDS, usable
from secretsync.masterkeys.of_this_machine import NO_KEY, KeysOfThisMachine
from secretsync.rendering import ciphertext
from secretsync.rendering import objects as render_objects
from secretsync.rendering.embedded_sops import open_carried
from secretsync.rendering.units import OpenedObject, open_units
from secretsync.sops import metadata
from secretsync.sops.datakey import MasterKey
from secretsync.sops.metadata import Metadata
from secretsync.sops.recognition import carried_store

KeyUse: TypeAlias = Literal["auto", "none", "required"]
"""Whether keys are asked: those of this machine, none, or all that this process can reach, and every file has to open."""

_STAND_IN: Final = "filled-in-later"


def keys_for(use: KeyUse, environ: Mapping[str, str]) -> MasterKeys | None:
    """Return the keys that are asked, None where none is; those of the demo are among them."""
    if use == "none":
        return None
    return MasterKeys(environ, allow_demo_keys=True) if use == "required" else KeysOfThisMachine(environ)


def own_recipients(keys: MasterKeys) -> set[MasterKey]:
    """Return whom the identities of this machine are, as far as they say so without being asked for anything."""
    found = set()
    for kind in usable(KINDS.values()):
        if not kind.is_service:
            try:
                sources = keys.service(kind.name).sources()
            except SecretsyncError:
                continue
            found |= {MasterKey(kind.name, name) for source in sources for name in source.recipients}
    return found


class FileOpener:
    """Opens one file after the other. `unopened` counts, for each recipient, the files that no key here opens."""

    def __init__(self, keys: MasterKeys, limits: Limits) -> None:
        self.unopened: Counter[MasterKey] = Counter()
        self._keys = keys
        self._limits = limits
        self._ready = frozenset(keys.alone())

    def findings(self, file: str, seen: FileRead) -> Iterator[Finding]:
        """Yield what opening an encrypted file shows.

        Raises:
            NoIdentityMatchError: no key opens it; the file is counted then.
        """
        try:
            yield from self._opened(file, seen)
        except NO_KEY as error:
            named = self.recipients_of(seen)
            self.unopened.update(named)
            if not seen.has_groups and any(one.name in self._ready for one in named):
                message = "is encrypted for a key that lies here, and does not open with it: its envelope is another's"
                yield finding_of(NoIdentityMatchError(message, hint="restore it from Git"), file)
                return
            raise NoIdentityMatchError(error.message) from None
        except SecretsyncError as error:
            yield finding_of(error, file)

    def recipients_of(self, seen: FileRead) -> list[MasterKey]:
        """Return whom the documents of a file are encrypted for."""
        found: dict[MasterKey, None] = {}
        for block in [
            one for each in seen.documents for one in (each.metadata, *_carried(each.root, self._limits)) if one
        ]:
            found.update((one, None) for group in recipients(block, self._keys) for one, _ in group)
        return list(found)

    def _opened(self, file: str, seen: FileRead) -> Iterator[Finding]:
        warnings: list[str] = []
        if not store_named(seen.store).NESTED:
            assert seen.source is not None
            yield from suspicions(file, sops.decrypt(seen.source, self._keys).warnings)
            return
        several = len(seen.documents) > 1
        roots = [document.root for document in seen.documents]
        for each in open_units(roots, self._keys, lambda index: f"#{index + 1}" if several else "", warnings):
            if render_objects.is_secret(each.after):
                ciphertext.refuse(each.after, each.location)
                open_carried(each, self._keys, self._limits)
            if each.data_key is not None:
                yield from _of_revealed(file, each)
        yield from suspicions(file, warnings)


def _carried(document: TreeMapping, limits: Limits) -> Iterator[Metadata]:
    """Yield the metadata of the SOPS files that the `data` of a Secret carries, as far as they read."""
    data = document.get("data") if render_objects.is_secret(document) else None
    for entry in data.entries() if isinstance(data, TreeMapping) else ():
        raw = render_objects.decoded(render_objects.text_of(entry.value))
        store = carried_store(raw)
        if store is not None:
            try:
                yield metadata.split(store_named(store).load(raw, limits=limits, encrypted=True).documents)[1]
            except SecretsyncError:
                continue


def suspicions(file: str, warnings: list[str]) -> Iterator[Finding]:
    """Yield a finding for each warning that opening gave."""
    for warning in warnings:
        place, _, message = warning.rpartition(": ") if warning.startswith("#") else ("", "", warning)
        yield SUSPECT.finding(file, place, message)


def _of_revealed(file: str, opened: OpenedObject) -> Iterator[Finding]:
    """Yield the Secrets that no API server takes once they are decrypted: bad base64, a value that is no string."""
    found = plain(opened.after)
    assert isinstance(found, dict)
    for place, item in _objects(found):
        if not objects.is_secret(item):
            continue
        try:
            secret.parse(_named(item))
        except PlaintextError:
            continue  # a value that is ciphertext once more; `render` passes it on
        except ManifestError as error:
            yield finding_of(error.at(" ".join(filter(None, (opened.location, place)))), file)


def _named(item: Object) -> Object:
    """Return a Secret to be judged by the rest where its name or namespace is filled in later, as by Flux."""
    metadata = item.get("metadata")
    if not isinstance(metadata, dict):
        return item
    filled = {field: _STAND_IN for field in ("name", "namespace") if is_template({field: metadata.get(field)})}
    return {**item, "metadata": {**metadata, **filled}} if filled else item


def _objects(document: Object) -> list[tuple[str, Object]]:
    try:
        return list(objects.flatten(document))
    except ManifestError:
        return []
