"""What Flux's kustomize-controller reads for each of its Kustomizations: the files, and what each is used for.

Source: fluxcd/kustomize-controller internal/decryptor and fluxcd/pkg/kustomize at 1.9.5 (which files, in which order);
kustomize 5 types.Kustomization (field names).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple, TypeAlias, cast

from secretsync import files
from secretsync.documents.plain import Plain, to_plain
from secretsync.documents.stores import store_named
from secretsync.documents.tree import Limits
from secretsync.errors import ConfigError, MissingFileError, SecretsyncError
from secretsync.manifests.objects import Object

Role: TypeAlias = Literal["resource", "secret file", "secret env", "patch", "merged", "never decrypted"]

_GROUP: Final = "kustomize.toolkit.fluxcd.io/"
KUSTOMIZATIONS: Final = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_PLUGINS: Final = ("generators", "transformers", "validators")
_BUILTIN: Final = "builtin"
_LEFT_OUT: Final = frozenset(
    {
        *(".git", ".gitignore", ".gitmodules", ".gitattributes"),
        *(".github", ".circleci", ".travis.yml", ".gitlab-ci.yml", "appveyor.yml", ".drone.yml"),
        *("cloudbuild.yaml", "codeship-services.yml", "codeship-steps.yml"),
        *(".goreleaser.yml", ".sops.yaml", ".flux.yaml"),
    }
)
"""What source-controller leaves out of every archive. Source: fluxcd/pkg/sourceignore."""
_MANIFESTS: Final = (".yaml", ".yml")
_REMOTE: Final = ("://", "git@", "github.com/")


class Sync(NamedTuple):
    """One Flux Kustomization: where it stands, what it applies and how it decrypts."""

    file: str
    name: str
    namespace: str
    path: str
    target_namespace: str
    provider: str
    secret: str
    prefix: str = ""
    suffix: str = ""
    components: tuple[str, ...] = ()

    @property
    def keys(self) -> str:
        """Where the controller takes its keys from, for people."""
        return f"Secret {self.namespace}/{self.secret}" if self.secret else "the controller's own keys"


class NameTransform(NamedTuple):
    """How kustomize renames what lies below: the outermost namespace, prefix and suffix."""

    namespace: str = ""
    prefix: str = ""
    suffix: str = ""


_Seen: TypeAlias = "set[tuple[str, NameTransform]]"


class Use(NamedTuple):
    """One file that a build reads. `key` is the name under which a generator puts it into the Secret."""

    path: str
    role: Role
    change: NameTransform
    key: str = ""


def find_syncs(root: str) -> list[Sync]:
    """Return the Flux Kustomizations that are written anywhere below `root`, in the order of their files."""
    found = []
    for path in files.walk(root):
        if path.endswith(_MANIFESTS):
            found += [_sync(path, obj) for obj in _objects(root, path) if _is_sync(obj)]
    return found


def uses(root: str, sync: Sync) -> Iterator[Use]:
    """Yield every local file that building `sync` reads, each with what it is used for.

    Raises:
        FileAccessError: a folder or a kustomization that is named does not exist or leads out of `root`.
        ParseError: a kustomization is no YAML.
        ConfigError: a kustomization is ambiguous, includes itself, or needs plugins, which Flux has none of.
    """
    folder = os.path.normpath(sync.path.lstrip("/") or ".")
    change, seen = NameTransform(sync.target_namespace, sync.prefix, sync.suffix), set[tuple[str, NameTransform]]()
    if _kustomization(root, folder):
        yield from _built(root, folder, change, seen)
    else:
        yield from _generated(root, folder, change, seen)
    for component in sync.components:
        yield from _built(root, os.path.normpath(os.path.join(folder, component)), change, seen)


def _is_sync(obj: Object) -> bool:
    return str(obj.get("apiVersion", "")).startswith(_GROUP) and obj.get("kind") == "Kustomization"


def _sync(file: str, obj: Object) -> Sync:
    metadata, spec = _mapping(obj, "metadata"), _mapping(obj, "spec")
    decryption = _mapping(spec, "decryption")
    return Sync(
        file=file,
        name=_text(metadata, "name"),
        namespace=_text(metadata, "namespace") or "flux-system",
        path=_text(spec, "path") or ".",
        target_namespace=_text(spec, "targetNamespace"),
        provider=_text(decryption, "provider"),
        secret=_text(_mapping(decryption, "secretRef"), "name"),
        prefix=_text(spec, "namePrefix"),
        suffix=_text(spec, "nameSuffix"),
        components=tuple(_texts(spec, "components")),
    )


def _generated(root: str, folder: str, change: NameTransform, seen: _Seen) -> Iterator[Use]:
    """Yield what Flux puts into the kustomization it writes where there is none: every manifest below."""
    if not os.path.isdir(os.path.join(root, folder)):
        raise MissingFileError("no such folder", location=folder)
    inner: list[str] = []
    for name in files.walk(os.path.join(root, folder)):
        path = os.path.normpath(os.path.join(folder, name))
        if not _LEFT_OUT.isdisjoint(path.split(os.sep)):
            continue
        above = [part for part in _parents(path, folder) if _kustomization(root, part)]
        if above:
            if above[0] not in inner:
                inner.append(above[0])
                yield from _built(root, above[0], change, seen)
        elif path.endswith(_MANIFESTS):
            yield Use(path, "resource", change)


def _parents(path: str, top: str) -> list[str]:
    """Return the folders between `top` and a file, the outermost first."""
    found: list[str] = []
    folder = os.path.dirname(path)
    while folder not in {top, "", "."}:
        found.insert(0, folder)
        folder = os.path.dirname(folder)
    return found


def _built(root: str, folder: str, change: NameTransform, seen: _Seen, outer: tuple[str, ...] = ()) -> Iterator[Use]:
    """Yield what building `folder` reads, once for each change; `outer` are the folders that include it."""
    name = _kustomization(root, folder)
    if not name:
        raise MissingFileError("no kustomization here", location=folder)
    if folder in outer:
        raise ConfigError("includes itself", location=name)
    if (folder, change) in seen:
        return
    seen.add((folder, change))
    content = _content(root, name)
    inner = _renamed(content, change)
    for role, path, key in _named(content):
        target = os.path.normpath(os.path.join(folder, path))
        if any(mark in path for mark in _REMOTE):
            continue
        if role == "resource" and os.path.isdir(os.path.join(root, target)):
            yield from _built(root, target, inner, seen, (*outer, folder))
        else:
            yield Use(target, role, inner, key)
    if any(_is_plugin(root, folder, item) for field in _PLUGINS for item in _texts(content, field)):
        raise ConfigError("needs plugins or functions, and Flux runs none", location=name)
    if _list(content, "helmCharts"):
        raise ConfigError("renders a Helm chart, and Flux has that switched off in kustomize", location=name)


def _content(root: str, name: str) -> Object:
    """Return a kustomization. Raises: ParseError, FileAccessError."""
    limits = Limits()
    try:
        documents = store_named("yaml").load(files.read_confined(root, name, limits.size), limits=limits).documents
    except SecretsyncError as error:
        raise (error if (error.location or "").startswith(name) else error.at(name)) from None
    return cast("Object", to_plain(documents[0])) if documents else {}


def _is_plugin(root: str, folder: str, item: str) -> bool:
    """Whether an entry of a kustomization, a path or the object itself, is none of kustomize's own plugins."""
    path = os.path.normpath(os.path.join(folder, item))
    if "\n" not in item and os.path.isdir(os.path.join(root, path)):
        return False
    try:
        data = item.encode() if "\n" in item else files.read_confined(root, path, Limits().size)
        documents = store_named("yaml").load(data, limits=Limits()).documents
    except (SecretsyncError, UnicodeEncodeError):
        return False
    return any(cast("Object", to_plain(document)).get("apiVersion") != _BUILTIN for document in documents)


