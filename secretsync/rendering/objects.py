"""Trees seen as Kubernetes objects: their kind, the items of a List, and small changes that keep every other node.

`manifests` answers the same questions about plain dictionaries; here the tree stays, so that its text can be kept.
"""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from secretsync.documents.tree import Comment, Entry, Mapping, Node, Scalar, Sequence
from secretsync.errors import ManifestError
from secretsync.secrecy import CIPHERTEXT

SEALED_API: Final = "bitnami.com/v1alpha1"
_MARKS: Final = (CIPHERTEXT[:4].encode(), b"RU5DW", b"VOQ1t", b"FTkNb")
"""The beginning of ciphertext, and of its base64 by how many bytes stand before it."""
_ESCAPES: Final = (b"\\u", b"\\x", b"\\U", b"\\\n", b"\\\r", b"\\\xc2\x85", b"\\\xe2\x80")
"""Escapes by which the mark is spelt otherwise, or drawn over lines."""
_BLANKS: Final = b" \t\r\n"
UTF16: Final = (b"\xff\xfe", b"\xfe\xff")
OTHER_BREAKS: Final = (b"\xc2\x85", b"\xe2\x80\xa8", b"\xe2\x80\xa9")  # of YAML 1.1: a comment ends there too


class Seen(NamedTuple):
    """One object as Kubernetes sees it. `place` is its path in its document, empty for the document itself.

    `kind` is that of the list where an item names none; `is_list` says that the items of `node` follow as objects.
    """

    kind: str
    node: Mapping
    place: str
    is_list: bool


def text_of(node: Node | None) -> str:
    """Return the text of a leaf that holds text, else the empty string."""
    value = node.value if type(node) is Scalar else None
    return value if type(value) is str else ""


def kind_of(obj: Mapping) -> str:
    """Return the object's kind, or the empty string."""
    return text_of(obj.get("kind"))


def metadata_text(obj: Mapping, name: str) -> str:
    """Return a text of the object's metadata, or the empty string."""
    metadata = obj.get("metadata")
    return text_of(metadata.get(name)) if type(metadata) is Mapping else ""


def has_merge(node: Node | None) -> bool:
    """Whether a YAML merge key stands in a mapping: what it merges is no entry of the tree, and one to Kubernetes."""
    return type(node) is Mapping and any(entry.key.value == "<<" for entry in node.entries())


def is_secret(obj: Mapping) -> bool:
    """Whether it is a core/v1 Secret."""
    return kind_of(obj) == "Secret" and text_of(obj.get("apiVersion")) == "v1"


def is_sealed_secret(obj: Mapping) -> bool:
    """Whether it is a SealedSecret."""
    return kind_of(obj) == "SealedSecret" and text_of(obj.get("apiVersion")) == SEALED_API


def items_of(obj: Mapping) -> Sequence | None:
    """Return the items of a list of objects; None for any other object.

    To Kubernetes every object whose `items` is a list is one, whatever its kind. One without a kind it refuses (and
    value files have none); so it does items that are no objects, by which something else than a list is told here.
    """
    kind = kind_of(obj)
    items = obj.get("items") if kind else None
    if type(items) is not Sequence:
        return None
    if kind != "List" and not all(type(item) in {Mapping, Comment} for item in items.items):
        return None
    return items


def listed_kind(obj: Mapping) -> str:
    """Return the kind that items of this list have where they name none: `Secret` for a `SecretList`, none for a `List`."""
    kind = kind_of(obj)
    return "" if kind == "List" else kind.removesuffix("List")


def objects_in(document: Mapping, inherited: str = "", place: str = "") -> Iterator[Seen]:
    """Yield every object of a document: itself, and where it is a list, its items and theirs.

    A `List` of Kubernetes' own is one without items too; of another API it is an object.
    """
    kind = kind_of(document) or inherited
    items = items_of(document)
    if items is None:
        is_bare = kind == "List" and text_of(document.get("apiVersion")) == "v1"
        if inherited or is_bare or any(True for _ in document.entries()):
            yield Seen(kind, document, place, is_list=is_bare)
        return
    yield Seen(kind, document, place, is_list=True)
    listed = listed_kind(document)
    inner = (item for item in items.items if type(item) is not Comment)
    for index, item in enumerate(inner):
        if type(item) is Mapping:
            yield from objects_in(item, listed, f"{place}{'.' if place else ''}items[{index}]")


def count(obj: Mapping) -> int:
    """Return how many objects a document holds: none if it is empty, a List's items, else one."""
    items = items_of(obj)
    if items is not None:
        return sum(count(item) if type(item) is Mapping else 1 for item in items.items if type(item) is not Comment)
    if kind_of(obj) == "List":
        return 0  # items: null
    return 1 if any(True for _ in obj.entries()) else 0


