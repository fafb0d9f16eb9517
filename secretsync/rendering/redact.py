"""The same shape without the secrets: each decrypted value becomes 64 bits of a keyed hash over its path and value.

The key is derived from the data key, so that equal values at one path stay equal between two renderings and nobody
without the data key can test a guess. Where there is no data key (a Secret in the clear) the value becomes `***`.
"""

from __future__ import annotations

from binascii import b2a_base64
from typing import Final

from secretsync.crypto.digests import hmac_sha256
from secretsync.documents.tree import Comment, Entry, Mapping, Node, Scalar, Sequence
from secretsync.rendering.objects import is_secret, kind_of, replaced, with_namespace
from secretsync.rendering.options import RenderContext
from secretsync.rendering.units import OpenedObject
from secretsync.secrecy import SecretBytes
from secretsync.sops.values import canonical

HIDDEN: Final = "***"
_LABEL: Final = b"secretsync redact v1"
_DIGITS: Final = 16  # 64 bits in hexadecimal
_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"

_Path = tuple[str, ...]


def finish(opened: OpenedObject, context: RenderContext) -> Mapping:
    """Return the object with every decrypted value, and every value of a Secret, hidden."""
    hidden = _hidden(opened.before, opened.after, (), _Key(opened.data_key))
    obj = hidden if isinstance(hidden, Mapping) else opened.after
    if kind_of(opened.after) == "Secret":
        obj = _hidden_secret(opened, obj)
        namespace = context.options.namespace
        return with_namespace(obj, namespace) if namespace and is_secret(opened.after) else obj
    return _hidden_binary(opened, obj)


class _Key:
    """The hash under one data key; without one it hides everything alike."""

    def __init__(self, data_key: SecretBytes | None) -> None:
        self._key = data_key and SecretBytes(hmac_sha256(data_key.expose(), _LABEL))

    def digest(self, path: _Path, value: bytes) -> str:
        """Return 16 hexadecimal digits over `path` and `value`, each part preceded by its length."""
        if self._key is None:
            return HIDDEN
        parts = [step.encode("utf-8", "surrogatepass") for step in path]
        message = b"".join(len(part).to_bytes(8, "big") + part for part in (*parts, value))
        return hmac_sha256(self._key.expose(), message).hex()[:_DIGITS]


def _hidden(before: Node | Comment, after: Node | Comment, path: _Path, key: _Key) -> Node | Comment:
    """Return `after` with what differs from `before` hidden: decryption shares every node it did not touch."""
    if after is before:
        return after
    if isinstance(after, Comment):
        return Comment(
            " " + key.digest((*path, "#"), after.text.encode("utf-8", "surrogatepass")), after.inline, after.span
        )
    if isinstance(after, Scalar):
        return Scalar(key.digest(path, canonical(after.value)), after.span)
    if isinstance(after, Mapping):
        return _hidden_mapping(before, after, path, key)
    olds = before.items if isinstance(before, Sequence) else []
    items = [
        _hidden(old, new, (*path, f"[{index}]"), key)
        for index, (old, new) in enumerate(zip(olds, after.items, strict=True))
    ]
    return Sequence(items, after.span, after.flow, after.alias)


def _hidden_mapping(before: Node | Comment, after: Mapping, path: _Path, key: _Key) -> Mapping:
    olds = [item for item in before.items if not _is_metadata(item, path)] if isinstance(before, Mapping) else []
    items: list[Entry | Comment] = []
    for old, new in zip(olds, after.items, strict=True):
        if isinstance(new, Comment):
            items.append(_as_comment(_hidden(old if isinstance(old, Comment) else Comment(""), new, path, key)))
        elif isinstance(old, Entry):
            items.append(Entry(new.key, _as_node(_hidden(old.value, new.value, (*path, str(new.key.value)), key))))
    return Mapping(items, after.span, after.flow, after.alias)


def _is_metadata(item: Entry | Comment, path: _Path) -> bool:
    return not path and type(item) is Entry and item.key.value == "sops"


def _hidden_secret(opened: OpenedObject, obj: Mapping) -> Mapping:
    """Hide every value of a Secret, also those that were in the clear, and keep those of `data` valid base64."""
    key = _Key(opened.data_key)
    for field in ("data", "stringData"):
        values = opened.after.get(field)
        if type(values) is not Mapping:
            continue
        items: list[Entry | Comment] = []
        shown = obj.get(field)
        for old, new in zip(values.items, shown.items if type(shown) is Mapping else values.items, strict=True):
            if type(old) is not Entry or type(new) is not Entry:
                items.append(new)
                continue
            name = str(old.key.value)
            carried = opened.carried.get(name) if field == "data" else None
            text = (_Key(carried) if carried else key).digest((field, name), _bytes_of(old.value))
            items.append(Entry(new.key, Scalar(_base64(text) if field == "data" else text)))
        obj = replaced(obj, field, Mapping(items, values.span, values.flow, values.alias))
    return _without_applied(obj)


def _hidden_binary(opened: OpenedObject, obj: Mapping) -> Mapping:
    """Keep the decrypted values of `binaryData` valid base64."""
    before, shown = opened.after.get("binaryData"), obj.get("binaryData")
    if type(before) is not Mapping or type(shown) is not Mapping or before is shown:
        return obj
    items: list[Entry | Comment] = []
    for old, new in zip(before.items, shown.items, strict=True):
        changed = type(old) is Entry and type(new) is Entry and old.value is not new.value
        if changed and type(new) is Entry and type(new.value) is Scalar:
            items.append(Entry(new.key, Scalar(_base64(str(new.value.value)))))
        else:
            items.append(new)
    return replaced(obj, "binaryData", Mapping(items, shown.span, shown.flow, shown.alias))


def _without_applied(obj: Mapping) -> Mapping:
    """Hide kubectl's copy of the whole object, which holds every value in the clear."""
    metadata = obj.get("metadata")
    annotations = metadata.get("annotations") if type(metadata) is Mapping else None
    if type(metadata) is not Mapping or type(annotations) is not Mapping or annotations.get(_APPLIED) is None:
        return obj
    shown = replaced(annotations, _APPLIED, Scalar(HIDDEN))
    return replaced(obj, "metadata", replaced(metadata, "annotations", shown))


def _bytes_of(node: Node) -> bytes:
    return canonical(node.value) if type(node) is Scalar else b""


def _base64(text: str) -> str:
    return b2a_base64(text.encode(), newline=False).decode()


def _as_node(item: Node | Comment) -> Node:
    assert not isinstance(item, Comment)
    return item


def _as_comment(item: Node | Comment) -> Comment:
    assert isinstance(item, Comment)
    return item
