"""A decrypted Secret that names no namespace, and holds what was its namespace under another key.

No MAC covers the names of keys above a leaf in the clear, so `namespace: prod` may have become `x-namespace: prod`. The
Secret would then go where its caller says. What is told from that by its looks is refused; the rest is documented.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from secretsync.documents.tree import Entry, Mapping, Node, Scalar
from secretsync.errors import PolicyError
from secretsync.rendering.objects import describe
from secretsync.rendering.units import OpenedObject

_WORD: Final = "namespace"
_VALUES: Final = frozenset({"data", "stringData"})
_TABLES: Final = ("labels", "annotations")
# Source: ObjectMeta of k8s.io/apimachinery pkg/apis/meta/v1/types.go at v0.36.3, and fields of former releases.
_METADATA: Final = frozenset(
    [
        "annotations",
        "clusterName",
        "creationTimestamp",
        "deletionGracePeriodSeconds",
        "deletionTimestamp",
        "finalizers",
        "generateName",
        "generation",
        "initializers",
        "labels",
        "managedFields",
        "name",
        "namespace",
        "ownerReferences",
        "resourceVersion",
        "selfLink",
        "uid",
    ]
)


def refuse_renamed(opened: OpenedObject, caller: str | None) -> None:
    """Refuse a Secret without a namespace in which a key that no MAC covers looks like one.

    That is a key of `metadata` that Kubernetes does not know; and a key outside of the values that holds the word, of
    labels and annotations where it has no prefix (`meta.helm.sh/release-namespace` is somebody's own). A value that
    was encrypted is bound to its key; one that equals the namespace of the `caller` moves nothing.

    Raises:
        PolicyError: it names the key.
    """
    for path, value in _suspects(opened.before, opened.after):
        if type(value) is Scalar and value.value == caller:
            continue
        raise PolicyError(
            f"{describe(opened.after)} names no namespace, and no MAC covers the name of this key, which may have been it",
            location=f"{opened.location} {path}".strip(),
            hint="write metadata.namespace and encrypt the file again, or remove the key",
        )


def _suspects(before: Mapping, after: Mapping) -> Iterator[tuple[str, Node]]:
    for entry in _clear(before, after):
        if str(entry.key.value) not in _VALUES and _has_word(entry):
            yield str(entry.key.value), entry.value
    old, metadata = before.get("metadata"), after.get("metadata")
    if type(metadata) is not Mapping:
        return
    for entry in _clear(old, metadata):
        if entry.key.value not in _METADATA:
            yield f"metadata.{entry.key.value!s}", entry.value
    for name in _TABLES:
        table = metadata.get(name)
        if type(table) is Mapping:
            for entry in _clear(old.get(name) if type(old) is Mapping else None, table):
                if _has_word(entry) and "/" not in str(entry.key.value):
                    yield f"metadata.{name}.{entry.key.value!s}", entry.value


def _clear(before: Node | None, after: Mapping) -> Iterator[Entry]:
    """Yield the entries whose value is a leaf in the clear, or holds more than one leaf."""
    olds = {id(entry.value) for entry in before.entries()} if type(before) is Mapping else set()
    for entry in after.entries():
        if type(entry.value) is not Scalar or id(entry.value) in olds:
            yield entry


def _has_word(entry: Entry) -> bool:
    return _WORD in str(entry.key.value).casefold()
