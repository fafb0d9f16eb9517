"""What a kustomization names beside its resources: the files of generators and patches, and how each is used.

Source: kustomize 5 types.Kustomization (field names), fluxcd/kustomize-controller internal/decryptor at 1.9.5.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple, TypeAlias

from secretsync.audit.flux.artifact import Artifact, is_sops
from secretsync.audit.flux.fields import listed, mapping, mappings, text, texts
from secretsync.documents.plain import to_plain
from secretsync.documents.tree import Limits
from secretsync.documents.yaml import loading
from secretsync.errors import ConfigError, SecretsyncError
from secretsync.manifests.objects import Object

Role: TypeAlias = Literal["secret file", "secret env", "config map", "old env", "patch", "merged"]

_PLUGINS: Final = ("generators", "transformers", "validators")
_BUILTIN: Final = "builtin"
_PUBLIC: Final = "ConfigMap"
_UNFOLLOWED: Final = ("replacements", "vars", "generators", "transformers")
_REMOTE: Final = ("://", "git@", "github.com/", "git::", "gh:", "github.com:")


class Use(NamedTuple):
    """One file that a build reads beside its manifests. `key` is the name under which a generator puts it into the object.

    `is_visited`: the controller comes to the kustomization that names it before the build, and decrypts what it may.
    """

    path: str
    role: Role
    by: str
    key: str = ""
    is_visited: bool = True


def is_remote(path: str) -> bool:
    """Whether an entry leads out of the repository."""
    return any(mark in path for mark in _REMOTE)


def local(folder: str, path: str) -> str:
    """Return a path that stands in a kustomization of `folder`, relative to the root of the artifact."""
    return os.path.normpath(f"{folder}/{path}")


def uses(content: Object, folder: str, by: str, *, is_visited: bool) -> Iterator[Use]:
    """Yield each local file that the generators and patches of a kustomization name."""
    for role, path, key in _named(content):
        if not is_remote(path):
            yield Use(local(folder, path), role, by, key, is_visited)


def _named(content: Object) -> Iterator[tuple[Role, str, str]]:
    for generator in mappings(content, "secretGenerator"):
        for path, key in _files(generator):
            yield "secret file", path, key
        for path in texts(generator, "envs"):
            yield "secret env", path, ""
        if text(generator, "env"):  # an old field that kustomize still reads and the controller does not
            yield "old env", text(generator, "env"), ""
    for generator in mappings(content, "configMapGenerator"):
        paths = [path for path, _ in _files(generator)] + texts(generator, "envs")
        yield from (("config map", path, "") for path in (*paths, text(generator, "env")) if path)
    patches = (text(patch, "path") for patch in mappings(content, "patches"))
    yield from (("patch", path, "") for path in patches if path)
    yield from (("merged", path, "") for path in texts(content, "patchesStrategicMerge") if "\n" not in path)


def _files(generator: Object) -> Iterator[tuple[str, str]]:
    """Yield path and key of the `files` of a generator."""
    for entry in texts(generator, "files"):
        key, _, path = entry.rpartition("=")
        yield path, key or os.path.basename(path)


class Generated(NamedTuple):
    """An object that a generator makes; `is_whole` says whether its data is in it."""

    obj: Object
    is_whole: bool


def generated(artifact: Artifact, content: Object, folder: str) -> Iterator[Generated]:
    """Yield the objects that generators make anew: of Secrets only the names, since their data is base64."""
    options = mapping(content, "generatorOptions")
    for field, kind in (("secretGenerator", "Secret"), ("configMapGenerator", "ConfigMap")):
        for generator in mappings(content, field):
            if text(generator, "behavior") in {"", "create"}:
                named = {name: text(generator, name) for name in ("name", "namespace") if text(generator, name)}
                metadata = {**_labelled(options), **_labelled(mapping(generator, "options")), **named}
                made: Object = {"apiVersion": "v1", "kind": kind, "metadata": metadata}
                data = dict(_data(artifact, generator, folder)) if kind == _PUBLIC else {}
                yield Generated({**made, "data": data} if data else made, is_whole=kind == _PUBLIC)


def _data(artifact: Artifact, generator: Object, folder: str) -> Iterator[tuple[str, str]]:
    """Yield keys and texts of a generated ConfigMap, as far as they are texts, and not encrypted."""
    for entry in texts(generator, "literals"):
        key, _, value = entry.partition("=")
        yield key, value.strip("'\"")
    for path, key in _files(generator):
        if content := _text(artifact, local(folder, path)):
            yield key, content
    for path in texts(generator, "envs"):
        for line in _text(artifact, local(folder, path)).splitlines():
            key, found, value = line.partition("=")
            if found and not line.startswith("#"):
                yield key, value


def _text(artifact: Artifact, path: str) -> str:
    try:
        data = artifact.data(path) if artifact.is_file(path) else b""
        return "" if is_sops(path, data) else data.decode()
    except (SecretsyncError, UnicodeDecodeError):
        return ""


def _labelled(options: Object) -> Object:
    return {field: mapping(options, field) for field in ("labels", "annotations") if mapping(options, field)}


def refuse_plugins(artifact: Artifact, content: Object, folder: str, name: str) -> None:
    """Refuse what Flux's build refuses.

    Raises:
        ConfigError: plugins, functions or charts are to be run.
    """
    for field in _PLUGINS:
        if any(_is_plugin(artifact, folder, item) for item in texts(content, field)):
            raise ConfigError("needs plugins or functions, and Flux runs none", location=name)
    if listed(content, "helmCharts"):
        raise ConfigError("renders a Helm chart, and Flux has that switched off in kustomize", location=name)


def unfollowed(content: Object) -> list[str]:
    """Return the fields of a kustomization that change objects in ways that are not followed here."""
    return [field for field in _UNFOLLOWED if listed(content, field)]


def _is_plugin(artifact: Artifact, folder: str, item: str) -> bool:
    """Whether an entry of a kustomization, a path or the object itself, is none of kustomize's own plugins."""
    path = local(folder, item) if "\n" not in item else ""
    if path and artifact.is_folder(path):
        return False
    try:
        data = artifact.data(path) if path else item.encode()
        documents = loading.load(data, limits=Limits(), comments=False).documents
        objects = [to_plain(document) for document in documents]
    except (SecretsyncError, UnicodeEncodeError):
        return False
    return any(isinstance(obj, dict) and obj.get("apiVersion") != _BUILTIN for obj in objects)
