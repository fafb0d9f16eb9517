"""The sealed items of a file, each with the place where its text stands, so that one can change and all else stay.

A file's items are numbered from 1 in the order of documents, Lists and keys: the name alone may stand twice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final, NamedTuple

from secretsync.documents.stores import store_named
from secretsync.documents.tree import Limits, Node, Scalar, Sequence, Source, Span
from secretsync.documents.tree import Mapping as Tree
from secretsync.errors import FormatError, ManifestError, ParseError, SecretsyncError
from secretsync.manifests.objects import Object, is_list, is_sealed_secret, typed
from secretsync.manifests.trees import to_object
from secretsync.sealed.resource import SealedSecret, parse

LEGACY: Final = ""
"""Stands for the key of the one item of the legacy form (`spec.data`), which holds a whole Secret."""

_KIND: Final = b"SealedSecret"
_BLOCKS: Final = ("|", ">")
_QUOTES: Final = ("'", '"')


class Sealed(NamedTuple):
    """One sealed item as it stands in a file; `span` is None where its text is not its own, as behind an alias."""

    number: int
    resource: SealedSecret
    key: str
    text: str
    style: str
    span: Span | None

    @property
    def secret(self) -> str:
        """Namespace and name of the Secret."""
        return f"{self.resource.namespace}/{self.resource.name}"

    @property
    def place(self) -> str:
        """Which item it is, for messages."""
        return f"{self.secret} {self.key or '(spec.data)'}"


def sealed_items(data: bytes) -> list[Sealed]:
    """Return the items of every SealedSecret in a text.

    Raises:
        ParseError, DuplicateKeyError: it is no YAML or JSON that can be edited in place.
        ManifestError: a SealedSecret in it is malformed, or an item is no string.
    """
    return list(_items(_load(data)))


def holds_sealed(data: bytes) -> bool:
    """Whether a text that cannot be read looks as if a SealedSecret stood in it."""
    if _KIND not in data or not any(field in data for field in (b"encryptedData", b"data:")):
        return False
    return any(_names_kind(line) for line in data.splitlines() if _KIND in line)


def _names_kind(line: bytes) -> bool:
    """Whether a line says `kind: SealedSecret`, quoted or not, at its beginning."""
    key, _, value = line.lstrip(b" \t{,-").partition(b":")
    word = value.strip(b" \t\"'")
    after = word[len(_KIND) : len(_KIND) + 1]
    return key.strip(b" \t\"'") == b"kind" and word.startswith(_KIND) and not after.isalnum()


def is_conflicted(data: bytes) -> bool:
    """Whether a merge left its marks in a text."""
    return b"\n<<<<<<< " in b"\n" + data


def spliced(data: bytes, texts: Mapping[int, str]) -> bytes:
    """Return a file with new texts for the items of these numbers, each written as the old one was.

    Raises:
        FormatError: the text of an item is not its own, so that to change it would change something else.
    """
    source = _load(data)
    edits = []
    for one in _items(source):
        if one.number not in texts:
            continue
        if one.span is None:
            raise FormatError(
                "an item stands behind an anchor, alias or tag",
                location=one.place,
                hint="write it out where it belongs",
            )
        edits.append((one.span, _written(source, one, texts[one.number])))
    return _encoded(source, _replaced(source.text, edits))


def require_own(one: Sealed) -> Span:
    """Return where an item stands. Raises: FormatError: its text is not its own."""
    if one.span is None:
        raise FormatError("stands behind an anchor, alias or tag", hint="write it out where it belongs")
    return one.span


def without_items(data: bytes, numbers: Collection[int]) -> str:
    """Return the text of a file without what stands for the items of these numbers."""
    source = _load(data)
    return _replaced(source.text, [(one.span, "") for one in _items(source) if one.number in numbers and one.span])


def _load(data: bytes) -> Source:
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{":
        try:
            return store_named("json").load(data, limits=Limits.unbounded())
        except SecretsyncError:
            pass  # a flow mapping of YAML, or several objects one behind the other
    source = store_named("yaml").load(data, limits=Limits.unbounded())
    if source.encoding != "utf-8":
        raise ParseError("not valid UTF-8", hint="convert it: iconv -t UTF-8 FILE")
    return source


def _encoded(source: Source, text: str) -> bytes:
    return (b"\xef\xbb\xbf" if source.bom else b"") + text.encode()


def _items(source: Source) -> Iterator[Sealed]:
    number = 0
    for document in source.documents:
        for tree, obj in _objects(document, _object(document)):
            if not is_sealed_secret(obj):
                continue
            resource = parse(obj)
            for key, node, here in _nodes(tree, resource):
                number += 1
                if not isinstance(node, Scalar) or not isinstance(node.value, str):
                    raise ManifestError("an item is not a string", location=f"{resource.name} {key}")
                is_quoted = node.span is not None and source.text[node.span.start] == '"'
                style = '"' if is_quoted else node.style
                own = here and not node.alias and node.span is not None and source.text[node.span.start] not in "&!*"
                yield Sealed(number, resource, key, node.value, style, node.span if own else None)


def _objects(tree: Tree, obj: Object) -> Iterator[tuple[Tree, Object]]:
    """Yield the objects of a document with their trees, those of Lists one by one."""
    if not is_list(obj):
        yield tree, obj
        return
    items = tree.get("items")
    for item in items.items if isinstance(items, Sequence) else []:
        if isinstance(item, Tree):
            yield from _objects(item, typed(_object(item), obj))


def _object(tree: Tree) -> Object:
    found = to_object(tree)
    assert isinstance(found, dict)  # a mapping comes as one
    return found


def _nodes(tree: Tree, resource: SealedSecret) -> Iterator[tuple[str, Node, bool]]:
    """Yield each item's key and node, and whether what it stands in is written here and not behind an alias."""
    spec = tree.get("spec")
    if not isinstance(spec, Tree):
        return
    if resource.blob is not None:
        node = spec.get("data")
        assert node is not None
        yield LEGACY, node, not (tree.alias or spec.alias)
        return
    encrypted = spec.get("encryptedData")
    if not isinstance(encrypted, Tree):
        return
    own = not (tree.alias or spec.alias or encrypted.alias)
    for entry in encrypted.entries():
        yield str(entry.key.value), entry.value, own and _within(entry.value.span, encrypted.span)


def _within(inner: Span | None, outer: Span | None) -> bool:
    """Whether a node is written inside another: one that a merge key brings is not."""
    return inner is not None and outer is not None and outer.start <= inner.start and inner.end <= outer.end


def _written(source: Source, one: Sealed, text: str) -> str:
    """Return what to write for an item: quotes, and the first line of a block, stay; several lines become one."""
    if one.style in _QUOTES:
        return f"{one.style}{text}{one.style}"
    if one.style not in _BLOCKS:
        return text
    assert one.span is not None
    head, _, body = source.text[one.span.start : one.span.end].partition("\n")
    first = next((line for line in body.split("\n") if line.strip()), body)
    return f"{head}\n{first[: len(first) - len(first.lstrip(' '))]}{text}"


def _replaced(text: str, edits: list[tuple[Span, str]]) -> str:
    parts, position = [], 0
    for span, new in sorted(edits):
        parts += [text[position : span.start], new]
        position = span.end
    return "".join([*parts, text[position:]])
