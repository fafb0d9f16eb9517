"""The `sops` block of a file: parsed, weakly typed and case-insensitive as sops reads it.

What the block holds beyond that (unknown fields, order, spelling of names) stays in `Metadata.block`, so that a
rewrite keeps it. Nothing in the block but `mac`, `lastmodified` and each `enc` is authenticated.
Source: sops stores/stores.go, stores/metadata.go and mapstructure's WeaklyTypedInput at v3.13.3.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from secretsync.documents.tree import Comment, Entry, Mapping, Node, Scalar, Sequence, Timestamp
from secretsync.errors import MetadataError
from secretsync.masterkeys.kinds import KINDS
from secretsync.sops.selectors import KINDS as SELECTOR_KINDS
from secretsync.sops.selectors import Selector
from secretsync.sops.timestamps import whole_seconds

KEY: Final = "sops"
"""The reserved top-level key. Source: stores.go `SopsMetadataKey`."""

_OWN_FIELDS: Final = ("key_groups", "lastmodified", "mac", "mac_only_encrypted", "shamir_threshold", "version")
_TRUE: Final = frozenset(("1", "t", "T", "TRUE", "true", "True"))
_FALSE: Final = frozenset(("", "0", "f", "F", "FALSE", "false", "False"))


class Envelope(NamedTuple):
    """One master key's wrapped copy of the data key: its kind and fields, and the node they were read from."""

    kind: str
    fields: dict[str, object]
    node: Mapping | None = None


class Metadata(NamedTuple):
    """A file's metadata. `last_modified` is in the spelling that serves as additional data of the MAC.

    `groups` holds one list of envelopes, or several that share the data key by Shamir. `mac` is still encrypted.
    """

    last_modified: str
    mac: str
    version: str
    selector: Selector
    stores_selector: bool
    mac_only_encrypted: bool
    shamir_threshold: int
    groups: list[list[Envelope]]
    block: Mapping


def is_encrypted(document: Mapping) -> bool:
    """Whether a document carries a `sops` entry, well-formed or not."""
    return document.get(KEY) is not None


def split(documents: list[Mapping]) -> tuple[list[Mapping], Metadata]:
    """Return the documents without their `sops` entries, and the metadata, which document 1 alone decides.

    Raises:
        MetadataError: no block, more than one in document 1, one that is no mapping, or one that is damaged.
    """
    bare, blocks = [], []
    for number, document in enumerate(documents):
        kept: list[Entry | Comment] = []
        for item in document.items:
            if isinstance(item, Entry) and item.key.value == KEY:
                if number == 0:
                    blocks.append(item.value)
            else:
                kept.append(item)
        bare.append(Mapping(kept, document.span, document.flow))
    if not blocks:
        raise MetadataError("sops metadata not found", hint="the file is not encrypted with sops")
    if len(blocks) > 1:
        raise MetadataError("more than one sops block", location="#1 sops")
    block = blocks[0]
    if not isinstance(block, Mapping):
        raise MetadataError("the sops entry is not a mapping", location="#1 sops")
    return bare, parse(block)


def parse(block: Mapping) -> Metadata:
    """Return the metadata in `block`.

    Raises:
        MetadataError: a field of the wrong type, no readable `lastmodified` or `version`, two selectors, no key.
    """
    found = fields_of(block, known_fields(), "sops")
    selectors = [(kind, pattern) for kind in SELECTOR_KINDS if (pattern := _string(found, kind, "sops"))]
    if len(selectors) > 1:
        names = " and ".join(kind for kind, _ in selectors)
        raise MetadataError(f"cannot use more than one selector in a file: {names}", location="#1 sops")
    last_modified = whole_seconds(text := _string(found, "lastmodified", "sops"))
    if last_modified is None:
        raise MetadataError(f"{text[:40]!r} is not a point in time (RFC 3339)", location="#1 sops.lastmodified")
    return Metadata(
        last_modified=last_modified,
        mac=_string(found, "mac", "sops"),
        version=_version(_string(found, "version", "sops")),
        selector=Selector(*selectors[0]) if selectors else Selector.default(),
        stores_selector=bool(selectors),
        mac_only_encrypted=_bool(found, "mac_only_encrypted"),
        shamir_threshold=_int(found, "shamir_threshold"),
        groups=_groups(found),
        block=block,
    )


def known_fields() -> frozenset[str]:
    """Return the names of all fields that mean something in the block."""
    return frozenset((*KINDS, *SELECTOR_KINDS, *_OWN_FIELDS))