def holds_nothing(data: bytes) -> bool:
    """Whether a text has only comments, blank lines and markers in it, which the stores refuse as no document.

    A comment ends at every line break that YAML 1.1 knows.
    """
    for other in OTHER_BREAKS:
        if other in data:
            data = data.replace(other, b"\n")
    for line in data.splitlines():
        bare = line.strip()
        if bare and bare[:1] != b"#" and bare not in {b"---", b"..."}:
            return False
    return True


def may_need_comments(data: bytes) -> bool:
    """Whether comments can matter to decryption: some are ciphertext, or select what is; else they are only text.

    A mark that is spelt with escapes is missed, and the MAC does not hold then.
    """
    return b"type:comment]" in data or b"_comment_regex" in data or data[:2] in UTF16


def may_show_ciphertext(data: bytes) -> bool:
    """Whether a leaf of this text may be ciphertext, as it stands or in base64; False is certain, and cheap."""
    if _has_mark(data) or data[:2] in UTF16 or (b"\\" in data and any(escape in data for escape in _ESCAPES)):
        return True
    bare = data.translate(None, _BLANKS)  # base64 may be drawn over lines, in a block or by escapes
    for escape in (b"\\n", b"\\r", b"\\t"):
        bare = bare.replace(escape, b"")
    return _has_mark(bare)


def _has_mark(data: bytes) -> bool:
    plain, first, second, third = _MARKS
    return plain in data or first in data or second in data or third in data


def may_hold_ciphertext(secret: Mapping) -> bool:
    """Whether a value of a Secret, as it stands or decoded from base64, has the mark of sops' ciphertext in it."""
    for field in ("data", "stringData"):
        values = secret.get(field)
        if type(values) is not Mapping:
            continue
        for entry in values.entries():
            text = text_of(entry.value)
            if CIPHERTEXT in text or (field == "data" and CIPHERTEXT.encode() in decoded(text)):
                return True
    return False


def decoded(text: str) -> bytes:
    """Return the bytes of base64, none where it is no base64."""
    try:
        return a2b_base64(text)
    except ValueError:
        return b""


def refuse_invalid_values(secret: Mapping) -> None:
    """Refuse a Secret that the API server would not take: a value that is no text, or in `data` no base64.

    Raises:
        ManifestError: placed at the value, which is never shown.
    """
    for field in ("data", "stringData"):
        values = secret.get(field)
        for entry in values.entries() if type(values) is Mapping else ():
            value = entry.value.value if type(entry.value) is Scalar else entry.value
            if value is None or (type(value) is str and (field == "stringData" or _is_base64(value))):
                continue
            message, hint = (
                ("is not base64", "put text under stringData, or encode it: base64 -w0")
                if type(value) is str
                else ("must be a string", "quote it before it is encrypted: secretsync edit FILE")
            )
            raise ManifestError(message, location=f"{field}.{entry.key.value!s}", hint=hint)


def _is_base64(text: str) -> bool:
    try:
        a2b_base64(text.replace("\r", "").replace("\n", ""), strict_mode=True)
    except ValueError:
        return False
    return True


def describe(obj: Mapping) -> str:
    """Return `Kind namespace/name` for messages."""
    place = "/".join(filter(None, (metadata_text(obj, "namespace"), metadata_text(obj, "name"))))
    return f"{kind_of(obj) or 'object'} {place}".strip()


def replaced(parent: Mapping, key: str, value: Node) -> Mapping:
    """Return `parent` with the value of `key` replaced, or added at the end; `parent` itself if nothing changes."""
    if parent.get(key) is value:
        return parent
    found = False
    items: list[Entry | Comment] = []
    for item in parent.items:
        if type(item) is Entry and item.key.value == key and not found:
            found = True
            items.append(Entry(item.key, value))
        else:
            items.append(item)
    if not found:
        items.append(Entry(Scalar(key), value))
    return Mapping(items, parent.span, parent.flow, parent.alias)


def mapped(parent: Sequence, change: Callable[[int, Node], Node]) -> Sequence:
    """Return `parent` with `change` applied to its elements (numbered without comments); itself if nothing changes."""
    items: list[Node | Comment] = []
    index = 0
    for item in parent.items:
        if type(item) is Comment:
            items.append(item)
            continue
        items.append(change(index, item))  # type: ignore[arg-type]  # a comment was passed over above
        index += 1
    if all(new is old for new, old in zip(items, parent.items, strict=True)):
        return parent
    return Sequence(items, parent.span, parent.flow, parent.alias)


def with_namespace(obj: Mapping, namespace: str) -> Mapping:
    """Return a Secret with `metadata.namespace` filled in where it has none."""
    metadata = obj.get("metadata")
    if type(metadata) is not Mapping:
        return obj
    present = metadata.get("namespace")
    if present is not None and not (type(present) is Scalar and present.value in {None, ""}):
        return obj
    return replaced(obj, "metadata", replaced(metadata, "namespace", Scalar(namespace)))
