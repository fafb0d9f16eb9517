"""Where the controller begins: the Kustomizations that somebody applied, from which all others follow.

A repository does not tell what was applied by hand. What bootstrap and flux-operator apply can be told by its name;
where neither left anything, every Kustomization counts that no other one brings.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final, NamedTuple

import secretsync.audit.flux.patches as patches
from secretsync.audit.flux.artifact import Artifact
from secretsync.audit.flux.build import build
from secretsync.audit.flux.fields import mapping, text
from secretsync.audit.flux.kustomization import (
    NAMESPACE,
    Instance,
    Kustomization,
    SourceReference,
    ignored_by,
    instance_of,
    is_kustomization,
)
from secretsync.audit.flux.patches import Resource
from secretsync.errors import ConfigError, MissingFileError, SecretsyncError

_SYNC: Final = "gotk-sync.yaml"
_TOGETHER: Final = "GitRepository"

Held = Callable[[Kustomization, SourceReference], list[Kustomization]]


class Entries(NamedTuple):
    """The Kustomizations that are applied first, and the source that this repository is: None where each says its own."""

    first: list[Kustomization]
    own: SourceReference | None


def named(artifact: Artifact, paths: list[str]) -> list[Kustomization]:
    """Return the Kustomizations that files or folders of an artifact hold, as `kubectl apply` would take them.

    Raises:
        MissingFileError: there is no such file or folder.
        ConfigError: it holds no Kustomization.
    """
    found: list[Kustomization] = []
    for path in paths:
        if artifact.is_file(path):
            here = [each for name in [path] for each in of_file(artifact, name)]
        elif artifact.is_folder(path):
            here = _of_folder(artifact, path)
        else:
            raise MissingFileError("no such file or folder in the repository", location=path)
        if not here:
            raise ConfigError("holds no Kustomization of Flux", location=path)
        found += here
    return found


def found(artifact: Artifact, held: Held) -> Entries:
    """Return the entries of a repository. `held` says which Kustomizations the build of one brings, all of them below it."""
    written = [each for each in _written(artifact) if not _is_hidden(each.file)]
    bootstrapped = [each for each in written if _is_bootstrapped(each)]
    if bootstrapped:
        return Entries(bootstrapped, None)
    own = own_source(artifact, written)
    return Entries(_roots(written, held, own), own)


def ignored(artifact: Artifact, source: SourceReference) -> list[str]:
    """Return what the object of a source leaves out of its artifact, where that object lies in the artifact itself."""
    found: list[str] = []
    for path in artifact.marked.ignoring:
        with suppress(SecretsyncError):
            found += [line for each in artifact.whole(path) for line in ignored_by(each.obj, source)]
    return found


def own_source(artifact: Artifact, syncs: list[Kustomization]) -> SourceReference:
    """Return which source this repository is: where not all read the same, that of bootstrap, else the commonest."""
    sources = list(dict.fromkeys(each.source for each in syncs if each.source.kind))
    if len(sources) <= 1:
        return sources[0] if sources else SourceReference("", "", "")
    usual = [each for each in sources if each.name == NAMESPACE]
    together = usual or [each for each in sources if each.kind == _TOGETHER] or sources

    def used(source: SourceReference) -> int:
        return sum(each.source.is_same(source) and artifact.is_folder(_folder(each)) for each in syncs)

    return max(together, key=used)


def _folder(sync: Kustomization) -> str:
    return os.path.normpath(f"/{sync.path}").lstrip("/") or "."


def _written(artifact: Artifact) -> Iterator[Kustomization]:
    for path in artifact.marked.kustomizations:
        yield from of_file(artifact, path)


def of_file(artifact: Artifact, path: str) -> Iterator[Kustomization]:
    """Yield the Kustomizations that a file holds, none where it cannot be read."""
    try:
        manifests = artifact.manifests(path)
    except SecretsyncError:
        return
    for each in manifests:
        if is_kustomization(each.obj):
            yield Kustomization(each.obj, path, each.place)
        elif instance := instance_of(each.obj, path, each.place):
            yield _patched(instance)


def _patched(instance: Instance) -> Kustomization:
    """Return the Kustomization of a FluxInstance with the instance's own patches applied."""
    made = instance.made
    resources = [Resource(made.obj, made.file, made.place, is_whole=True)]
    for each in instance.patches:
        try:
            patch = patches.read(text(each, "patch").encode(), mapping(each, "target"))
            resources = patches.apply(patch, resources) or resources
        except SecretsyncError:
            continue
    return made._replace(obj=resources[0].obj)


def _of_folder(artifact: Artifact, path: str) -> list[Kustomization]:
    """Return the Kustomizations that building a folder gives."""
    made = Kustomization({"metadata": {}, "spec": {"path": path}}, path)
    built = build(artifact, made)
    if built.error:
        raise built.error
    return [Kustomization(each.obj, each.origin, each.place) for each in built.resources if is_kustomization(each.obj)]


def _is_bootstrapped(sync: Kustomization) -> bool:
    if sync.file.rpartition("/")[2] == _SYNC:
        return True
    return sync.name == NAMESPACE and sync.namespace == NAMESPACE


def _is_hidden(path: str) -> bool:
    return any(step.startswith(".") for step in path.split("/"))


def _roots(written: list[Kustomization], held: Held, source: SourceReference) -> list[Kustomization]:
    """Return the Kustomizations that no other one brings; of those that bring each other, the first."""
    roots: dict[tuple[str, str], Kustomization] = {}
    brought: set[tuple[str, str]] = set()
    for each in written:
        own = (each.file, each.place)
        if own in brought:
            continue
        roots[own] = each
        below = {(one.file, one.place) for one in held(each, source)} - {own}
        brought |= below
        for one in below:
            roots.pop(one, None)
    return list(roots.values())
