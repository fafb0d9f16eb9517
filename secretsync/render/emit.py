"""Several rendered files as one stream: a `---` and a final newline are added only where they are missing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from secretsync.documents.stores import store_named
from secretsync.documents.tree import Comment, Entry, Limits, Node, Scalar
from secretsync.errors import FormatError
from secretsync.render.pipeline import Piece

# Possessive throughout: a hostile run of line breaks or comment signs must not make a match exponential.
_LEADING: Final = rb"(?:[ \t]*+(?:#[^\r\n]*+)?(?>\r\n?|\n))*+"
_STARTS: Final = re.compile(_LEADING + rb"---(?=[ \t\r\n]|$)")
_DIRECTIVE: Final = re.compile(_LEADING + rb"%")
_TRAILING: Final = rb"[ \t]*+(?:#[^\n]*+)?\r?+\n(?:[ \t]*+(?:#[^\n]*+)?\r?+\n)*+$"
_ENDS_OPEN: Final = re.compile(rb"(?:^|\n)---" + _TRAILING)
_ENDS_CLOSED: Final = re.compile(rb"(?:^|\n)\.\.\." + _TRAILING)
_BLOCK_HEADER: Final = re.compile(r"([^|>\n]*+[|>])([-+0-9]*)")
_TAIL: Final = 4096
_BOMS: Final = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))


def join(pieces: Sequence[Piece]) -> bytes:
    """Return one stream of all pieces in order; a single piece is returned as it is."""
    if len(pieces) == 1:
        return pieces[0].data
    if all(piece.format == "json" for piece in pieces):
        return b"".join(_ended(piece.data) for piece in pieces)
    parts: list[bytes] = []
    previous = b""
    for piece in pieces:
        data = _as_utf8(piece.data if piece.format == "yaml" else _as_yaml(piece.data))
        data = _ended(_chomped(data) if piece.format == "yaml" and not data.endswith((b"\n", b"\r")) else data)
        if previous:
            parts.append(_separator(previous, data))
        if data:
            parts.append(data)
            previous = data
    return b"".join(parts)


def _separator(previous: bytes, following: bytes) -> bytes:
    tail = previous[-_TAIL:]
    if _DIRECTIVE.match(following):
        return b"" if _ENDS_CLOSED.search(tail) else b"...\n"
    if not following or _STARTS.match(following) or _ENDS_OPEN.search(tail):
        return b""
    return b"---\n"


def _ended(data: bytes) -> bytes:
    return data if not data or data.endswith((b"\n", b"\r")) else data + b"\n"


def _chomped(data: bytes) -> bytes:
    """Say `-` in the header of a block scalar that ends the text, so that the newline to come is not part of it."""
    source = store_named("yaml").load(data, limits=Limits.unbounded())
    last: Node = source.documents[-1] if source.documents else Scalar(None)
    while not isinstance(last, Scalar):
        nodes = [item for item in last.items if not isinstance(item, Comment)]
        if not nodes:
            return data
        last = nodes[-1].value if isinstance(nodes[-1], Entry) else nodes[-1]
    if last.style not in {"|", ">"} or last.span is None or last.alias:
        return data
    header = _BLOCK_HEADER.match(source.text, last.span.start)
    if header is None or "-" in header[2]:
        return data
    indent = header[2].replace("+", "")
    return f"{source.text[: header.start(2)]}{indent}-{source.text[header.end(2) :]}".encode()


def _as_yaml(data: bytes) -> bytes:
    """Return a JSON document as it may stand among YAML ones: as it is, unless it has an escape unknown to YAML."""
    try:
        store_named("yaml").load(data, limits=Limits.unbounded())
    except FormatError:
        return store_named("yaml").dump(store_named("json").load(data, limits=Limits.unbounded()).documents)
    return data


def _as_utf8(data: bytes) -> bytes:
    """Take off a byte order mark, which may only stand at the start of a stream, and what goes with it."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            rest = data[len(mark) :]
            return rest if encoding == "utf-8" else rest.decode(encoding).encode()
    return data
