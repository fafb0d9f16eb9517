"""The INI store: sections of string values, written with aligned `=`; sops' metadata is a flat last section `[sops]`.

A comment follows the key it belongs to, the section's own comes first. Source: sops stores/ini at v3.13.3,
gopkg.in/ini.v1 file.go at v1.67.3.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from secretsync.documents.flat.flattening import flatten, unflatten
from secretsync.documents.flat.ini_parsing import Section, parse
from secretsync.documents.flat.values import text_of
from secretsync.documents.single import only_document
from secretsync.documents.tree import Comment, Entry, Limits, Mapping, Node, Scalar, Source, Span
from secretsync.errors import DuplicateKeyError, LimitError, ParseError, TreeError

NAME: Final = "ini"
COMMENTS: Final = True
SEVERAL_DOCUMENTS: Final = False
NESTED: Final = False
NULLS: Final = False
ONE_VALUE: Final = False
SKIPS_COMMENTS: Final = False
CONFIG_NAME: Final = "ini"
CONFIG_FIELDS: Final = ()
MAC_MARK: Final = b"[sops]"
EXAMPLE: Final = b"; Replace this example with your values.\n[example]\nname = value\n"
_BOMS: Final = (b"\xef\xbb\xbf", b"\xfe\xff", b"\xff\xfe")
_DEFAULT_LIMITS: Final = Limits()


def load(data: bytes, *, limits: Limits = _DEFAULT_LIMITS, encrypted: bool = False) -> Source:
    """Parse sections; with `encrypted`, the section `sops` becomes one nested mapping at the end.

    Raises: ParseError, DuplicateKeyError (in one section; sections may repeat), MetadataError, LimitError.
    """
    if len(data) > limits.size:
        raise LimitError(f"larger than {limits.size} bytes")
    raw = next((data[len(bom) :] for bom in _BOMS if data.startswith(bom)), data)
    text = raw.decode("utf-8", "surrogateescape")
    document = Mapping([Entry(Scalar(section.name), _section(section)) for section in parse(text)])
    if encrypted:
        document = _nested(document)
    return Source(NAME, data.decode("utf-8", "surrogateescape"), [document], [Span(0, len(text))])


def _section(section: Section) -> Mapping:
    items: list[Entry | Comment] = [Comment(_without_mark(section.comment))] if section.comment else []
    for key in section.keys:
        items.append(Entry(Scalar(key.name), _leaf(key.value)))
        if key.comment:
            items.append(Comment(_without_mark(key.comment)))
    return Mapping(items)


def _leaf(value: str) -> Scalar:
    return Scalar(value if value.isascii() else _bytes_or_text(value))


def _bytes_or_text(value: str) -> str | bytes:
    raw = value.encode("utf-8", "surrogateescape")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw


def _without_mark(comment: str) -> str:
    text = comment.lstrip("; ") if comment.startswith(";") else comment.lstrip("# ")
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _nested(document: Mapping) -> Mapping:
    items: list[Entry | Comment] = []
    metadata: list[Mapping] = []
    for entry in document.entries():
        if entry.key.value == "sops" and isinstance(entry.value, Mapping):
            metadata.append(entry.value)
        else:
            items.append(entry)
    for section in metadata:
        leaves = [
            (str(entry.key.value), Scalar(text_of(entry.value).replace("\\n", "\n")))
            for entry in section.entries()
            if isinstance(entry.value, Scalar)
        ]
        items.append(Entry(Scalar("sops"), unflatten(leaves)))
    return Mapping(items)


def dump(documents: list[Mapping], *, indent: int | None = None, encrypted: bool = False) -> bytes:  # noqa: ARG001  # the Protocol's parameter
    """Write sections as sops does; with `encrypted`, the nested `sops` mapping is flattened.

    Raises: TreeError for more than one document, a root value that is no section, a collection inside of one, and,
    with `encrypted`, anything that would not read back (sops writes it and cannot open the file).
    """
    sections = [_flat(entry) if encrypted else entry for entry in only_document(documents, NAME).entries()]
    blocks = [_block(entry, first=index == 0) for index, entry in enumerate(sections)]
    text = "".join(
        block + ("\n" if index + 1 < len(blocks) and not _is_silent(sections[index], index) else "")
        for index, block in enumerate(blocks)
    )
    if encrypted:
        _prove(sections, text)
    return text.encode("utf-8", "surrogateescape")


def _flat(entry: Entry) -> Entry:
    if entry.key.value != "sops" or not isinstance(entry.value, Mapping):
        return entry
    leaves: list[Entry | Comment] = [
        Entry(Scalar(path), Scalar(text_of(Scalar(value)).replace("\n", "\\n"))) for path, value in flatten(entry.value)
    ]
    return Entry(entry.key, Mapping(leaves))


def _is_silent(entry: Entry, index: int) -> bool:
    """Whether an empty default section comes first, of which nothing is written."""
    default = index == 0 and str(entry.key.value).upper() == "DEFAULT"
    return default and isinstance(entry.value, Mapping) and not any(True for _ in entry.value.entries())


def _block(entry: Entry, *, first: bool) -> str:
    """Return the text of one section."""
    name, section = _name(entry), entry.value
    if not isinstance(section, Mapping):
        raise TreeError(f"the INI store holds sections only; {name!r} is none")
    lines: list[str] = []
    items = section.items
    if items and isinstance(items[0], Comment):
        lines += _comment(items[0].text, strip=False)
        items = items[1:]
    if not (first and name.upper() == "DEFAULT"):
        lines.append(f"[{name}]")
    lines += _keys(items)
    return "".join(line + "\n" for line in lines)


def _keys(items: list[Entry | Comment]) -> list[str]:
    """Return the lines of a section's keys, the comment behind a key above it."""
    names = [_quoted_name(_name(item)) for item in items if isinstance(item, Entry)]
    if len(set(names)) < len(names):
        twice = next(name for name, times in Counter(names).items() if times > 1)
        raise DuplicateKeyError(f"the key {twice!r} stands twice in one INI section")
    width = max((_width(name) for name in names), default=0)
    lines: list[str] = []
    place = 0
    for item in items:
        if isinstance(item, Comment):
            if lines:
                lines[place:place] = _comment(item.text)
            continue
        name = _quoted_name(_name(item))
        place = len(lines)
        lines.append(f"{name}{' ' * (width - _width(name))} = {_quoted(_text(item))}")
    return lines


