"""Several rendered files as one stream: a `---` and a final newline are added only where they are missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from secretsync.documents import properties
from secretsync.documents.stores import store_named
from secretsync.documents.tree import Comment, Entry, Limits, Node, Scalar
from secretsync.errors import FormatError
from secretsync.render.pipeline import Piece

_BLANKS: Final = b" \t"
_BREAKS: Final = b"\r\n"
_BEHIND_MARKER: Final = (b"", b" ", b"\t", b"\r", b"\n")
_HEADER_SIGNS: Final = frozenset("-+0123456789")
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
    if not following:
        return b""
    first = _first_content(following)
    if following.startswith(b"%", first):
        return b"" if _ends_in(previous, b"...") else b"...\n"
    starts = following.startswith(b"---", first) and following[first + 3 : first + 4] in _BEHIND_MARKER
    if starts or _ends_in(previous, b"---"):
        return b""
    return b"---\n"


def _first_content(data: bytes) -> int:
    """Return where the first line starts that is neither blank nor a comment."""
    at = 0
    while True:
        start = at
        while data[at : at + 1] in (b" ", b"\t"):
            at += 1
        if data[at : at + 1] == b"#":
            while at < len(data) and data[at] not in _BREAKS:
                at += 1
        if at == len(data) or data[at] not in _BREAKS:
            return start
        at += 2 if data.startswith(b"\r\n", at) else 1


def _ends_in(data: bytes, marker: bytes) -> bool:
    """Whether the last line is this marker, blank lines and comments behind it not counted."""
    for line in reversed(data[-_TAIL:].split(b"\n")[:-1]) if data.endswith(b"\n") else ():
        content = line.removesuffix(b"\r").lstrip(_BLANKS)
        if content[:1] not in (b"", b"#"):
            behind = line.removesuffix(b"\r")[len(marker) :].lstrip(_BLANKS)
            return line.startswith(marker) and behind[:1] in (b"", b"#")
    return False


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
    text = source.text
    start = end = properties.end(text, *last.span) + 1  # behind the `|` or `>`
    while text[end : end + 1] in _HEADER_SIGNS:
        end += 1
    if "-" in text[start:end]:
        return data
    return f"{text[:start]}{text[start:end].replace('+', '')}-{text[end:]}".encode()


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
