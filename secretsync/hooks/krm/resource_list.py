"""The ResourceList that a KRM function reads and writes: items, the function's config, and results.

Source: the KRM functions specification v1 (kustomize, cmd/config/docs/api-conventions/functions-spec.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Sequence as Items
from typing import TYPE_CHECKING, NamedTuple

from secretsync.documents.plain import from_plain, to_plain
from secretsync.documents.stores import store_named
from secretsync.documents.tree import Comment, Limits, Mapping, Node, Scalar, Sequence, Source
from secretsync.documents.yaml import loading
from secretsync.errors import ManifestError
from secretsync.late import LateModule
from secretsync.rendering.generate import is_uncarried
from secretsync.rendering.objects import describe, kind_of, may_need_comments, replaced, text_of

if TYPE_CHECKING:
    from secretsync.rendering import kubernetes_reader
else:
    kubernetes_reader = LateModule("secretsync.rendering.kubernetes_reader")

_DEFAULT_API = "config.kubernetes.io/v1"


class ResourceList(NamedTuple):
    """A ResourceList as it came. `config` is None where there is no functionConfig."""

    source: Source
    root: Mapping
    items: list[Mapping]
    config: Mapping | None


def read(data: bytes, limits: Limits) -> ResourceList:
    """Read a ResourceList.

    Raises:
        ParseError, LimitError, DuplicateKeyError: the text is no YAML, or too large.
        ManifestError: it is no ResourceList, or an item is no object.
    """
    source = loading.load(data, limits=limits.for_text(len(data)), comments=may_need_comments(data))
    if len(source.documents) != 1 or kind_of(source.documents[0]) != "ResourceList":
        raise ManifestError("not one document of kind ResourceList", location="standard input")
    root = source.documents[0]
    listed = root.get("items")
    items = [item for item in listed.items if type(item) is Mapping] if type(listed) is Sequence else []
    config = root.get("functionConfig")
    return ResourceList(source, root, items, config if type(config) is Mapping else None)


def plain(config: Mapping) -> dict[str, object]:
    """Return a function's config as plain values. Raises: TreeError (a key that is no string)."""
    values = to_plain(config)
    assert isinstance(values, dict)
    return dict(values)


def spliced(resources: ResourceList, items: list[Mapping]) -> bytes:
    """Return the list with as many `items` as it had, every byte of an item that did not change kept."""
    root = replaced(resources.root, "items", Sequence([*items]))
    return store_named("yaml").rewrite(resources.source, [root])


def written(resources: ResourceList, items: list[Mapping]) -> bytes:
    """Return the list with other items, written afresh."""
    return store_named("yaml").dump([replaced(resources.root, "items", Sequence([*items]))])


def confirm(data: bytes, items: list[Mapping]) -> None:
    """Read a written list again, and compare its objects with `items`, which were judged.

    Raises:
        ManifestError: kustomize would read others.
    """
    if len([part for part in kubernetes_reader.parts(data) if part.strip()]) != 1:
        raise ManifestError("kustomize would split the ResourceList: a line in it starts with ---")
    kubernetes_reader.confirm_documents(read(data, Limits.unbounded()).items, items)


def failed(resources: ResourceList, results: Items[dict[str, object]], *, keep_items: bool) -> bytes:
    """Return the list with `results`, and with no items unless they are to stand as they came."""
    root = from_plain({"apiVersion": text_of(resources.root.get("apiVersion")) or _DEFAULT_API, "kind": "ResourceList"})
    assert isinstance(root, Mapping)
    root = replaced(root, "items", Sequence([*resources.items] if keep_items else []))
    return store_named("yaml").dump([replaced(root, "results", from_plain(list(results)))])


def check_carried(objects: Iterable[Mapping]) -> None:
    """Refuse a value that kustomize cannot carry: it would fail and print the whole object in the clear, or change it.

    Source: observed with kustomize 5.8.1.

    Raises:
        ManifestError: a text has a control character from U+007F to U+009F, or U+FFFE or U+FFFF.
    """
    for obj in objects:
        if any(is_uncarried(leaf.value) for leaf in leaves(obj) if isinstance(leaf.value, str)):
            raise ManifestError(
                f"{describe(obj)}: a value has a control character that kustomize cannot carry",
                hint="write the value in base64, under data",
            )


def leaves(node: Node) -> Iterator[Scalar]:
    """Yield the values below `node`, in no order that matters."""
    waiting: list[Node] = [node]
    while waiting:
        current = waiting.pop()
        if isinstance(current, Scalar):
            yield current
        elif isinstance(current, Mapping):
            waiting.extend(entry.value for entry in current.entries())
        else:
            waiting.extend(item for item in current.items if not isinstance(item, Comment))


def result(message: str, item: Mapping | None = None) -> dict[str, object]:
    """Return one result: an error, about `item` where it is known. Never holds a value of a Secret."""
    found: dict[str, object] = {"message": message, "severity": "error"}
    if item is not None:
        metadata = item.get("metadata")
        fields = metadata if type(metadata) is Mapping else Mapping()
        reference = {"apiVersion": text_of(item.get("apiVersion")), "kind": kind_of(item)}
        reference |= {name: text_of(fields.get(name)) for name in ("name", "namespace")}
        found["resourceRef"] = {name: text for name, text in reference.items() if text}
    return found
