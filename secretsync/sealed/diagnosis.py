"""Why an item does not open: the format says nothing, but whoever holds the key can try the labels it may have had.

Nearly every support question about kubeseal is one of these: renamed, moved, or a scope annotation on the template
only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import secretsync.sealed.items as items
from secretsync.errors import ManifestError
from secretsync.manifests.secret import decode_base64
from secretsync.sealed.resource import SealedSecret
from secretsync.sealed.scope import ANNOTATIONS, Scope, label


class Remedy(NamedTuple):
    """What went wrong, and the change that helps."""

    cause: str
    hint: str


def reason(item: str | None, decoded: bytes, keys: Sequence[items.OpensItems]) -> str:
    """Say why no key opens an item, from what its bytes show."""
    if item is None:
        return "not a string"
    size = items.rsa_size(decoded)
    if not size:
        return "truncated, or not a sealed item"
    if all(key.size != size for key in keys):
        have = ", ".join(str(bits) for bits in sorted({key.size * 8 for key in keys}))
        return f"sealed for an RSA key of {size * 8} bits, and the keys given have {have}"
    return "no key opens it under this name, namespace and scope"


def other_label(resource: SealedSecret, key: str, keys: Sequence[items.OpensItems]) -> Remedy | None:
    """Return the remedy if the item opens under another name or scope that the object itself suggests."""
    item = resource.items.get(key)
    try:
        decoded = decode_base64(item or "")
    except ManifestError:
        return None
    for oaep_label, remedy in _candidates(resource):
        if oaep_label != resource.label and items.unseal(decoded, keys, oaep_label) is not None:
            return remedy
    return None


def _candidates(resource: SealedSecret) -> Iterator[tuple[bytes, Remedy]]:
    name, namespace = resource.name, resource.namespace
    for scope, annotation in ANNOTATIONS.items():
        yield label(scope, namespace=namespace, name=name), _scope_remedy(resource, scope, annotation)
    yield label("strict", namespace=namespace, name=name), _strict_remedy(resource)
    old_name, old_namespace = _template_place(resource)
    moved = Remedy(
        f"sealed as {old_namespace}/{old_name}, and the object is now {namespace}/{name}",
        f"name it {old_namespace}/{old_name} again, or seal the Secret anew under its new name",
    )
    yield label("strict", namespace=old_namespace, name=old_name), moved
    yield label("namespace-wide", namespace=old_namespace, name=old_name), moved


def _scope_remedy(resource: SealedSecret, scope: Scope, annotation: str) -> Remedy:
    where = ""
    if resource.template_annotations.get(annotation) == "true":
        where = ", where the annotation in spec.template does not count"
    return Remedy(
        f"sealed with scope {scope}, which metadata.annotations does not say{where}",
        f'add to metadata.annotations: {annotation}: "true"',
    )


def _strict_remedy(resource: SealedSecret) -> Remedy:
    return Remedy(
        f"sealed with scope strict, and metadata.annotations says {resource.scope}",
        f"remove the annotation {ANNOTATIONS.get(resource.scope, '')} from metadata.annotations",
    )


def _template_place(resource: SealedSecret) -> tuple[str, str]:
    """Return name and namespace as the template has them: what they were when kubeseal wrote the file."""
    name = resource.template_metadata.get("name")
    namespace = resource.template_metadata.get("namespace")
    return (
        name if isinstance(name, str) else resource.name,
        namespace if isinstance(namespace, str) else resource.namespace,
    )
