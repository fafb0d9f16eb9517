"""What a list of objects will add to the cluster before the rest of the list needs it: namespaces and kinds.

An object that waits for one of them cannot be tried on the server beforehand, and has no live counterpart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from secretsync.cluster.connection import Cluster, Object
from secretsync.manifests.objects import identify

NAMESPACE: Final = "Namespace"
DEFINITION: Final = "CustomResourceDefinition"


def waiting(cluster: Cluster, objects: Sequence[Object]) -> list[bool]:
    """Return for each object whether its kind or namespace is made by another in the list and is not there yet.

    Raises:
        ClusterError: the server cannot be asked.
    """
    kinds = {kind for each in objects if each.get("kind") == DEFINITION for kind in defined(each)}
    kinds = {kind for kind in kinds if not cluster.knows(*kind)}
    names = {identify(each).name for each in objects if each.get("kind") == NAMESPACE}
    absent = {name for name in names if name and cluster.read(_namespace(name)) is None}
    return [_kind(each) in kinds or cluster.namespace_of(each) in absent for each in objects]


def defined(definition: Object) -> Iterator[tuple[str, str]]:
    """Yield the apiVersion and kind of each version that a CustomResourceDefinition serves."""
    spec = definition.get("spec")
    if not isinstance(spec, dict) or not isinstance(spec.get("names"), dict):
        return
    for version in spec.get("versions") or []:
        if isinstance(version, dict) and version.get("served"):
            yield f"{spec.get('group')}/{version.get('name')}", str(spec["names"].get("kind"))


def _kind(manifest: Object) -> tuple[str, str]:
    return str(manifest.get("apiVersion", "")), str(manifest.get("kind", ""))


def _namespace(name: str) -> Object:
    return {"apiVersion": "v1", "kind": NAMESPACE, "metadata": {"name": name}}
