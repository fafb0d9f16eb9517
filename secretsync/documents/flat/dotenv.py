r"""The dotenv store: `KEY=value` lines taken literally, no quotes, no trimming, no `export`; `\n` stands for a newline.

sops' metadata lies flat behind the data, each name with the prefix `sops_`. Source: sops stores/dotenv at v3.13.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from secretsync.documents.flat.flattening import flatten, unflatten
from secretsync.documents.flat.values import text_of
from secretsync.documents.single import only_document
from secretsync.documents.tree import Comment, Entry, Limits, Mapping, Node, Scalar, Source, Span
from secretsync.errors import LimitError, ParseError, TreeError
from secretsync.late import LateModule

if TYPE_CHECKING:
    import secretsync.documents.conflicts as conflicts
else:
    conflicts = LateModule("secretsync.documents.conflicts")  # most files parse

NAME: Final = "dotenv"
COMMENTS: Final = True
SEVERAL_DOCUMENTS: Final = False
NESTED: Final = False
NULLS: Final = False
ONE_VALUE: Final = False
SKIPS_COMMENTS: Final = False
CONFIG_NAME: Final = "dotenv"
CONFIG_FIELDS: Final = ()
MAC_MARK: Final = b"sops_mac=ENC["
EXAMPLE: Final = b"# Replace this example with your values.\nEXAMPLE=value\n"
PREFIX: Final = "sops_"  # Source: sops stores.SopsPrefix at v3.13.3
_DEFAULT_LIMITS: Final = Limits()


def load(data: bytes, *, limits: Limits = _DEFAULT_LIMITS, encrypted: bool = False) -> Source:
    """Parse lines; with `encrypted`, the `sops_…` lines become one nested `sops` mapping at the end.

    Values that are not UTF-8 are kept as bytes. Raises: ParseError (a line without `=`, a key or comment that is not
    UTF-8), MetadataError (metadata that contradicts itself), LimitError.
    """
    if len(data) > limits.size:
        raise LimitError(f"larger than {limits.size} bytes")
    document = Mapping()
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line:
            continue
        if len(document.items) >= limits.nodes:
            raise LimitError(f"more than {limits.nodes} lines")
        try:
            document.items.append(_item(line, number))
        except ParseError as error:
            raise conflicts.named(data.decode("utf-8", "replace")) or error from None
    if encrypted:
        document = _nested(document)
    text = data.decode("utf-8", "surrogateescape")
    return Source("dotenv", text, [document], [Span(0, len(text))])


def _item(line: bytes, number: int) -> Entry | Comment:
    name, separator, value = line.partition(b"=")
    try:
        if line.startswith(b"#"):
            return Comment(line[1:].decode())
        if not separator:
            raise ParseError("a line without '='", location=f"line {number}")
        key = name.decode()
    except UnicodeDecodeError:
        raise ParseError("a key or comment that is not valid UTF-8", location=f"line {number}") from None
    raw = value.replace(b"\\n", b"\n")
    try:
        return Entry(Scalar(key), Scalar(raw.decode()))
    except UnicodeDecodeError:
        return Entry(Scalar(key), Scalar(raw))


def _nested(document: Mapping) -> Mapping:
    data: list[Entry | Comment] = []
    flat: list[tuple[str, Scalar]] = []
    for item in document.items:
        if isinstance(item, Entry) and str(item.key.value).startswith(PREFIX) and isinstance(item.value, Scalar):
            flat.append((str(item.key.value)[len(PREFIX) :], item.value))
        else:
            data.append(item)
    if flat:
        data.append(Entry(Scalar("sops"), unflatten(flat)))
    return Mapping(data)


def dump(documents: list[Mapping], *, indent: int | None = None, encrypted: bool = False) -> bytes:  # noqa: ARG001  # the Protocol's parameter
    """Write one line an item; with `encrypted`, the nested `sops` mapping is flattened.

    Raises: TreeError for more than one document, a value that is a collection, a name that would not read back, and,
    with `encrypted`, a null (sops writes `<nil>`, which it cannot decrypt) or a reserved name.
    """
    lines: list[str] = []
    for item in only_document(documents, NAME).items:
        if isinstance(item, Comment):
            lines += ("#" + line for line in item.text.split("\n"))
        elif encrypted and item.key.value == "sops" and isinstance(item.value, Mapping):
            lines += (f"{PREFIX}{path}={_value(Scalar(value))}" for path, value in flatten(item.value))
        else:
            lines.append(f"{_name(item, encrypted=encrypted)}={_leaf(item, encrypted=encrypted)}")
    return "".join(line + "\n" for line in lines).encode("utf-8", "surrogateescape")


def _name(entry: Entry, *, encrypted: bool) -> str:
    name = entry.key.value
    if not isinstance(name, str):
        raise TreeError(f"dotenv names are strings, not {type(name).__name__}")
    if "=" in name or "\n" in name or name.startswith("#"):
        raise TreeError(f"the dotenv store cannot hold the name {name!r}")
    if encrypted and name.startswith(PREFIX):
        raise TreeError(f"the name {name!r} starts with the reserved prefix {PREFIX!r}")
    return name


def _leaf(entry: Entry, *, encrypted: bool) -> str:
    if not isinstance(entry.value, Scalar):
        raise TreeError(f"the dotenv store cannot hold the collection under {entry.key.value!r}")
    if encrypted and entry.value.value is None:
        raise TreeError(f"the dotenv store cannot hold the null under {entry.key.value!r}")
    return _value(entry.value)


def _value(leaf: Scalar) -> str:
    return text_of(leaf).replace("\n", "\\n")


def rewrite(source: Source, documents: list[Mapping], *, encrypted: bool = False) -> bytes:
    """Return the old bytes if the documents are the loaded ones, else write afresh as sops does."""
    if documents == source.documents:
        return source.text.encode("utf-8", "surrogateescape")
    return dump(documents, encrypted=encrypted)


def emit_value(node: Node) -> bytes:
    """Return a string as it is. Raises: TreeError for anything else, as sops."""
    if isinstance(node, Scalar):
        if isinstance(node.value, str):
            return node.value.encode()
        if isinstance(node.value, bytes):
            return node.value
    raise TreeError("the dotenv store extracts strings only")


def is_reserved(document: Mapping) -> bool:
    """Whether some name starts with `sops_`; the exact name `sops` is free, as in sops."""
    return any(isinstance(entry.key.value, str) and entry.key.value.startswith(PREFIX) for entry in document.entries())


def is_marked(data: bytes, *, mentioned: bool) -> bool:
    """Whether a line begins with `sops_mac=`, or with the prefix where it is mentioned."""
    if b"\nsops_mac=" in b"\n" + data:
        return True
    return mentioned and b"\n" + PREFIX.encode() in b"\n" + data.removeprefix(b"\xef\xbb\xbf")


def carries_mac(data: bytes) -> bool:
    """Whether a line begins as Flux wants it."""
    return b"\n" + MAC_MARK in b"\n" + data
