"""The build of one Kustomization: the objects that come out of it, as far as decryption and its children need them.

Resources, bases, components, generators, patches, namespace, prefix, suffix, labels and annotations are followed in
kustomize's order. What is not followed is noted, for the verdict "not judged".
Source: fluxcd/pkg/kustomize at 1.35 (the kustomization that the controller writes), kustomize api/internal/target at 5.8.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Final, cast

import secretsync.audit.flux.generators as generators
import secretsync.audit.flux.patches as patches
from secretsync.audit.flux.artifact import MANIFESTS, Artifact, is_sops
from secretsync.audit.flux.fields import annotations_of, mapping, mappings, text, texts
from secretsync.audit.flux.generators import Use, is_remote, local
from secretsync.audit.flux.kustomization import Kustomization
from secretsync.audit.flux.patches import Resource
from secretsync.audit.flux.scopes import is_cluster_wide, keeps_its_name
from secretsync.documents.plain import to_plain
from secretsync.documents.tree import Limits
from secretsync.documents.yaml import loading
from secretsync.errors import ConfigError, EscapeError, LimitError, MissingFileError, SecretsyncError
from secretsync.manifests.objects import Object
from secretsync.secrecy import CIPHERTEXT

_LOCAL: Final = "config.kubernetes.io/local-config"
_MOST: Final = 5_000
"""Kustomizations of one build, each counted as often as it is included."""


@dataclass(slots=True)
class Build:
    """What came out: objects, the files used beside manifests, every file that was read, and what was not followed.

    `error` ended the build; what was found until then is there.
    """

    resources: list[Resource] = field(default_factory=list)
    uses: list[Use] = field(default_factory=list)
    read: set[str] = field(default_factory=set)
    unfollowed: list[str] = field(default_factory=list)
    error: SecretsyncError | None = None


def build(artifact: Artifact, sync: Kustomization) -> Build:
    """Build a Kustomization from the artifact of its source."""
    builder = _Builder(artifact, decrypts=sync.decrypts)
    folder = os.path.normpath(f"/{sync.path}").lstrip("/") or "."
    try:
        content, name = builder.root(folder, sync)
        found = builder.target(folder, content, name, [], ())
        builder.built.resources = [each for each in found if annotations_of(each.obj).get(_LOCAL) != "true"]
    except SecretsyncError as error:
        builder.built.error = error
    return builder.built


class _Builder:
    def __init__(self, artifact: Artifact, *, decrypts: bool) -> None:
        self.artifact = artifact
        self.built = Build()
        self._decrypts = decrypts
        self._included = 0
        self._unvisited: set[str] = set()  # folders that only `bases` names: the controller does not look there

    def root(self, folder: str, sync: Kustomization) -> tuple[Object, str]:
        """Return the kustomization that the controller builds, and the name of its file."""
        name = self._file(folder)
        if not (name or self.artifact.is_folder(folder)):
            raise MissingFileError("no such folder", location=folder, hint=self._hint(folder))
        content: Object = self.artifact.content(name) if name else {"resources": self._generated(folder)}
        self.built.read.add(name)
        spec = sync.spec
        own = {"namespace": "targetNamespace", "namePrefix": "namePrefix", "nameSuffix": "nameSuffix"}
        changed = {field: text(spec, given) for field, given in own.items() if text(spec, given)}
        components = [each for each in sync.components if not self._may_be_missing(folder, each, spec)]
        return {
            **content,
            **changed,
            "patches": [*mappings(content, "patches"), *({**each, "path": ""} for each in mappings(spec, "patches"))],
            "components": [*texts(content, "components"), *components],
        }, name

    def _may_be_missing(self, folder: str, component: str, spec: Object) -> bool:
        return spec.get("ignoreMissingComponents") is True and not self.artifact.is_folder(local(folder, component))

    def _hint(self, folder: str) -> str | None:
        left_out = any(path.startswith(f"{folder}/") for path in self.artifact.left_out)
        return "what .sourceignore leaves out is not in the artifact" if left_out else None

    def _generated(self, folder: str) -> list[str]:
        """Return what the controller puts into the kustomization that it writes where there is none."""
        found: list[str] = []
        taken: dict[str, str] = {}  # folders, and the one among them and above that has a kustomization
        start = "" if folder == "." else f"{folder}/"
        for path in self.artifact.below(folder):
            parent = path[len(start) :].rpartition("/")[0]
            if parent not in taken:
                taken[parent] = self._outermost(start, parent)
            if taken[parent]:
                if not found or found[-1] != taken[parent]:
                    found.append(taken[parent])
            elif path.endswith(MANIFESTS):
                found.append(path[len(start) :])
        return list(dict.fromkeys(found))

    def _outermost(self, start: str, folder: str) -> str:
        steps = folder.split("/") if folder else []
        tries = ("/".join(steps[: index + 1]) for index in range(len(steps)))
        return next((each for each in tries if self.artifact.kustomizations(f"{start}{each}")), "")

    def _file(self, folder: str) -> str:
        found = self.artifact.kustomizations(folder)
        if len(found) > 1:
            raise ConfigError("there is another kustomization beside it", location=found[0])
        return found[0] if found else ""

    def target(
        self, folder: str, content: Object, name: str, before: list[Resource], outer: tuple[str, ...]
    ) -> list[Resource]:
        """Return what a kustomization makes, and for a component of what was there `before` as well."""
        inner = (*outer, folder)
        found: list[Resource] = [*before]
        for entry in texts(content, "resources"):
            found += self._entry(folder, name, entry, inner)
        for entry in texts(content, "bases"):
            self._unvisited.add(local(folder, entry))
            found += self._entry(folder, name, entry, inner)
        visited = not self._unvisited.intersection(inner)
        self.built.uses += generators.uses(content, folder, name, is_visited=visited)
        found += [
            Resource(each.obj, name, "", is_whole=each.is_whole)
            for each in generators.generated(self.artifact, content, folder)
        ]
        generators.refuse_plugins(self.artifact, content, folder, name)
        self.built.unfollowed += [f"{name} uses {each}" for each in generators.unfollowed(content)]
        for entry in texts(content, "components"):
            if self._is_here(name, entry):
                found = self._below(local(folder, entry), name, found, inner)
        return self._transformed(folder, content, name, found)

    def _entry(self, folder: str, name: str, entry: str, inner: tuple[str, ...]) -> list[Resource]:
        path = local(folder, entry)
        if not self._is_here(name, entry):
            return []
        if path.startswith("../") or path == "..":
            raise EscapeError(f"names {entry!r}, which leads out of the repository", location=name)
        if self.artifact.is_file(path):
            self.built.read.add(path)
            found = self.artifact.manifests(path)
            return [Resource(each.obj, path, each.place, is_whole=each.document is not None) for each in found]
        return self._below(path, name, [], inner)

    def _is_here(self, name: str, entry: str) -> bool:
        if is_remote(entry):
            self.built.unfollowed.append(f"{name} reads what is not in the repository")
            return False
        return True

    def _below(self, folder: str, by: str, before: list[Resource], outer: tuple[str, ...]) -> list[Resource]:
        if not self.artifact.is_folder(folder):
            shown = f"names {folder}, which is not there" if by else "is not there"
            hint = "what .sourceignore leaves out is not in the artifact" if folder in self.artifact.left_out else None
            raise MissingFileError(shown, location=by or folder, hint=hint or self._hint(folder))
        name = self._file(folder)
        if not name:
            raise MissingFileError("no kustomization here", location=folder)
        if folder in outer:
            raise ConfigError("includes itself", location=name)
        self._included += 1
        if self._included > _MOST:
            raise LimitError(f"includes more than {_MOST} kustomizations", location=name)
        self.built.read.add(name)
        return self.target(folder, self.artifact.content(name), name, before, outer)

    def _transformed(self, folder: str, content: Object, name: str, found: list[Resource]) -> list[Resource]:
        try:
            for patch in self._patches(folder, content):
                found = patches.apply(patch, found, must_match=not self.built.unfollowed)
        except ConfigError as error:
            raise error if error.location else error.at(name) from None
        namespace, prefix, suffix = (text(content, each) for each in ("namespace", "namePrefix", "nameSuffix"))
        added = {
            "labels": {**mapping(content, "commonLabels"), **_pairs(content)},
            "annotations": mapping(content, "commonAnnotations"),
        }
        if namespace or prefix or suffix or any(added.values()):
            for each in found:
                each.obj = _renamed(each.obj, namespace, prefix, suffix, added)
        return found

    def _patches(self, folder: str, content: Object) -> list[patches.Patch]:
        found = []
        for entry in texts(content, "patchesStrategicMerge"):
            if "\n" in entry:
                found.append(patches.read(entry.encode(), {}))
            elif (objects := self._objects(local(folder, entry), decrypts=False)) is not None:
                found.append(patches.of_objects(objects, {}))
        for each in (*mappings(content, "patches"), *mappings(content, "patchesJson6902")):
            target, path = mapping(each, "target"), text(each, "path")
            if not path:
                found.append(patches.read(text(each, "patch").encode(), target))
            elif not is_remote(path):
                found += self._from_file(local(folder, path), target)
        return found

    def _from_file(self, path: str, target: Object) -> list[patches.Patch]:
        if not self.artifact.is_file(path):
            raise MissingFileError("no such file", location=path)
        if is_sops(path, self.artifact.data(path)):
            objects = self._objects(path, decrypts=self._decrypts)
            return [] if objects is None else [patches.of_objects(objects, target)]
        return [patches.read(self.artifact.data(path), target)]

    def _objects(self, path: str, *, decrypts: bool) -> list[Object] | None:
        """Return the objects of a patch: an encrypted one as it is decrypted, its values unknown; None if it stays so."""
        data = self.artifact.data(path)
        documents = loading.load(data, limits=Limits(), comments=False).documents
        objects = [cast("Object", to_plain(each)) for each in documents]
        if not is_sops(path, data):
            return objects
        return [cast("Object", _unknown(each)) for each in objects] if decrypts else None


def _unknown(value: object) -> object:
    """Return an encrypted object as far as it is known what it decrypts to: without `sops`, and with empty values."""
    if isinstance(value, dict):
        return {key: _unknown(item) for key, item in value.items() if key != "sops"}
    if isinstance(value, list):
        return [_unknown(item) for item in value]
    return "" if isinstance(value, str) and value.startswith(CIPHERTEXT) else value


def _pairs(content: Object) -> Object:
    found: Object = {}
    for each in mappings(content, "labels"):
        found.update(mapping(each, "pairs"))
    return found


def _renamed(obj: Object, namespace: str, prefix: str, suffix: str, added: dict[str, Object]) -> Object:
    own = dict(mapping(obj, "metadata"))
    if namespace and not is_cluster_wide(obj):
        own["namespace"] = namespace
    if (prefix or suffix) and not keeps_its_name(obj):
        own["name"] = f"{prefix}{text(own, 'name')}{suffix}"
    for name, values in added.items():
        if values:
            own[name] = {**mapping(own, name), **values}
    return {**obj, "metadata": own}
