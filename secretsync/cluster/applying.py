"""Apply a list of objects in an order in which each finds what it needs: namespaces and kinds first, the rest as given.

Every object is tried on the server without effect before the first is applied, so that a refusal changes nothing; only
those that wait for a namespace or kind of the same list cannot be.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Literal, NamedTuple, TypeAlias

from secretsync.cluster.connection import FIELD_MANAGER, Cluster, Object, Reply
from secretsync.cluster.pending_kinds import DEFINITION, NAMESPACE, defined, waiting
from secretsync.manifests.objects import identify

Outcome: TypeAlias = Literal["created", "configured", "unchanged"]

_FIRST: Final = {NAMESPACE: 0, DEFINITION: 1}
_TOUCHED: Final = frozenset({"managedFields", "resourceVersion", "generation"})


class Applied(NamedTuple):
    """What became of one object."""

    kind: str
    namespace: str
    name: str
    outcome: Outcome


def apply(
    cluster: Cluster,
    objects: Sequence[Object],
    *,
    manager: str = FIELD_MANAGER,
    force: bool = False,
    dry_run: bool = False,
    done: Callable[[Applied], None] | None = None,
) -> list[Applied]:
    """Apply every object, and return in the order of work what became of each; `done` hears of each at once.

    Raises:
        ClusterError: the server refuses one. None is applied then, unless it waits for a namespace or kind of this list.
    """
    ordered = sorted(objects, key=lambda each: _FIRST.get(str(each.get("kind")), len(_FIRST)))
    ahead = waiting(cluster, ordered)
    for each, is_ahead in zip(ordered, ahead, strict=True):
        if not is_ahead:
            cluster.apply(each, manager=manager, force=force, dry_run=True)
    results = []
    for each, is_ahead in zip(ordered, ahead, strict=True):
        if is_ahead and dry_run:
            result = Applied(str(each["kind"]), cluster.namespace_of(each), identify(each).name, "created")
        else:
            result = _apply(cluster, each, manager=manager, force=force, dry_run=dry_run)
        results.append(result)
        if done is not None:
            done(result)
        if result.kind == DEFINITION and not dry_run:
            for version, kind in defined(each):
                cluster.wait_for_kind(version, kind)
    return results


def _apply(cluster: Cluster, manifest: Object, *, manager: str, force: bool, dry_run: bool) -> Applied:
    before = cluster.read(manifest)
    after = cluster.apply(manifest, manager=manager, force=force, dry_run=dry_run)
    metadata = after.object.get("metadata", {})
    outcome: Outcome = "created" if before is None else "configured"
    if before is not None and (_content(before) == _content(after) if dry_run else before.version == after.version):
        outcome = "unchanged"
    return Applied(str(manifest["kind"]), str(metadata.get("namespace", "")), str(metadata.get("name")), outcome)


def _content(reply: Reply) -> Object:
    """Return the object without what every write touches; a dry run leaves the resource version as it is."""
    metadata = {name: value for name, value in reply.object["metadata"].items() if name not in _TOUCHED}
    return {**reply.object, "metadata": metadata}
