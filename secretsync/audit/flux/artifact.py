"""The files of one source as the controller gets them: which there are, and what objects they hold. Each is read once."""

from __future__ import annotations

import os
from bisect import bisect_left
from contextlib import suppress
from functools import cached_property
from typing import Final, NamedTuple, cast

import secretsync.audit.flux.ignoring as ignoring
import secretsync.audit.walking as walking
from secretsync import files
from secretsync.audit.flux.formats import holds_nothing
from secretsync.documents.plain import to_plain
from secretsync.documents.tree import Limits, Mapping
from secretsync.documents.yaml import loading
from secretsync.documents.yaml.outlines import outline
from secretsync.errors import SecretsyncError
from secretsync.keyring.ownfiles import is_own
from secretsync.manifests.objects import Object, flatten
from secretsync.secrecy import CIPHERTEXT
from secretsync.sops.recognition import store_of_content

GROUP: Final = "kustomize.toolkit.fluxcd.io/"
MANIFESTS: Final = (".yaml", ".yml")

_LIMITS: Final = Limits()
_HELD: Final = 128 << 20
"""Bytes of files that are kept between the first look at them and the second."""
_ASKED: Final = (b"sops", b"Secret", b"List", b"$", b"fluxcd", b"local-config", CIPHERTEXT.encode(), b"\\", b"sync:")
"""Words of manifests that more is asked of than their objects' names."""


class Manifest(NamedTuple):
    """One object of a file. `document` is the tree it was read from, None where only its names are known."""

    place: str
    obj: Object
    document: Mapping | None


class Marked(NamedTuple):
    """Manifests that may hold Kustomizations, or what stands for them, and those that may say what is left out."""

    kustomizations: list[str]
    ignoring: list[str]


class Artifact:
    """The tree of a source below `root`; all paths are relative to it, with `/`, and the root is `.`.

    Links are in no artifact: source-controller packs regular files only.
    """

    def __init__(self, root: str) -> None:
        self.root = root
        self._all = sorted(met.path.replace(os.sep, "/") for met in walking.below(root) if met.problem is None)
        self.left_out: set[str] = set()
        self._files: list[str] = []
        self._present: set[str] = set()
        self._folders: set[str] = set()
        self._bytes: dict[str, bytes] = {}
        self._held = 0
        self._manifests: dict[str, list[Manifest] | SecretsyncError] = {}
        self._contents: dict[str, Object] = {}
        self._patterns = [each for path in self._all for each in self._ignored_by(path)]
        self._links = {path for path in self._all if os.path.islink(os.path.join(root, path))}
        self._take()

    def leave_out(self, lines: list[str]) -> None:
        """Leave out what the `spec.ignore` of the source says."""
        self._patterns += ignoring.patterns(lines)
        self._take()

    def is_file(self, path: str) -> bool:
        """Whether there is such a file."""
        return path in self._present

    def is_folder(self, path: str) -> bool:
        """Whether there is such a folder with a file in it."""
        return path in self._folders

    def below(self, folder: str) -> list[str]:
        """Return all files below a folder, in order."""
        if folder == ".":
            return self._files
        start = bisect_left(self._files, f"{folder}/")
        return self._files[start : bisect_left(self._files, f"{folder}0")]  # what follows `/` in order

    def kustomizations(self, folder: str) -> list[str]:
        """Return the kustomization files of a folder; more than one is an error of it."""
        return [
            path for name in walking.KUSTOMIZATIONS if (path := os.path.normpath(f"{folder}/{name}")) in self._present
        ]

    def data(self, path: str) -> bytes:
        """Return the content of a file. Raises: FileAccessError, LimitError."""
        found = self._bytes.get(path)
        if found is None:
            found = files.read_confined(self.root, path, _LIMITS.size)
            if self._held + len(found) <= _HELD:
                self._bytes[path] = found
                self._held += len(found)
        return found

    def manifests(self, path: str) -> list[Manifest]:
        """Return the objects of a manifest, those of lists by themselves. Raises: what reading it raises."""
        found = self._manifests.get(path)
        if found is None:
            try:
                found = _objects(self.data(path))
            except SecretsyncError as error:
                found = error
            self._manifests[path] = found
            self._held -= len(self._bytes.pop(path, b""))
        if isinstance(found, SecretsyncError):
            raise found
        return found

    def content(self, path: str) -> Object:
        """Return what a kustomization file says. Raises: what reading it raises, placed at it."""
        if path not in self._contents:
            try:
                found = _read(self.data(path))
            except SecretsyncError as error:
                raise (error if (error.location or "").startswith(path) else error.at(path)) from None
            self._contents[path] = found[0].obj if found else {}
        return self._contents[path]

    def whole(self, path: str) -> list[Manifest]:
        """Return the objects of a manifest with all that is in them. Raises: as `manifests`."""
        found = self.manifests(path)
        if all(each.document is not None for each in found):
            return found
        found = self._manifests[path] = _read(self.data(path))
        return found

    @cached_property
    def marked(self) -> Marked:
        """The manifests that may hold what a run begins with: one look at all of them, before they are read."""
        entries, ignoring_ones = [], []
        for path in self._files:
            if path.endswith(MANIFESTS):
                with suppress(SecretsyncError):
                    data = self.data(path)
                    if GROUP.encode() in data or (b"sync:" in data and b"nstance" in data):
                        entries.append(path)
                    if b"ignore:" in data:
                        ignoring_ones.append(path)
        return Marked(entries, ignoring_ones)

    def is_sops(self, path: str) -> bool:
        """Whether a file is a SOPS file, of whatever store, and not one of the key ring."""
        try:
            data = self.data(path)
        except SecretsyncError:
            return False
        return is_sops(path, data)

    def all_files(self) -> list[str]:
        """Return all files but links, those that are left out as well."""
        return [path for path in self._all if path not in self._links]

    def _ignored_by(self, path: str) -> list[ignoring.IgnorePattern]:
        folder, _, name = path.rpartition("/")
        if name != ignoring.FILE:
            return []
        lines = files.read_confined(self.root, path, _LIMITS.size).decode("utf-8", "replace").splitlines()
        return list(ignoring.patterns(lines, folder))

    def _take(self) -> None:
        self.left_out = {path for path in self._all if ignoring.is_left_out(path, self._patterns)}
        self._files = [path for path in self._all if path not in self.left_out and path not in self._links]
        self._present = set(self._files)
        self._folders = {"."}
        for path in self._files:
            folder = path.rpartition("/")[0]
            while folder and folder not in self._folders:
                self._folders.add(folder)
                folder = folder.rpartition("/")[0]


def is_sops(path: str, data: bytes) -> bool:
    """Whether content is a SOPS file's, of whatever store, and not one of the key ring."""
    return b"sops" in data and store_of_content(data) is not None and not is_own(path, data)


def _objects(data: bytes) -> list[Manifest]:
    if not any(word in data for word in _ASKED) and data[:1] not in {b"\xff", b"\xfe", b"\xef"}:
        outlined = outline(data, _LIMITS)
        if outlined is not None:
            several = len(outlined) > 1
            return [Manifest(f"#{index}" if several else "", obj, None) for index, obj in enumerate(outlined, 1)]
    return _read(data)


def _read(data: bytes) -> list[Manifest]:
    if holds_nothing(data):
        return []
    documents = loading.load(data, limits=_LIMITS, comments=False).documents
    several = len(documents) > 1
    found = []
    for index, document in enumerate(documents, 1):
        place = f"#{index}" if several else ""
        for inner, obj in flatten(cast("Object", to_plain(document))):
            if obj:
                found.append(Manifest(f"{place} {inner}".strip(), obj, document))
    return found