def _width(name: str) -> int:
    return len(name.encode("utf-8", "surrogateescape"))


def _name(entry: Entry) -> str:
    name = entry.key.value
    if not isinstance(name, str) or not name:
        raise TreeError("INI names are strings and not empty")
    return name


def _text(entry: Entry) -> str:
    if not isinstance(entry.value, Scalar):
        raise TreeError(f"the INI store cannot hold the collection under {entry.key.value!r}")
    return text_of(entry.value)


def _quoted_name(name: str) -> str:
    if any(char in name for char in '"=:'):
        return f"`{name}`"
    return f'"""{name}"""' if "`" in name else name


def _quoted(value: str) -> str:
    if "\n" in value or "`" in value:
        return f'"""{value}"""'
    if "#" in value or ";" in value:
        return f"`{value}`"
    return f'"{value}"' if value.strip() != value else value


def _comment(text: str, *, strip: bool = True) -> list[str]:
    """Return the lines of a comment; an empty one has none. The library strips those of keys, not those of sections."""
    return [
        f"{line[0]} {line[1:].strip()}" if line[:1] in {"#", ";"} else f"; {line.strip() if strip else line}"
        for line in text.split("\n")
        if text
    ]


def _prove(sections: list[Entry], text: str) -> None:
    """Read the text back and compare: no key or value may change on the way."""
    try:
        read = parse(text)
    except ParseError:
        raise TreeError("the INI store cannot hold these keys or values as they are") from None
    if sections and _name(sections[0]).upper() != "DEFAULT":
        del read[0]
    elif sections and _name(sections[0]) != "DEFAULT":
        raise TreeError(f"the INI store cannot hold a first section called {_name(sections[0])!r}")
    for entry, section in zip(sections, read, strict=False):
        assert isinstance(entry.value, Mapping)
        held = [(key.name, key.value) for key in section.keys]
        for place, leaf in enumerate(entry.value.entries()):
            if isinstance(leaf.value, Scalar) and leaf.value.value is None:
                raise TreeError(f"the INI store cannot hold the null under {leaf.key.value!r}")
            if place >= len(held) or held[place] != (_name(leaf), _text(leaf)):
                raise TreeError(f"the INI store cannot hold the key {leaf.key.value!r} or its value as they are")
    if [_name(entry) for entry in sections] != [section.name for section in read]:
        raise TreeError("the INI store cannot hold these section names as they are")


def rewrite(source: Source, documents: list[Mapping], *, encrypted: bool = False) -> bytes:
    """Return the old bytes if the documents are the loaded ones, else write afresh as sops does."""
    if documents == source.documents:
        return source.text.encode("utf-8", "surrogateescape")
    return dump(documents, encrypted=encrypted)


def emit_value(node: Node) -> bytes:
    """Return a leaf as text. Raises: TreeError for a section."""
    if isinstance(node, Scalar):
        return text_of(node).encode("utf-8", "surrogateescape")
    raise TreeError("the INI store extracts values, not sections")


def is_reserved(document: Mapping) -> bool:
    """Whether there is a section `sops`."""
    return document.get("sops") is not None


def is_marked(data: bytes, *, mentioned: bool) -> bool:
    """Whether it is mentioned, and there is a section."""
    return mentioned and MAC_MARK in data


def carries_mac(data: bytes) -> bool:
    """Whether a line gives `mac` ciphertext, aligned or not."""
    return any(_is_mac(line) for line in data.split(b"\n"))


def _is_mac(line: bytes) -> bool:
    name, sign, value = line.partition(b"=")
    return bool(sign) and name.rstrip(b" \t") == b"mac" and value.lstrip(b" \t").startswith(b"ENC[")
