"""The age v1 header: version line, recipient stanzas, MAC line. Parsing is strict, so encoding gives the same bytes.

Source: C2SP age.md, "Header"; limits from age internal/format/format.go at v1.3.2.
"""

from __future__ import annotations

from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from secretsync.errors import AgeHeaderError

VERSION_LINE: Final = b"age-encryption.org/v1\n"
_FAMILY: Final = b"age-encryption.org/"
_STANZA_PREFIX: Final = b"->"
_MAC_PREFIX: Final = b"---"
_LINE_BYTES: Final = 48  # 64 columns of base64
_MAC_SIZE: Final = 32
_MAX_HEADER_BYTES: Final = 2 << 20
_MAX_STANZAS: Final = 1024
_MAX_WORDS: Final = 129
_VISIBLE: Final = bytes(range(33, 127))


class Stanza(NamedTuple):
    """One wrapped file key: a type, its arguments (visible ASCII), and a body of raw bytes."""

    type: str
    args: tuple[str, ...]
    body: bytes

    def encode(self) -> bytes:
        """Return the stanza's text; the base64 body always ends in a line shorter than 64 columns."""
        text = encode_base64(self.body)
        lines = [" ".join(("->", self.type, *self.args))]
        lines += [text[start : start + 64] for start in range(0, len(text) + 1, 64)]
        return "\n".join(lines).encode("ascii") + b"\n"


class Header(NamedTuple):
    """A parsed header: its stanzas, the bytes that the MAC covers (up to and including `---`), and the 32-byte MAC."""

    stanzas: tuple[Stanza, ...]
    authenticated: bytes
    mac: bytes

    def encode(self) -> bytes:
        """Return the header's text, MAC line included."""
        return self.authenticated + b" " + encode_base64(self.mac).encode("ascii") + b"\n"


def authenticated_part(stanzas: Iterable[Stanza]) -> bytes:
    """Return the header's text up to and including the `---` of the MAC line."""
    return b"".join([VERSION_LINE, *(stanza.encode() for stanza in stanzas), _MAC_PREFIX])


def encode_base64(raw: bytes) -> str:
    """Return standard base64 without padding."""
    return b2a_base64(raw, newline=False).decode("ascii").rstrip("=")


def decode_base64(text: bytes) -> bytes:
    """Return the bytes of canonical standard base64 without padding.

    Raises:
        AgeHeaderError: the text is anything else.
    """
    try:
        raw = a2b_base64(text + b"=" * (-len(text) % 4))
    except Base64Error:
        raise AgeHeaderError("age header holds invalid base64") from None
    if b2a_base64(raw, newline=False).rstrip(b"=") != text:
        raise AgeHeaderError("age header holds base64 that is not canonical")
    return raw


def parse(readline: Callable[[], bytes]) -> Header:
    """Read a header line by line, leaving the reader at the payload.

    Raises:
        AgeHeaderError: this is no age v1 header.
    """
    lines = _Lines(readline)
    version = lines.next()
    if version != VERSION_LINE:
        if version.startswith(_FAMILY):
            raise AgeHeaderError("this version of the age format is not supported")
        raise AgeHeaderError(
            "not an age file: its first line is not that of age v1" if version else "age file is empty"
        )
    stanzas: list[Stanza] = []
    while not (line := lines.next()).startswith(_MAC_PREFIX):
        if len(stanzas) == _MAX_STANZAS:
            raise AgeHeaderError(f"age header has more than {_MAX_STANZAS} recipient stanzas")
        stanzas.append(read_stanza(line, lines.next))
    if not stanzas:
        raise AgeHeaderError("age header has no recipient stanzas")
    authenticated = b"".join(lines.seen[:-1]) + _MAC_PREFIX
    return Header(tuple(stanzas), authenticated, _mac_of(line))


def read_stanza(opening: bytes, next_line: Callable[[], bytes]) -> Stanza:
    """Return the stanza whose first line is `opening`, taking the lines of its body from `next_line`.

    Raises:
        AgeHeaderError: it is malformed, or the text ends within it.
    """
    words = _words(opening)
    if len(words) < 2 or words[0] != _STANZA_PREFIX:
        raise AgeHeaderError("malformed opening line of an age stanza")
    body = b""
    while True:
        line = next_line()
        if not line.endswith(b"\n"):
            raise AgeHeaderError("age header ends inside a stanza")
        part = decode_base64(line[:-1])
        if len(part) > _LINE_BYTES:
            raise AgeHeaderError("age stanza has a body line of more than 64 columns")
        body += part
        if len(part) < _LINE_BYTES:
            kind, *args = [word.decode("ascii") for word in words[1:]]
            return Stanza(kind, tuple(args), body)


class _Lines:
    """The header's lines as they are read, within the size limit."""

    __slots__ = ("_readline", "_size", "seen")

    def __init__(self, readline: Callable[[], bytes]) -> None:
        self._readline = readline
        self._size = 0
        self.seen: list[bytes] = []

    def next(self) -> bytes:
        line = self._readline()
        self._size += len(line)
        if self._size > _MAX_HEADER_BYTES:
            raise AgeHeaderError("age header exceeds 2 MiB")
        self.seen.append(line)
        return line


def _words(line: bytes) -> list[bytes]:
    """Return the words between single spaces, or nothing unless all are visible ASCII on one whole line."""
    words = line[:-1].split(b" ")
    if not line.endswith(b"\n") or len(words) > _MAX_WORDS + 1:
        return []
    if any(not word or word.translate(None, _VISIBLE) for word in words):
        return []
    return words


def _mac_of(line: bytes) -> bytes:
    words = _words(line)
    if len(words) != 2 or words[0] != _MAC_PREFIX:
        raise AgeHeaderError("malformed MAC line of an age header")
    mac = decode_base64(words[1])
    if len(mac) != _MAC_SIZE:
        raise AgeHeaderError("the MAC of an age header is not 32 bytes")
    return mac
