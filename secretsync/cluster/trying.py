"""Objects before they are applied: none stands twice, and each is tried on the server without effect."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeAlias

import secretsync.cluster.refusals as refusals
from secretsync.cluster.connection import Cluster, Object, Reply
from secretsync.cluster.secret_values import taken_over, with_data
from secretsync.errors import ClusterError, ManifestError, SecretsyncError, UnreachableError
from secretsync.manifests.objects import identify

Key: TypeAlias = tuple[str, str, str, str]
"""Group, kind, namespace and name: what makes two manifests the same object."""


class Tried(NamedTuple):
    """What would become of an object: as it is sent, as it is there now, as it would be; or why not."""

    manifest: Object
    live: Reply | None = None
    after: Reply | None = None
    error: SecretsyncError | None = None


class RefusedError(ClusterError):
    """The server does not take some objects of a list, each for its own reason. `errors` are told before this one."""

    def __init__(self, errors: Sequence[SecretsyncError], total: int, *, rest: str = "") -> None:
        number = len(errors)
        super().__init__(f"{number} of {total} objects {'is' if number == 1 else 'are'} refused{rest}")
        self.errors = errors
        self.total = total


def require_once(cluster: Cluster, objects: Sequence[Object]) -> None:
    """Refuse a list that holds an object twice, whatever version each copy is of. Nothing is sent yet.

    Raises:
        ManifestError: it does.
        ClusterError: the server cannot be asked which kinds lie in namespaces.
    """
    _require_unique((_key(each, _stated_namespace(each) or cluster.namespace), each) for each in objects)
    _require_unique((_key(each, cluster.namespace_of(each)), each) for each in objects)


def attempt(cluster: Cluster, manifest: Object, *, manager: str, force: bool) -> Tried:
    """Try an object: what the server would make of it, or the error for what it does not take.

    Raises:
        UnreachableError: the cluster does not answer.
    """
    try:
        body = with_data(manifest)
        live = cluster.read(body)
        if live is not None and not force:
            theirs = [refusals.Conflict(f"data.{key}", owner) for key, owner in taken_over(live.object, body, manager)]
            if theirs:
                raise refusals.conflict(theirs, live.object)
        after = cluster.apply(body, manager=manager, force=force, dry_run=True)
    except UnreachableError:
        raise
    except ManifestError as error:
        return Tried(manifest, error=error.at(str(identify(manifest))))
    except SecretsyncError as error:
        return Tried(manifest, error=error)
    return Tried(body, live, after)


def _require_unique(keyed: Iterable[tuple[Key, Object]]) -> None:
    seen: set[Key] = set()
    for key, manifest in keyed:
        if key in seen and identify(manifest).name:
            where = f" in namespace {key[2]}" if key[2] else ""
            raise ManifestError(f"stands twice in the input{where}", location=str(identify(manifest)))
        seen.add(key)


def _key(manifest: Object, namespace: str) -> Key:
    found = identify(manifest)
    group = found.api_version.rpartition("/")[0]
    return group, found.kind, namespace, found.name


def _stated_namespace(manifest: Object) -> str:
    return identify(manifest).namespace
