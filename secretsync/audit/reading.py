"""A file as `check` reads it: once, and as far as it can be read. Whether it is ours, its content decides.

Ours is what sops has encrypted, what an object of Kubernetes with secrets stands in, and what a rule says is encrypted.
A file of others need not parse: templates of Helm end in `.yaml` and are none, and so are comments in JSON.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

import secretsync.documents.conflicts as conflicts
import secretsync.documents.yaml.loading as yaml_loading
from secretsync.documents.stores import ENVELOPE, FALLBACK, store_for_path, store_named
from secretsync.documents.tree import Comment, Entry, Limits, Mapping, Node, Scalar, Sequence, Source
from secretsync.errors import SecretsyncError
from secretsync.masterkeys.kinds import KINDS
from secretsync.rendering.objects import holds_nothing, may_show_ciphertext
from secretsync.sops import metadata, recognition
from secretsync.sops.metadata import KEY, Metadata

_WORDS: Final = (b"Secret", b"secretGenerator")
_BLOCK_LINES: Final = (b"sops:", b'"sops":', b"'sops':")
_KINDS: Final = frozenset((b"Secret", b"SopsSecret", b"SealedSecret"))
"""What begins a line, and what `kind` says, in YAML of ours that need not read otherwise."""
_BLOCK_FIELDS: Final = ("mac", "lastmodified")
_TEMPLATE: Final = (b"{{", b"{%", b"<%")
_STREAM: Final = "yaml"
_DIVIDER: Final = "---"


@dataclass(frozen=True)
class ReadDocument:
    """One document of a file, counted from 1.

    `bare` is its root without the block of sops. `metadata` is what the block says, None where there is none or it does
    not read; `problem` tells which.
    """

    number: int
    root: Mapping
    bare: Mapping
    metadata: Metadata | None = None
    problem: SecretsyncError | None = None

    @property
    def encrypted(self) -> bool:
        """Whether it has the metadata of sops, sound or not."""
        return self.metadata is not None or self.problem is not None

    @cached_property
    def plain(self) -> object:
        """Its plain values, without the block."""
        return plain(self.bare)


class FileRead(NamedTuple):
    """What could be read of a file. `whole` says that this is all of it; `problem` is why something of ours is not."""

    store: str
    source: Source | None
    documents: list[ReadDocument]
    whole: bool = True
    problem: SecretsyncError | None = None

    @property
    def encrypted(self) -> bool:
        """Whether sops has encrypted any of it."""
        return any(document.encrypted for document in self.documents)

    @property
    def has_groups(self) -> bool:
        """Whether several key groups share a data key, so that one key alone does not open it."""
        return any(len(document.metadata.groups) > 1 for document in self.documents if document.metadata)


def read(name: str, data: bytes, limits: Limits, *, ruled: bool, comments: bool = False) -> FileRead | None:
    """Return what a file holds that concerns us, None where it is none of our business.

    `ruled` says that a rule wants it encrypted, so that it counts as plain text where it does not read; `comments`, that
    some of them select what is encrypted.

    Raises:
        ConflictMarkersError: it is ours, and a merge left its markers in it.
    """
    store = _store_of(name, data)
    marked = recognition.may_be_encrypted(data, store)
    if not (marked or ruled or _mentions(store, data)):
        return None
    trouble = conflicts.named(data.decode("utf-8", "replace")) if conflicts.MARK in data else None
    if trouble is not None:
        raise trouble
    if not data.strip() or (store == _STREAM and holds_nothing(data)):
        return None
    if store == FALLBACK and not marked:
        return FileRead(store, None, []) if ruled else None
    try:
        source = _loaded(store, data, limits, comments=marked or comments, encrypted=marked)
    except SecretsyncError as error:
        part = _in_part(store, data, limits, error, marked=marked)
        is_template = any(mark in data for mark in _TEMPLATE)
        return part or (FileRead(FALLBACK, None, [], whole=False) if ruled and not is_template else None)
    return FileRead(store, source, [_document(number, root) for number, root in enumerate(source.documents, 1)])


def _document(number: int, root: Mapping) -> ReadDocument:
    if not carries_block(root):
        return ReadDocument(number, root, root)
    try:
        (bare,), block = metadata.split([root])
    except SecretsyncError as error:
        return ReadDocument(number, root, root, problem=error)
    return ReadDocument(number, root, bare, block)


def carries_block(document: Mapping) -> bool:
    """Whether a document has the metadata of sops: a mapping with a MAC, a time, or an envelope; any other is foreign."""
    block = document.get(KEY)
    if not isinstance(block, Mapping):
        return False
    if any(block.get(field) is not None for field in _BLOCK_FIELDS):
        return True
    names = {str(entry.key.value).lower(): entry.value for entry in block.entries()}
    if any(field in names for field in _BLOCK_FIELDS):
        return True
    return any(kind in names and any(_is_envelope(each) for each in _elements(names[kind])) for kind in KINDS)


def leaves(node: Node, path: str = "") -> Iterator[tuple[str, Scalar]]:
    """Yield the leaves of a tree with their paths, the block of sops left out at its top; depth costs no calls."""
    waiting: list[tuple[str, Node]] = [(path, node)]
    while waiting:
        here, current = waiting.pop()
        if isinstance(current, Scalar):
            yield here, current
        elif isinstance(current, Mapping):
            inner = [(f"{here}.{entry.key.value!s}".lstrip("."), entry.value) for entry in current.entries()]
            waiting += reversed([each for each in inner if here or each[0] != KEY])
        else:
            waiting += reversed([(f"{here}[{index}]", each) for index, each in enumerate(_elements(current))])


def has_leaf(node: Node, beginning: str) -> bool:
    """Whether some text in a tree begins so: most have none, and paths of all leaves take four times as long."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        if isinstance(current, Scalar):
            if isinstance(current.value, str) and current.value.startswith(beginning):
                return True
        elif isinstance(current, Mapping):
            waiting += [item.value for item in current.items if type(item) is Entry]
        else:
            waiting += _elements(current)
    return False


