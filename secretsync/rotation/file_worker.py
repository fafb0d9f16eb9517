"""What is done to single files, here or in a process of the pool: look at one, change one, prove one.

Each process opens its own pipe to git and unwraps a data key once, whatever is done to the file later.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from secretsync import files
from secretsync.age.protocol import Identity
from secretsync.errors import ChangedFileError, NoIdentityMatchError, SecretsyncError
from secretsync.git import AheadReader, Repository, blob_id
from secretsync.keyring.ownfiles import store_whatever_the_name
from secretsync.masterkeys import KeyContext, MasterKeys
from secretsync.rotation.census import NO_KEYS, Texts, named_in, no_sops_file
from secretsync.rotation.file_metadata import Inspected, inspect, options_for
from secretsync.rotation.model import FilePlan, LeftOut, PlannedKey
from secretsync.rotation.open_files import OpenFiles
from secretsync.rotation.proving import Parts, Verdict, prove, prove_closed
from secretsync.rotation.resealing import Clusters, Resealer, SealedFile, certificate_of, prove_sealed, secrets_of
from secretsync.rotation.rewrapping import changed
from secretsync.rotation.versions import Reading, Unread, Version
from secretsync.sealed.privatekeys import UnsealingKey
from secretsync.sops.open_file import OpenFile, open_file

_RUN_KEY_SIZE = 32  # bytes


class FileTask(NamedTuple):
    """A file to change: its plan, the keys it speaks of, the folder it lies in, and the time to record."""

    file: FilePlan
    names: Mapping[str, PlannedKey]
    folder: str
    now: datetime
    certificate: str = ""


class Look(NamedTuple):
    """A file to look at; `exposing`: also as exposure compares it; `closed`: without any key. `keys` are looked for."""

    path: str
    blob: str
    exposing: bool = False
    closed: bool = False
    keys: Texts = NO_KEYS


class Looked(NamedTuple):
    """What was seen of a SOPS file."""

    inspected: Inspected
    versions: list[Version | Unread]


class Sealing(NamedTuple):
    """A file with SealedSecrets, the certificate to seal for, whose it is, and the SOPS files (with blobs) that are named."""

    path: str
    blob: str
    certificate: str
    now: datetime
    clusters: Clusters
    sources: Mapping[str, str]


class Proof(NamedTuple):
    """A file to prove: from the folder it was written to, or by the blob that was committed.

    `by_others`: it may be somebody else who wrote it, and who opens it; what needs no key is then proved all the same.
    """

    file: FilePlan
    names: Mapping[str, PlannedKey]
    folder: str
    written: str
    now: datetime
    certificate: str = ""
    by_others: bool = False


class FileWork:
    """The work on one file of `repository` at a time; `held` are identities of keys that should open nothing any more."""

    def __init__(
        self,
        repository: Repository,
        keys: MasterKeys,
        *,
        held: Iterable[Identity] = (),
        unsealing: Sequence[UnsealingKey] = (),
    ) -> None:
        self._repository = repository
        self._keys = keys
        self._unsealing = unsealing
        self._plaintext: dict[str, Mapping[str, Mapping[str, bytes]]] = {}
        self._files = OpenFiles()
        self._held = {str(identity): MasterKeys.of(KeyContext.holding(identity)) for identity in held}
        self._singles: dict[str, MasterKeys] | None = None
        self._reader: AheadReader | None = None
        self._inherited: AheadReader | None = None  # not to be closed by whoever did not open it
        # The key is made before processes fork, so that their digests compare.
        self._reading = Reading(keys, os.urandom(_RUN_KEY_SIZE))

    def inspect(self, task: Look) -> Looked | LeftOut | None:
        """Open a file in memory; what is no SOPS file is told apart, and is None where there is nothing of note to it."""
        data = self._objects().read(task.blob)
        if store_whatever_the_name(task.path, data) is None:
            return no_sops_file(task.path, data, task.keys)
        inspected, opened = inspect(task.path, task.blob, data, self._keys, closed=task.closed)
        if not inspected.groups:
            inspected = inspected._replace(named=tuple(named_in(data, task.keys)))
        found: list[Version | Unread] = []
        if opened is not None:
            self._files.keep(task.blob, data, opened)
        if task.exposing and opened is not None:
            found = [self._reading.opened(task.path, opened.options.store, inspected.groups, opened.plain)]
        elif task.exposing:
            found = self._reading.versions(task.path, data)
        return Looked(inspected, found)

    def version(self, task: tuple[str, str]) -> list[Version | Unread]:
        """Return a blob, given with its path, as exposure compares it; nothing for a file without secrets."""
        path, blob = task
        return self._reading.versions(path, self._objects().read(blob))

    def in_clear(self, task: tuple[str, str, Version]) -> list[Version | Unread]:
        """Return a blob that is not encrypted, given with its path and with a version of that file that is."""
        path, blob, like = task
        return self._reading.in_clear(path, self._objects().read(blob), like._replace(values=()))

    def change(self, task: FileTask) -> bytes:
        """Return the new bytes of a file, whatever is done to it.

        Raises:
            ChangedFileError: the file is not the one that the plan was made for.
            SecretsyncError: as `rewrapping.changed` or `Resealer.reseal`.
        """
        data = files.read(os.path.join(task.folder, task.file.path))
        if blob_id(data, task.file.blob) != task.file.blob:
            raise ChangedFileError("was changed by someone else meanwhile", location=task.file.path)
        return self._resealed(task, data) if task.file.operation == "re-seal" else self._rewrapped(task, data)

    def _resealed(self, task: FileTask, data: bytes) -> bytes:
        try:
            return self._resealer(task.certificate, task.now, task.file.sources).reseal(data, task.file.sealed)
        except SecretsyncError as error:
            raise error.at(task.file.path) from None

    def _rewrapped(self, task: FileTask, data: bytes) -> bytes:
        kept = self._files.find(task.file.blob)
        opened = kept.opened if kept else None
        new = changed(data, task.file, task.names, self._keys, now=task.now, opened=opened)
        self._files.keep_written(task.file.blob, *new)
        return new.data

    def prove(self, task: Proof) -> list[Verdict]:
        """Return the verdicts on a file that was written."""
        file = task.file
        new = files.read(os.path.join(task.folder, file.path)) if task.folder else self._objects().read(task.written)
        if file.operation == "re-seal":
            old = self._objects().read(file.blob)
            return prove_sealed(file, self._resealer(task.certificate, task.now, {}), old=old, new=new)
        parts = self._parts(task)
        if task.by_others and self._is_shut(file.path, new):
            return prove_closed(parts, new)
        return prove(parts, new, self._files.take_source(file.blob, new))

    def _parts(self, task: Proof) -> Parts:
        """Return what the proof of a SOPS file compares the new bytes with."""
        file, kept = task.file, self._files.take(task.file.blob)
        old = kept.data if kept else self._objects().read(file.blob)
        removed = {
            name: alone for name in file.removed if name in task.names and (alone := self._single(task.names[name]))
        }
        before = kept.opened if kept else self._open(file.path, old)
        return Parts(file, task.names, self._keys, self._alone(), removed, before, old)

    def _open(self, path: str, data: bytes) -> OpenFile | None:
        """Open a file, None where no key here does: a new key was not there yet when it was written."""
        try:
            return open_file(data, options_for(path, data, self._keys))
        except NoIdentityMatchError:
            return None

    def _is_shut(self, path: str, data: bytes) -> bool:
        try:
            return self._open(path, data) is None
        except SecretsyncError:
            return False  # the proof says what is wrong

    def sealed(self, task: Sealing) -> SealedFile:
        """Look at a file with SealedSecrets."""
        data = self._objects().read(task.blob)
        resealer = self._resealer(task.certificate, task.now, task.sources)
        return resealer.look(task.path, task.blob, data, task.clusters)

    def _resealer(self, certificate: str, now: datetime, sources: Mapping[str, str]) -> Resealer:
        plaintexts = {path: self._secrets(path, blob) for path, blob in sources.items()}
        return Resealer(certificate_of(certificate, now), self._unsealing, plaintexts)

    def _secrets(self, path: str, blob: str) -> Mapping[str, Mapping[str, bytes]]:
        """Return the values of each Secret in a SOPS file by `namespace/name`; the file is opened once."""
        found = self._plaintext.get(blob)
        if found is None:
            data = self._objects().read(blob)
            try:
                opened = open_file(data, options_for(path, data, self._keys))
                found = self._plaintext[blob] = secrets_of(opened.plain.documents)
            except SecretsyncError as error:
                raise error.at(path) from None
        return found

    def coming(self, method: str, tasks: Sequence[Any]) -> None:
        """Ask git ahead for what the tasks will read."""
        reads = _READS.get(method)
        if reads is not None:
            known = self._files.find
            self._objects().expect(blob for task in tasks for blob in reads(task) if known(blob) is None)

    def forked(self) -> None:
        """Open a pipe to git of one's own; the one that is open is the parent's."""
        self._inherited, self._reader = self._reader, None

    def close(self) -> None:
        """Let go of the pipe to git."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _single(self, key: PlannedKey) -> MasterKeys | None:
        return self._held.get(key.recipient) or self._alone().get(key.recipient)

    def _alone(self) -> dict[str, MasterKeys]:
        if self._singles is None:
            self._singles = self._keys.alone()
        return self._singles

    def _objects(self) -> AheadReader:
        if self._reader is None:
            self._reader = AheadReader(self._repository.reader())
        return self._reader


def blob_of(task: FileTask | Proof) -> str:
    """Return the blob of a task's file before the change, by which all that is done to it is done in one process."""
    return task.file.blob


_READS: Final[Mapping[str, Callable[[Any], Sequence[str]]]] = {
    "inspect": lambda task: [task.blob],
    "version": lambda task: [task[1]],
    "in_clear": lambda task: [task[1]],
    "prove": lambda task: [*([] if task.folder else [task.written]), task.file.blob],
    "judge": lambda task: [task.proof.written],
}
"""What each kind of task reads of the repository, in this order."""