def _named(content: Object) -> Iterator[tuple[Role, str, str]]:
    """Yield role, path and key of each file that a kustomization names."""
    for field in ("resources", "bases", "components"):
        for path in _texts(content, field):
            yield "resource", path, ""
    for generator in _mappings(content, "secretGenerator"):
        yield from _generated_from(generator)
    for patch in _mappings(content, "patches"):
        if _text(patch, "path"):
            yield "patch", _text(patch, "path"), ""
    for generator in _mappings(content, "configMapGenerator"):
        for _, path, _ in _generated_from(generator):
            yield "never decrypted", path, ""
    for path in _texts(content, "patchesStrategicMerge"):
        if "\n" not in path:
            yield "merged", path, ""


def _generated_from(generator: Object) -> Iterator[tuple[Role, str, str]]:
    """Yield the files of a secretGenerator or configMapGenerator, each with its key."""
    for entry in _texts(generator, "files"):
        key, _, path = entry.rpartition("=")
        yield "secret file", path, key or os.path.basename(path)
    for path in _texts(generator, "envs"):
        yield "secret env", path, ""
    if _text(generator, "env"):  # an old field that kustomize still reads and the controller does not
        yield "never decrypted", _text(generator, "env"), ""


def _renamed(content: Object, outer: NameTransform) -> NameTransform:
    """Return what becomes of names below a kustomization, the outer one having the last word on the namespace."""
    return NameTransform(
        outer.namespace or _text(content, "namespace"),
        outer.prefix + _text(content, "namePrefix"),
        _text(content, "nameSuffix") + outer.suffix,
    )


def _kustomization(root: str, folder: str) -> str:
    names = [os.path.normpath(os.path.join(folder, name)) for name in KUSTOMIZATIONS]
    found = [name for name in names if os.path.isfile(os.path.join(root, name))]
    if len(found) > 1:
        raise ConfigError("there is another kustomization beside it", location=found[0])
    return found[0] if found else ""


def _objects(root: str, path: str) -> list[Object]:
    """Return the objects of a file as plain dicts, none where it cannot be read as YAML."""
    limits = Limits()
    try:
        documents = store_named("yaml").load(files.read_confined(root, path, limits.size), limits=limits).documents
        return [cast("Object", to_plain(document)) for document in documents]
    except SecretsyncError:
        return []


def _mapping(obj: Object, field: str) -> Object:
    value = obj.get(field)
    return value if isinstance(value, dict) else {}


def _mappings(obj: Object, field: str) -> list[Object]:
    return [item for item in _list(obj, field) if isinstance(item, dict)]  # type: ignore[misc]  # Plain's dicts are Objects


def _texts(obj: Object, field: str) -> list[str]:
    return [item for item in _list(obj, field) if isinstance(item, str)]


def _list(obj: Object, field: str) -> list[Plain]:
    value = obj.get(field)
    return value if isinstance(value, list) else []


def _text(obj: Object, field: str) -> str:
    value = obj.get(field)
    return value if isinstance(value, str) else ""
