"""The order of one run: from the entries through every child as it is applied by its parent."""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple, cast

import secretsync.audit.flux.entries as entries
import secretsync.audit.flux.postbuild as postbuild
from secretsync.audit.flux.artifact import Artifact
from secretsync.audit.flux.build import Build, build
from secretsync.audit.flux.judging import BuildJudge
from secretsync.audit.flux.kustomization import Kustomization, SourceReference, is_kustomization
from secretsync.audit.flux.patches import Resource
from secretsync.audit.flux.substitution import replaced
from secretsync.audit.flux.verdicts import FluxVerdict
from secretsync.audit.ruleset import FLUX_NOT_JUDGED
from secretsync.errors import SecretsyncError
from secretsync.manifests.objects import Object, identify

_VERSIONS: Final = (
    100  # of one Kustomization, as it is applied by one parent and another: none makes itself anew for ever
)
_MOST: Final = 10_000
_ROUNDS: Final = 3  # of what comes round: a Kustomization that brings itself, variables from what they lead to


class AsApplied(NamedTuple):
    """A Kustomization as it is applied, and the variables that were put into it but are not known here."""

    sync: Kustomization
    is_known: bool


class Reconciling:
    """The state of one run over a repository."""

    def __init__(self, artifact: Artifact, mapped: Mapping[tuple[str, str], Artifact], judge: BuildJudge) -> None:
        self.artifact = artifact
        self.judge = judge
        self._mapped = mapped
        self._versions: Counter[tuple[str, str]] = Counter()
        self._builds: dict[tuple[str, str], Build] = {}
        self._done: set[tuple[str, str, str]] = set()
        self._applied: set[tuple[str, str]] = set()
        self._waiting: list[Kustomization] = []
        self._config_maps: dict[tuple[str, str, str], tuple[Artifact, Resource]] = {}

    def held(self, sync: Kustomization, own: SourceReference) -> list[Kustomization]:
        """Return every Kustomization that one brings, all the way down, as far as this repository is the source."""
        found: list[Kustomization] = []
        queue = deque([AsApplied(sync, is_known=True)])
        seen: set[tuple[str, str, str]] = set()
        while queue:
            each = queue.popleft()
            if self._is_other(each.sync.source, own) or _key(each.sync) in seen or len(seen) == _MOST:
                continue
            seen.add(_key(each.sync))
            built = self._build(self.artifact, each.sync)
            self._remember(self.artifact, built)
            queue += (children := list(self._children(self.artifact, each.sync)))
            found += [child.sync for child in children]
            if built.error:
                found += [one for path in sorted(built.read) for one in entries.of_file(self.artifact, path)]
        return found

    def leave_out(self, lines: list[str]) -> None:
        """Leave out what `spec.ignore` of the repository's source says: what was built until now does not count."""
        if lines:
            self.artifact.leave_out(lines)
            self._builds.clear()

    def reconcile(self, first: list[Kustomization], own: SourceReference) -> None:
        """BuildJudge the entries of one cluster and all that they bring; `own` is the source that this repository is."""
        self._config_maps = {}
        if any(sync.substitute_from for sync in self._brought(first, own)):
            for sync in first * _ROUNDS:
                self.held(sync, own)
        queue = deque([AsApplied(self._settled(sync, own), is_known=True) for sync in first])
        while queue:
            each = queue.popleft()
            if _key(each.sync) in self._done or self._versions[each.sync.file, each.sync.place] == _VERSIONS:
                continue
            self._done.add(_key(each.sync))
            self._versions[each.sync.file, each.sync.place] += 1
            self._applied.add((each.sync.namespace, each.sync.name))
            self._waiting.append(each.sync)
            artifact = self._source(each, own)
            if artifact is not None:
                built = self._build(artifact, each.sync)
                self._remember(artifact, built)
                self.judge.build(artifact, each.sync, built, postbuild.variables(each.sync, self._config_map))
                queue += self._children(artifact, each.sync)

    def _brought(self, first: list[Kustomization], own: SourceReference) -> Iterator[Kustomization]:
        for each in first:
            yield each
            yield from self.held(each, own)

    def wait(self) -> None:
        """Say which Kustomizations wait for one that nothing applies."""
        for sync in self._waiting:
            missing = [
                f"{namespace}/{name}" for namespace, name in sync.depends_on if (namespace, name) not in self._applied
            ]
            if missing:
                message = f"{sync} waits for {' and '.join(missing)}, which is not among those that are found here"
                self.judge.say(sync, FluxVerdict(FLUX_NOT_JUDGED, sync.place, message))

    def _settled(self, entry: Kustomization, own: SourceReference) -> Kustomization:
        """Return an entry as it is once it has applied itself, where its own build holds it."""
        for _ in range(_ROUNDS):
            if self._is_other(entry.source, own):
                break
            children = (each.sync for each in self._children(self.artifact, entry))
            own_version = next((each for each in children if _name(each) == _name(entry)), None)
            if own_version is None or own_version.obj == entry.obj:
                break
            entry = own_version
        return entry

    def _source(self, applied: AsApplied, own: SourceReference) -> Artifact | None:
        """Return the artifact that a Kustomization reads, None where that is not known here, which is said."""
        sync = applied.sync
        mapped = self._mapped.get((sync.source.kind, sync.source.name))
        if not mapped and self._is_other(sync.source, own):
            message = f"{sync} reads {sync.source}, which is another source: what it applies is not judged"
            hint = f"say where it lies: --map-source {sync.source.kind}/{sync.source.name}=PATH"
            self.judge.say(sync, FluxVerdict(FLUX_NOT_JUDGED, sync.place, message, hint))
            return None
        if not applied.is_known and "${" in sync.path:
            message = f"{sync} has the path {sync.path}, with variables from substituteFrom: not known here"
            self.judge.say(sync, FluxVerdict(FLUX_NOT_JUDGED, sync.place, message))
            return None
        return mapped or self.artifact

    @staticmethod
    def _is_other(source: SourceReference, own: SourceReference) -> bool:
        return bool(source.kind and own.kind) and not source.is_same(own)

    def _build(self, artifact: Artifact, sync: Kustomization) -> Build:
        key = (artifact.root, json.dumps(sync.spec, sort_keys=True, default=str))
        if key not in self._builds:
            self._builds[key] = build(artifact, sync)
        return self._builds[key]

    def _children(self, artifact: Artifact, sync: Kustomization) -> Iterator[AsApplied]:
        """Yield the Kustomizations of a build as they are applied."""
        known = postbuild.variables(sync, self._config_map)
        for each in self._build(artifact, sync).resources:
            if is_kustomization(each.obj):
                obj = cast("Object", replaced(each.obj, known)) if known else each.obj
                yield AsApplied(Kustomization(obj, each.origin, each.place), is_known=known is None or known.complete)

    def _remember(self, artifact: Artifact, built: Build) -> None:
        """Keep the ConfigMaps of a build: other Kustomizations may take their variables from them."""
        for each in built.resources:
            own = identify(each.obj)
            if own.kind == "ConfigMap" and own.namespace:
                self._config_maps[own.kind, own.namespace, own.name] = artifact, each

    def _config_map(self, kind: str, namespace: str, name: str) -> Object | None:
        """Return a ConfigMap that an earlier build holds, if nothing in it is substituted in turn."""
        found = self._config_maps.get((kind, namespace, name))
        if found is None:
            return None
        artifact, resource = found
        whole: Object | None = resource.obj if resource.is_whole else _whole(artifact, resource)
        return None if whole is None or "${" in str(whole.get("data")) else whole


def _whole(artifact: Artifact, resource: Resource) -> Object | None:
    try:
        manifests = artifact.whole(resource.origin)
    except SecretsyncError:
        return None
    return next((each.obj for each in manifests if each.place == resource.place), None)


def _name(sync: Kustomization) -> tuple[str, str]:
    return sync.namespace, sync.name


def _key(sync: Kustomization) -> tuple[str, str, str]:
    return sync.file, sync.place, json.dumps(sync.obj, sort_keys=True, default=str)
