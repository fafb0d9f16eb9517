"""Objects as text, in the order and layout that kubeseal prints.

YAML: every document is preceded by `---`, all keys are sorted. JSON: concatenated objects, indented by two, with the
fields in the order of Kubernetes' Go types. Source: k8s.io/apimachinery ObjectMeta, k8s.io/api core/v1.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Final, Literal

from secretsync.documents.plain import from_plain
from secretsync.documents.stores import store_named
from secretsync.documents.tree import Mapping as Tree
from secretsync.manifests.objects import Object

Format = Literal["yaml", "json"]

_ORDER: Final = (
    *("kind", "apiVersion", "metadata", "spec"),
    *("name", "namespace", "creationTimestamp", "labels", "annotations", "ownerReferences", "finalizers"),
    *("template", "encryptedData"),
)
_SECRET_ORDER: Final = (*_ORDER, "immutable", "data", "stringData", "type")
_TEMPLATE_ORDER: Final = (*_ORDER, "type", "immutable", "data")
_FREE: Final = ("labels", "annotations", "data", "stringData", "encryptedData")


def dump(objects: Iterable[Object], form: Format) -> bytes:
    """Return the text of the objects, in their order."""
    if form == "json":
        return "".join(
            json.dumps(_ranked(obj, _SECRET_ORDER), indent=2, ensure_ascii=False) + "\n" for obj in objects
        ).encode()
    return b"".join(b"---\n" + _yaml(obj) for obj in objects)


def _yaml(obj: Object) -> bytes:
    tree = from_plain(_sorted(obj))
    assert isinstance(tree, Tree)
    return store_named("yaml").dump([tree], indent=2)


def _sorted(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def _ranked(value: object, order: tuple[str, ...], *, free: bool = False) -> object:
    """Order the fields of Go types by their declaration, and the keys of Go maps alphabetically."""
    if isinstance(value, list):
        return [_ranked(item, order) for item in value]
    if not isinstance(value, Mapping):
        return value
    rank = (lambda key: (0, key)) if free else (lambda key: (order.index(key) if key in order else len(order), key))
    return {
        key: _ranked(value[key], _TEMPLATE_ORDER if key == "template" else order, free=not free and key in _FREE)
        for key in sorted(value, key=rank)
    }