def fields_of(mapping: Mapping, known: frozenset[str], where: str) -> dict[str, Node]:
    """Return the entries of `mapping` by their known names: an exact name wins over one in other case."""
    exact: dict[str, Node] = {}
    folded: dict[str, Node] = {}
    for item in mapping.items:
        if isinstance(item, Entry):
            name = item.key.value
            if type(name) is not str:
                raise MetadataError(f"the key {name!r} is not a string", location=f"#1 {where}")
            if name in known:
                exact[name] = item.value
            elif (lower := name.lower()) in known:
                folded.setdefault(lower, item.value)
    return {**folded, **exact} if folded else exact


def _groups(found: dict[str, Node]) -> list[list[Envelope]]:
    """Return the key groups; `key_groups` counts only where no list of keys stands beside it."""
    flat = _group(found, "sops")
    if flat:
        return [flat]
    groups = []
    for index, node in enumerate(_elements(found.get("key_groups"))):
        where = f"sops.key_groups[{index}]"
        groups.append(_group(fields_of(_mapping(node, where), frozenset(KINDS), where), where))
    if not groups:
        raise MetadataError("no keys found in the file", location="#1 sops")
    return groups


def _group(found: dict[str, Node], where: str) -> list[Envelope]:
    return [
        _envelope(kind, node, f"{where}.{kind}[{index}]")
        for kind in KINDS
        if kind in found
        for index, node in enumerate(_elements(found[kind]))
    ]


def _envelope(kind: str, node: Node, where: str) -> Envelope:
    mapping = _mapping(node, where)
    fields: dict[str, object] = {}
    for entry in mapping.entries():
        name = str(entry.key.value)
        if isinstance(entry.value, Scalar):
            fields[name.lower()] = _text(entry.value, f"{where}.{name}")
        elif isinstance(entry.value, Mapping):
            inner = entry.value.entries()
            fields[name.lower()] = {str(one.key.value): _text(one.value, f"{where}.{name}") for one in inner}
        elif name.lower() in ("enc", "recipient", "fp", "arn", "created_at"):
            raise MetadataError("is not a string", location=f"#1 {where}.{name}")
    if KINDS[kind].records_created_at and whole_seconds(str(fields.get("created_at", ""))) is None:
        raise MetadataError("created_at is missing or not a point in time", location=f"#1 {where}")
    return Envelope(kind, fields, mapping)


def _elements(node: Node | None) -> list[Node]:
    """Return the elements of a list; anything else that is not empty counts as a list of one, as mapstructure has it."""
    match node:
        case None | Scalar(value=None):
            return []
        case Sequence():
            return [item for item in node.items if not isinstance(item, Comment)]
        case Mapping() if not any(node.entries()):
            return []
        case _:
            return [node]


def _mapping(node: Node, where: str) -> Mapping:
    match node:
        case Mapping():
            return node
        case Scalar(value=None):
            return Mapping()
        case _:
            raise MetadataError("expected a mapping", location=f"#1 {where}")


def _string(found: dict[str, Node], name: str, where: str) -> str:
    node = found.get(name)
    return "" if node is None else _text(node, f"{where}.{name}")


def _text(node: Node, where: str) -> str:
    """Return a scalar as text, as mapstructure's weak typing makes it."""
    if isinstance(node, Scalar):
        value = node.value
        if type(value) is str:
            return value
        if value is None:
            return ""
        if isinstance(value, bool):
            return "1" if value else "0"
        if isinstance(value, (int, float)):
            return f"{value:g}" if isinstance(value, float) else str(value)
        if isinstance(value, Timestamp):
            raise MetadataError("an unquoted point in time is not a string", location=f"#1 {where}", hint="quote it")
    raise MetadataError("is not a string", location=f"#1 {where}")


def _int(found: dict[str, Node], name: str) -> int:
    node = found.get(name)
    value = node.value if isinstance(node, Scalar) else None if node is None else node
    try:
        match value:
            case None | "":
                return 0
            case bool() | int() | float():
                return int(value)
            case str():
                return int(value, 0)
    except (ValueError, OverflowError):
        pass
    raise MetadataError("is not a number", location=f"#1 sops.{name}")


def _bool(found: dict[str, Node], name: str) -> bool:
    node = found.get(name)
    value = node.value if isinstance(node, Scalar) else None if node is None else node
    match value:
        case None:
            return False
        case bool() | int() | float():
            return bool(value)
        case str() if value in _TRUE or value in _FALSE:
            return value in _TRUE
    raise MetadataError("is neither true nor false", location=f"#1 sops.{name}")


def _version(text: str) -> str:
    """Return `text` if sops could compare it with its own version. Source: version.go `AIsNewerThanB`."""
    numbers = text.removeprefix("v").split("-")[0].split("+")[0].split(".")
    if text.startswith("1.") or (len(numbers) == 3 and all(_is_number(each) for each in numbers)):
        return text
    raise MetadataError(f"{text[:40]!r} is not a version", location="#1 sops.version", hint="write it as 3.13.3")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and (text == "0" or text[0] != "0")