def plain(node: Node) -> object:
    """Return a tree as plain values, whatever its keys are; of keys that stand twice the last one counts."""
    if isinstance(node, Mapping):
        return {
            item.key.value: item.value.value if type(item.value) is Scalar else plain(item.value)
            for item in node.items
            if type(item) is Entry
        }
    if isinstance(node, Sequence):
        return [plain(item) for item in _elements(node)]
    return node.value


def _store_of(name: str, data: bytes) -> str:
    store = store_for_path(name)
    if store != FALLBACK:
        return store
    found = recognition.store_of_content(data)
    cut_off = any(mark in data for mark in recognition.MARKS) and data.lstrip()[:1] == b"{"
    return found or (ENVELOPE if cut_off else FALLBACK)


def _mentions(store: str, data: bytes) -> bool:
    if store_named(store).NESTED:
        return any(recognition.mentions(data, word) for word in _WORDS) or may_show_ciphertext(data)
    return store != FALLBACK and any(mark in data for mark in recognition.MARKS)


def _loaded(store: str, data: bytes, limits: Limits, *, comments: bool, encrypted: bool) -> Source:
    if store == _STREAM:
        return yaml_loading.load(data, limits=limits, comments=comments)
    return store_named(store).load(data, limits=limits, encrypted=encrypted)


def _in_part(store: str, data: bytes, limits: Limits, error: SecretsyncError, *, marked: bool) -> FileRead | None:
    """Return the documents that read, and the error where one that does not is ours."""
    if store != _STREAM:
        return FileRead(store, None, [], whole=False, problem=error) if _is_damaged(data, marked=marked) else None
    found: list[ReadDocument] = []
    broken = False
    for number, text in enumerate(_pieces(data), 1):
        try:
            roots = yaml_loading.load(text, limits=limits, comments=False).documents
        except SecretsyncError:
            broken = broken or _is_own_piece(text)
            continue
        found += [_document(number, root) for root in roots]
    if found or broken:
        return FileRead(store, None, found, whole=False, problem=error if broken else None)
    return None


def _is_damaged(data: bytes, *, marked: bool) -> bool:
    """Whether a file that does not read has to: sops has written it, or it says that it is a Secret.

    An array is none of them, and neither is what has comments, which sops and Kubernetes refuse in JSON.
    """
    is_object = data.lstrip()[:1] == b"{" and not any(line.lstrip().startswith(b"//") for line in data.split(b"\n"))
    return (
        marked
        or any(mark in data for mark in recognition.MARKS)
        or (is_object and b'"kind"' in data and b'"Secret"' in data)
    )


def _pieces(data: bytes) -> Iterator[bytes]:
    """Yield the documents of a stream as texts, divided as in YAML by lines that begin with `---`."""
    mark, encoding = next((known for known in yaml_loading.BOMS if data.startswith(known[0])), (b"", "utf-8"))
    piece: list[str] = []
    for line in data[len(mark) :].decode(encoding, "replace").split("\n"):
        if line.startswith(_DIVIDER) and line[len(_DIVIDER) :][:1] in {"", " ", "\t", "\r"}:
            if any(each.strip() for each in piece):
                yield "\n".join(piece).encode()
            piece = []
        piece.append(line)
    yield "\n".join(piece).encode()


def _is_own_piece(text: bytes) -> bool:
    """Whether a document that does not read is ours: by a line of its own, and none of a template."""
    if any(mark in text for mark in _TEMPLATE):
        return False
    return any(map(_is_own_line, text.split(b"\n"))) or any(mark in text for mark in _VALUES)


def _is_own_line(line: bytes) -> bool:
    name, _, value = line.partition(b":")
    return line.startswith(_BLOCK_LINES) or (name == b"kind" and value.strip(b" \t\r\"'") in _KINDS)


_VALUES: Final = tuple(b": " + quote + recognition.MARKS[0] for quote in (b"", b'"', b"'"))


def _is_envelope(node: Node) -> bool:
    return isinstance(node, Mapping) and node.get("enc") is not None


def _elements(node: Node) -> list[Node]:
    return [item for item in node.items if not isinstance(item, Comment)] if isinstance(node, Sequence) else [node]
