"""What a plain dictionary is as a Kubernetes object, and the objects inside a List.

Nothing is checked here beyond what it takes to say which object one looks at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from secretsync.errors import ManifestError

Object = dict[str, object]

SEALED_GROUP: Final = "bitnami.com/v1alpha1"


class ObjectReference(NamedTuple):
    """Which object it is; empty strings where the manifest says nothing (or something that is no text)."""

    api_version: str
    kind: str
    name: str
    namespace: str

    def __str__(self) -> str:
        """Return `Kind namespace/name`, as messages show it."""
        place = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.kind or 'object'} {place}".strip()


def place_of(kind: str, namespace: str, name: str) -> str:
    """Return `kind/name in namespace`, as lines about an object in a cluster name it."""
    return f"{kind.lower()}/{name}{f' in {namespace}' if namespace else ''}"


def identify(obj: Mapping[str, object]) -> ObjectReference:
    """Return apiVersion, kind, name and namespace of a manifest."""
    metadata = obj.get("metadata")
    fields = metadata if isinstance(metadata, Mapping) else {}
    return ObjectReference(
        api_version=_text(obj.get("apiVersion")),
        kind=_text(obj.get("kind")),
        name=_text(fields.get("name")),
        namespace=_text(fields.get("namespace")),
    )


def is_secret(obj: object) -> bool:
    """Whether it is a core/v1 Secret."""
    return isinstance(obj, Mapping) and obj.get("kind") == "Secret" and obj.get("apiVersion") == "v1"


def is_sealed_secret(obj: object) -> bool:
    """Whether it is a SealedSecret of the only published version."""
    return isinstance(obj, Mapping) and obj.get("kind") == "SealedSecret" and obj.get("apiVersion") == SEALED_GROUP


def is_list(obj: object) -> bool:
    """Whether it is a List: kind `List`, or a typed list (`SecretList`, `SealedSecretList`) with items."""
    if not isinstance(obj, Mapping):
        return False
    kind = _text(obj.get("kind"))
    return (kind == "List" and obj.get("apiVersion") == "v1") or (
        kind.endswith("List") and kind != "List" and isinstance(obj.get("items"), list)
    )


def flatten(obj: Object, place: str = "") -> Iterator[tuple[str, Object]]:
    """Yield the objects of a List with their place (`items[0]`), in order; any other object is its own only one.

    Items of a typed list carry no kind of their own in what the API server returns; they get the list's.

    Raises:
        ManifestError: an item is no mapping, or `items` is no list.
    """
    if not is_list(obj):
        yield place, obj
        return
    items = obj.get("items")
    if items is None:
        return
    if not isinstance(items, list):
        raise ManifestError("items of a List must be a list", location=place or None)
    for index, item in enumerate(items):
        here = f"{place}.items[{index}]".removeprefix(".")
        if not isinstance(item, dict):
            raise ManifestError("an item of a List is not an object", location=here)
        yield from flatten(typed(item, obj), here)


def typed(item: Object, owner: Object) -> Object:
    """Return an item of a typed list with the kind that the list gives it; any other as it is."""
    kind = _text(owner.get("kind"))
    if kind == "List" or "kind" in item:
        return item
    return {"apiVersion": owner.get("apiVersion"), "kind": kind.removesuffix("List"), **item}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
