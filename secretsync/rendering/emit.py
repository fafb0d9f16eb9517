"""Several rendered files as one stream: a `---` and a final newline are added only where they are missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from secretsync.documents.stores import store_named
from secretsync.documents.tree import Comment, Entry, Limits, Node, Scalar
from secretsync.documents.yaml import properties
from secretsync.documents.yaml.loading import BOMS
from secretsync.late import load
from secretsync.rendering.formats import FORMATS, Piece
from secretsync.rendering.objects import OTHER_BREAKS

_BLANKS: Final = b" \t\r\n"
_HEADER_SIGNS: Final = frozenset("-+0123456789")


def join(pieces: Sequence[Piece]) -> bytes:
    """Return one stream of all pieces in order; a single piece is returned as it is."""
    if len(pieces) == 1:
        return pieces[0].data
    formats = {piece.format for piece in pieces}
    if len(formats) == 1 and not FORMATS[formats.pop()].is_yaml:
        return b"".join(_ended(piece.data) for piece in pieces)
    parts: list[bytes] = []
    previous = b""
    for piece in pieces:
        entry = FORMATS[piece.format]
        data = _as_utf8(piece.data if entry.is_yaml else load(entry.in_yaml)(piece.data))
        data = _ended(_chomped(data) if entry.is_yaml and not data.endswith((b"\n", b"\r")) else data)
        if previous:
            parts.append(_separator(previous, data))
        if data:
            parts.append(data)
            previous = data
    return b"".join(parts)


def _separator(previous: bytes, following: bytes) -> bytes:
    """Return what must stand between two texts: nothing only where a line of one of them separates already."""
    first = _first_line(following)
    last = _last_line(previous)
    if first.startswith(b"%"):
        return b"" if last == b"..." else b"...\n"
    if first == b"---" or not following or last == b"---":
        return b""
    return b"---\n"


def _first_line(data: bytes) -> bytes:
    """Return the first line that says something: a marker without what follows it, `%` of a directive, else anything."""
    start = 0
    while start < len(data):
        end = data.find(b"\n", start) + 1 or len(data)
        line = data[start:end]
        bare = line.strip(_BLANKS)
        if (bare and not bare.startswith(b"#")) or _has_other_break(bare):
            return _marker(line) or line
        start = end
    return b""


def _last_line(data: bytes) -> bytes:
    """Return the last line that says something, a marker without the comment behind it."""
    end = len(data)
    while end > 0:
        start = data.rfind(b"\n", 0, end - 1) + 1
        line = data[start:end]
        bare = line.strip(_BLANKS)
        if (bare and not bare.startswith(b"#")) or _has_other_break(bare):
            rest = line[3:].strip(_BLANKS)
            return _marker(line) if not rest or rest.startswith(b"#") else line
        end = start
    return b""


def _marker(line: bytes) -> bytes:
    is_marker = line[:3] in {b"---", b"..."} and (line[3:4] in _BLANKS or not line[3:]) and not _has_other_break(line)
    return line[:3] if is_marker else b""


def _has_other_break(line: bytes) -> bool:
    return any(mark in line for mark in OTHER_BREAKS) or b"\r" in line.rstrip(b"\r\n")


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


def _as_utf8(data: bytes) -> bytes:
    """Take off a byte order mark, which may only stand at the start of a stream, and what goes with it."""
    for mark, encoding in BOMS:
        if data.startswith(mark):
            rest = data[len(mark) :]
            return rest if encoding == "utf-8" else rest.decode(encoding).encode()
    return data
