"""The fields of objects, read as far as they have the type that they should have."""

from __future__ import annotations

from typing import cast

from secretsync.manifests.objects import Object


def mapping(obj: object, *path: str) -> Object:
    """Return the mapping at a path of fields, an empty one where there is none."""
    for field in path:
        obj = obj.get(field) if isinstance(obj, dict) else None
    return cast("Object", obj) if isinstance(obj, dict) else {}


def listed(obj: Object, field: str) -> list[object]:
    """Return the list in a field, an empty one where there is none."""
    value = obj.get(field)
    return value if isinstance(value, list) else []


def mappings(obj: Object, field: str) -> list[Object]:
    """Return the mappings of the list in a field."""
    return [cast("Object", item) for item in listed(obj, field) if isinstance(item, dict)]


def texts(obj: Object, field: str) -> list[str]:
    """Return the texts of the list in a field."""
    return [item for item in listed(obj, field) if isinstance(item, str)]


def text(obj: Object, field: str) -> str:
    """Return the text in a field, an empty one where there is none."""
    value = obj.get(field)
    return value if isinstance(value, str) else ""


def annotations_of(obj: Object) -> Object:
    """Return the annotations of an object that are texts."""
    return _texts(mapping(obj, "metadata", "annotations"))


def labels_of(obj: Object) -> Object:
    """Return the labels of an object that are texts."""
    return _texts(mapping(obj, "metadata", "labels"))


def _texts(values: Object) -> Object:
    return {key: value for key, value in values.items() if isinstance(value, str)}
