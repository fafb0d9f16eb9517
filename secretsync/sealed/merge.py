"""New items for an existing SealedSecret: kubeseal's `--merge-into` without its losses.

Name, namespace and scope are the target's (kubeseal forgets the scope, and the file no longer unseals); missing maps
are made (kubeseal panics); every byte that is not edited stays (kubeseal loses comments and further documents).
Keys are never removed. Source: pkg/kubeseal/kubeseal.go (SealMergingInto) at v0.36.6.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from secretsync.documents.plain import from_plain
from secretsync.documents.stores import store_named
from secretsync.documents.tree import Entry, Limits, Node, Scalar, Source
from secretsync.documents.tree import Mapping as Tree
from secretsync.errors import ConflictingOptionsError, ManifestError, ParseError, SecretsyncError
from secretsync.manifests.objects import Object, identify, is_sealed_secret
from secretsync.manifests.reading import Located
from secretsync.manifests.secret import Secret
from secretsync.manifests.secret import parse as parse_secret
from secretsync.manifests.trees import to_object
from secretsync.sealed.resource import SealedSecret, mapping, parse
from secretsync.sealed.scope import annotated, scope_named, scope_of
from secretsync.sealed.sealing import Sealer, kept_annotations, object_annotations


class Merged(NamedTuple):
    """The new text of the file, and what the merge left out, for stderr."""

    data: bytes
    warnings: list[str]


def merge_text(
    data: bytes, secrets: Sequence[Located], sealer: Sealer, *, scope: str | None = None, limits: Limits = Limits()
) -> Merged:
    """Merge Secrets into the SealedSecret of a YAML or JSON text.

    Where the text holds several SealedSecrets, each Secret goes to the one of its namespace and name.

    Raises:
        ManifestError: there is no SealedSecret to merge into, or a Secret is not valid.
        ConflictingOptionsError: `scope` is not the target's.
    """
    source = _load(data, limits)
    documents = list(source.documents)
    objects = [to_object(document) for document in documents]
    warnings: list[str] = []
    for location, secret in secrets:
        index = _target(objects, secret, location)
        target = objects[index]
        assert isinstance(target, dict)
        try:
            objects[index] = merged = merge(target, secret, sealer, scope=scope, warnings=warnings)
        except SecretsyncError as error:
            raise (error.at(location) if location else error) from None
        documents[index] = _graft_mapping(documents[index], merged)
    return Merged(store_named(source.store).rewrite(source, documents), warnings)


def merge(target: Object, secret: Object, sealer: Sealer, *, warnings: list[str], scope: str | None = None) -> Object:
    """Return the target with the Secret's items, labels and annotations added or replaced; append to `warnings`.

    Raises:
        ManifestError: one of the two is not valid, or the Secret has no data.
        ConflictingOptionsError: `scope` is not the target's.
    """
    resource, addition = parse(target), parse_secret(secret)
    if resource.blob is not None:
        raise ManifestError("the target is of the legacy form, which holds one item", location="spec.data")
    if not addition.values:
        raise ManifestError("the Secret has no data")
    if scope is not None and scope_named(scope) != resource.scope:
        raise ConflictingOptionsError(
            f"the target's scope is {resource.scope}, and its items would no longer unseal as {scope}",
            hint=f"merge with --scope {resource.scope}, or seal the whole Secret anew",
        )
    warnings.extend(_conflicts(resource, addition))
    items = {
        key: sealer.item(value, scope=resource.scope, namespace=resource.namespace, name=resource.name, key=key)
        for key, value in addition.values.items()
    }
    return _joined(target, addition, items)


def _joined(target: Object, addition: Secret, items: dict[str, str]) -> Object:
    spec = mapping(target.get("spec"), "spec")
    template = mapping(spec.get("template"), "spec.template")
    annotations = annotated(kept_annotations(addition), "strict")
    inner = _extended(mapping(template.get("metadata"), "spec.template.metadata"), addition.labels, annotations)
    metadata = _extended(mapping(target["metadata"], "metadata"), {}, object_annotations(annotations))
    merged: Object = {**target, "metadata": metadata}
    encrypted = {**mapping(spec.get("encryptedData"), "spec.encryptedData"), **items}
    merged["spec"] = {**spec, "encryptedData": encrypted}
    if inner:
        merged["spec"] = {**spec, "encryptedData": encrypted, "template": {**template, "metadata": inner}}
    return merged


def _extended(metadata: Object, labels: dict[str, str], annotations: dict[str, str]) -> Object:
    """Return metadata with labels and annotations added, in place of a missing or null map too."""
    result = dict(metadata)
    for name, added in (("labels", labels), ("annotations", annotations)):
        if added:
            result[name] = {**mapping(metadata.get(name), name), **added}
    return result


def _conflicts(resource: SealedSecret, addition: Secret) -> list[str]:
    found = []
    for what, old, new in (
        ("type", resource.template_type, addition.type),
        ("immutable", resource.immutable, addition.immutable),
    ):
        if new not in ("", None) and new != old:
            found.append(f"{what} {new!r} of the Secret is not merged: the target has {old or 'none'!r}")
    scope = scope_of(addition.annotations)
    if scope not in ("strict", resource.scope):
        found.append(f"scope {scope} of the Secret is not merged: the target's is {resource.scope}")
    return found


def _load(data: bytes, limits: Limits) -> Source:
    """Load JSON as JSON, so that it is written as JSON again; anything else is YAML."""
    if data.lstrip()[:1] == b"{":
        try:
            return store_named("json").load(data, limits=limits)
        except ParseError:
            pass
    return store_named("yaml").load(data, limits=limits)


def _target(objects: Sequence[object], secret: Object, location: str) -> int:
    """Return the index of the SealedSecret that takes the Secret."""
    found = [index for index, obj in enumerate(objects) if is_sealed_secret(obj)]
    if not found:
        raise ManifestError("no SealedSecret to merge into")
    if len(found) == 1:
        return found[0]
    wanted = identify(secret)
    for index in found:
        obj = objects[index]
        assert isinstance(obj, Mapping)
        there = identify(obj)
        if (there.namespace, there.name) == (wanted.namespace, wanted.name):
            return index
    raise ManifestError(
        f"{len(found)} SealedSecrets to merge into, and none is {wanted.namespace}/{wanted.name}",
        location=location or None,
    )


def _graft_mapping(tree: Tree, value: Object) -> Tree:
    grafted = _graft(tree, value)
    assert isinstance(grafted, Tree)
    return grafted


def _graft(node: Node, value: object) -> Node:
    """Return the tree that says `value`, sharing every node of the old one that already does."""
    if isinstance(node, Tree) and isinstance(value, Mapping):
        known = {item.key.value for item in node.entries()}
        items = [
            Entry(item.key, _graft(item.value, value[str(item.key.value)])) if isinstance(item, Entry) else item
            for item in node.items
        ]
        items += [Entry(Scalar(key), from_plain(item)) for key, item in value.items() if key not in known]
        unchanged = len(items) == len(node.items) and all(
            new is old or (isinstance(new, Entry) and isinstance(old, Entry) and new.value is old.value)
            for new, old in zip(items, node.items, strict=True)
        )
        return node if unchanged else Tree(items, span=node.span, flow=node.flow)
    return node if to_object(node) == value else from_plain(value)
