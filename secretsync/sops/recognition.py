"""Telling SOPS files from all others, for everything that looks through a tree: one answer to "is this ours?".

A SOPS file has the word `sops` and, in its MAC at least, ciphertext; each store adds how it writes the word. A block
that lost its MAC is told by its other fields. All may stand in UTF-16 or behind escapes. Whether such a file is sound is for its readers to say: what is recognised and does
not read is damaged, and is told. A file whose name says no store is what reads as one: prose and tests that only
quote a SOPS file are none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from secretsync.documents.stores import ENVELOPE, FALLBACK, by_content, store_for_path, store_named
from secretsync.documents.tree import Limits, Mapping, Scalar
from secretsync.errors import SecretsyncError
from secretsync.secrecy import CIPHERTEXT
from secretsync.sops.metadata import KEY, is_encrypted

MARK: Final = CIPHERTEXT
"""How ciphertext begins, in every store."""

MARKS: Final = (MARK.encode(), MARK.encode("utf-16-le")[:-1])
"""What SOPS files are found by: the mark, and the mark in UTF-16 of either order, as a redirection in PowerShell writes it."""

_MARK: Final = MARK.encode()
FOUND_BY: Final = (*MARKS, b"lastmodified")
"""What all files hold that sops opens: ciphertext may be base64 behind a tag of YAML, but no field's name is."""

_WORD: Final = KEY.encode()
_FIELDS: Final = (b"lastmodified", b"mac")
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
_LINE_ENDS: Final = tuple(end.encode() for end in ("\r\n", "\n", "\r", "\x85", "\u2028", "\u2029"))
"""All that YAML takes for the end of a line, behind a backslash that joins it with the next one."""

_ESCAPES: Final = (b"\\u", b"\\x", b"\\U", b"\\/", *(b"\\" + each for each in _LINE_ENDS))
_LIMITS: Final = Limits(size=1 << 40)  # whoever reads a file limits its size; a tree may not grow beyond that


def may_be_encrypted(data: bytes, store: str) -> bool:
    """Whether `data` has the marks of a SOPS file of this store; no SOPS file is without them."""
    return any(_is_marked(form, store) for form in _forms(data))


def store_of(path: str, data: bytes) -> str | None:
    """Return the store of a SOPS file: that of its name or, where that tells none, of its content; None for no SOPS file.

    sops takes a file without a telling suffix for binary whatever it holds, and can then not read it.
    """
    store = store_for_path(path)
    if store == FALLBACK:
        return store_of_content(data)
    if not may_be_encrypted(data, store):
        return None
    return store if b"\nsops:" in b"\n" + data or _is_damaged_or_encrypted(data, store) else None


def store_of_content(data: bytes) -> str | None:
    """Return the store that reads `data` as a SOPS file, None where none does.

    JSON that does not read, and has all the marks, counts as binary: it is damaged.
    """
    store = readable_store(data)
    if store is None and any(_is_damaged_json(form) for form in _forms(data)):
        return FALLBACK
    return store


def readable_store(data: bytes) -> str | None:
    """Return the store that reads `data` as a SOPS file, whatever its name says; None where none does."""
    for store in by_content():
        if may_be_encrypted(data, store):
            block = _first_encrypted(data, store)
            if block is not None:
                return FALLBACK if store == ENVELOPE and _is_envelope(block) else store
    return None


def mentions(data: bytes, *words: bytes) -> bool:
    """Whether one of some words stands in `data`, in UTF-16 or behind escapes as well."""
    return any(word in form for form in _forms(data) for word in words)


def spellings(piece: bytes) -> Iterator[bytes]:
    """Yield a piece of a file as it stands, and what it says without UTF-16 and escapes, whatever stood before it."""
    yield piece
    if b"\0" in piece:
        piece = piece.replace(b"\0", b"")
        yield piece
    yield from _unescaped(piece)


def ciphertexts(data: bytes) -> set[bytes]:
    """Return every `ENC[…]` that stands in `data`, in linear time."""
    found = set()
    start = data.find(_MARK)
    while start >= 0 and (end := data.find(b"]", start)) >= 0:
        found.add(data[start : end + 1])
        start = data.find(_MARK, end)
    return found


def carried_store(data: bytes) -> str | None:
    """Return the store whose MAC stands in the value of a Secret, more generously than Flux tells it; None for no MAC."""
    if b"mac" not in data:
        return None
    return next((name for name in by_content() if store_named(name).carries_mac(data)), None)


def _is_marked(data: bytes, store: str) -> bool:
    mentioned = _WORD in data and (_MARK in data or all(field in data for field in _FIELDS))
    return store_named(store).is_marked(data, mentioned=mentioned)


def _is_damaged_json(data: bytes) -> bool:
    """Whether it has the marks of a JSON file and is no JSON: one in a string has a backslash before its quotes."""
    if not (_is_marked(data, FALLBACK) and b'"sops"' in data):
        return False
    return _is_damaged_or_encrypted(data, ENVELOPE)


def _forms(data: bytes) -> Iterator[bytes]:
    """Yield `data`, and what it comes to in UTF-8 and without the escapes of JSON and YAML, where it has any."""
    yield data
    if data.startswith(_UTF_16):
        data = data.decode("utf-16", "replace").encode("utf-8", "replace")
        yield data
    yield from _unescaped(data)


def _unescaped(data: bytes) -> Iterator[bytes]:
    """Yield what a text says without the escapes that can stand for, or within, what is looked for."""
    if not any(escape in data for escape in _ESCAPES):
        return
    for line_end in _LINE_ENDS:
        first, *others = data.split(b"\\" + line_end)
        data = b"".join([first, *(other.lstrip(b" \t") for other in others)])
    data = data.replace(b"\\/", b"/").replace(b"\\x", b"\\u00")
    yield data.decode("raw_unicode_escape", "replace").encode("utf-8", "replace")


def _first_encrypted(data: bytes, store: str) -> Mapping | None:
    try:
        documents = store_named(store).load(data, limits=_LIMITS, encrypted=True).documents
    except SecretsyncError:
        return None
    return next((each for each in documents if is_encrypted(each)), None)


def _is_damaged_or_encrypted(data: bytes, store: str) -> bool:
    """Whether a file with the marks has a block, or does not read: one that reads without a block only quotes them."""
    try:
        documents = store_named(store).load(data, limits=_LIMITS, encrypted=True).documents
    except SecretsyncError:
        return True
    return any(map(is_encrypted, documents))


def _is_envelope(document: Mapping) -> bool:
    """Whether it is the JSON form of a binary file: one text called `data`."""
    names = {entry.key.value for entry in document.entries()}
    return names == {"data", KEY} and isinstance(document.get("data"), Scalar)
