"""The three sides of a merge, opened: each is a SOPS file of the same store whose MAC holds, or nothing is merged.

A merge makes a new MAC. What nobody verified before must never come to stand under it.
"""

from __future__ import annotations

from typing import NamedTuple

from secretsync.crypto.digests import compare_digest
from secretsync.documents.stores import Store
from secretsync.documents.tree import Comment, Entry, Limits, Mapping, Node, Scalar, Source
from secretsync.errors import DuplicateKeyError, MetadataError, SecretsyncError
from secretsync.merging.conflicts import Side
from secretsync.sops import metadata
from secretsync.sops.datakey import Keys
from secretsync.sops.decryption import Decrypted, decrypt


class Texts(NamedTuple):
    """A file as base, ours and theirs have it; `base` is empty where both sides added the file."""

    base: bytes
    ours: bytes
    theirs: bytes

    def __repr__(self) -> str:
        return "Texts(…)"


class OpenedSide(NamedTuple):
    """One side: its text as it was read, and what it holds."""

    source: Source
    plain: Decrypted

    def __repr__(self) -> str:
        return "OpenedSide(…)"


class OpenedSides(NamedTuple):
    """The three sides; `base` is None where both added the file."""

    base: OpenedSide | None
    ours: OpenedSide
    theirs: OpenedSide

    @property
    def same_key(self) -> bool:
        """Whether ours and theirs are encrypted under one data key."""
        return _same_key(self.ours, self.theirs)

    @property
    def with_the_key(self) -> tuple[Side, bool]:
        """Return whose data key the result gets, and whether there was more than one new one to choose from.

        It is the new one where one side was rotated, whichever: who rotates does so because the old one is burnt.
        """
        if self.same_key:
            return Side.OURS, False
        if self.base and _same_key(self.base, self.ours):
            return Side.THEIRS, False
        return Side.OURS, not (self.base and _same_key(self.base, self.theirs))

    def of(self, side: Side) -> OpenedSide:
        """Return one of the two sides that are merged."""
        return self.ours if side is Side.OURS else self.theirs


def open_sides(texts: Texts, store: Store, keys: Keys, limits: Limits) -> OpenedSides:
    """Open the three sides, each with its own data key.

    Raises:
        NoIdentityMatchError, KeyServiceError: no key here opens a side; as everything else, the side is named.
        MetadataError: a side is not encrypted.
        MacMismatchError, AuthenticationTagError: a side was tampered with.
        DuplicateKeyError, LimitError and the like: a side is not what its store can hold.
    """
    base, ours, theirs = (
        _opened(name, text, store, keys, limits) if text or name != "base" else None
        for name, text in zip(Texts._fields, texts, strict=True)
    )
    assert ours is not None  # only base may be missing
    assert theirs is not None
    return OpenedSides(base, ours, theirs)


def _opened(name: str, text: bytes, store: Store, keys: Keys, limits: Limits) -> OpenedSide:
    try:
        source = store.load(text, limits=limits, encrypted=True)
        if not any(map(metadata.is_encrypted, source.documents)):
            raise MetadataError("is not encrypted", hint="encrypt it on that side first, or merge the file by hand")
        _refuse_duplicates(source.documents)
        return OpenedSide(source, decrypt(source, keys))
    except SecretsyncError as error:
        inside = error.location or ""
        error.location = f"{name}{inside}" if inside.startswith("#") else f"{name} {inside}".rstrip()
        raise


def _refuse_duplicates(documents: list[Mapping]) -> None:
    """Raise DuplicateKeyError for a key that stands twice, which JSON and dotenv keep: which is meant is open."""
    waiting: list[tuple[str, Node]] = [(f"#{number}", root) for number, root in enumerate(documents, 1)]
    while waiting:
        place, node = waiting.pop()
        if isinstance(node, Scalar):
            continue
        seen: set[object] = set()
        for item in node.items:
            if isinstance(item, Entry):
                key = item.key.value
                if key in seen:
                    raise DuplicateKeyError(f"key {key!r} is there twice", location=place)
                seen.add(key)
                waiting.append((place, item.value))
            elif not isinstance(item, Comment):
                waiting.append((place, item))


def _same_key(one: OpenedSide, other: OpenedSide) -> bool:
    return compare_digest(one.plain.data_key.expose(), other.plain.data_key.expose())
