"""Putting an encrypted tree into text, and proving in memory that the text decrypts again.

A comment is encrypted for the container in which the reader of the result finds it: text and tree can disagree about
where a comment belongs, and only the text survives.
"""

from __future__ import annotations

from typing import NamedTuple

import secretsync.sops.block as blocks
import secretsync.sops.mac as mac
import secretsync.sops.metadata as metadata
import secretsync.sops.values as values
from secretsync.crypto.gcm import Gcm
from secretsync.documents.stores import Store, store_named
from secretsync.documents.tree import Comment, Entry, Limits, Mapping, Node, Scalar, Sequence, Source
from secretsync.errors import ConversionError, SecretsyncError
from secretsync.secrecy import SecretBytes
from secretsync.sops.decryption import Decryption
from secretsync.sops.selectors import Selector
from secretsync.sops.unread_comments import refuse_strays
from secretsync.sops.walk import Walk


class WrittenFile(NamedTuple):
    """The bytes of a file, and the tree that reading exactly these bytes gave, where they were read last."""

    data: bytes
    source: Source | None


def write(
    source: Source,
    documents: list[Mapping],
    block: Mapping,
    *,
    comments: dict[str, str],
    data_key: SecretBytes,
    first: bool = False,
) -> WrittenFile:
    """Return encrypted `documents` and their `sops` block written over `source`, and how they read back.

    `comments` maps the ciphertext of each encrypted comment to its text. The `first` time, `source` is plain, and not
    even a comment that no reader finds may stay readable.

    Raises:
        ConversionError: the store cannot hold the tree, or its text would not decrypt to what was encrypted.
    """
    store = store_named(source.store)
    cipher = Gcm(data_key.expose())
    try:
        output = store.rewrite(source, blocks.attach(documents, block, source.documents), encrypted=True)
        written = _settled(store, output, documents, comments, cipher)
        if first:
            again = written.source or store.load(written.data, limits=Limits.unbounded(), encrypted=True)
            written = WrittenFile(written.data, again)
    except ConversionError:
        raise
    except SecretsyncError as error:
        raise ConversionError(
            f"the result could not be read back: {error.message}", location=error.location, hint=error.hint
        ) from None
    if first and written.source:
        refuse_strays(written.source, metadata.split(written.source.documents)[1].selector)
    return written


def _settled(
    store: Store, output: bytes, documents: list[Mapping], comments: dict[str, str], cipher: Gcm
) -> WrittenFile:
    """Return `output` once it decrypts, with the comments that its reader finds elsewhere encrypted for that place."""
    for attempt in range(3):  # pragma: no branch  # no text is known that needs a fourth reading
        again = store.load(output, limits=Limits.unbounded(), encrypted=True)
        bare, found = metadata.split(again.documents)
        if attempt == 0:
            _compare(documents, bare)
        check = Decryption(found, cipher)
        check.documents(bare)
        mac.verify(cipher, found.mac, mac.digest(check.hashed), found.last_modified)
        if not check.has_comments:
            return WrittenFile(output, again)
        settle = _Settling(found.selector, cipher, comments)
        settled = settle.documents(bare)
        if settle.strayed and attempt == 0:
            output = store.rewrite(again, blocks.attach(documents, found.block, again.documents), encrypted=True)
            continue
        if not settle.moved:
            return WrittenFile(output, again)
        output = store.rewrite(again, blocks.attach(settled, found.block, again.documents), encrypted=True)
    return WrittenFile(output, None)  # pragma: no cover  # see above


class _Settling(Walk):
    """Encrypts anew the comments that do not decrypt where they stand.

    `moved` counts them, `strayed` those whose reader would not even try, as their place is not selected. A copy that an
    alias makes in such a place is neither.
    """

    def __init__(self, selector: Selector, cipher: Gcm, comments: dict[str, str]) -> None:
        super().__init__(selector)
        self.moved = 0
        self._selected: set[str] = set()
        self._unselected: set[str] = set()
        self._cipher = cipher
        self._comments = comments

    @property
    def strayed(self) -> int:
        """How many comments stand nowhere that is selected."""
        return len(self._unselected - self._selected)

    def leaf(self, scalar: Scalar, aad: bytes, *, selected: bool) -> Scalar:  # noqa: ARG002  # the walk's signature
        """Leave values alone."""
        return scalar

    def comment(self, comment: Comment, aad: bytes, *, selected: bool) -> Comment:
        """Return the comment encrypted for `aad`; one that has come to be selected where it stands, too."""
        text = self._comments.get(comment.text)
        if text is not None:
            (self._selected if selected else self._unselected).add(comment.text)
        if not selected or not comment.text or (text is None and values.is_ciphertext(comment.text)):
            return comment
        if text is not None:
            try:
                values.decrypt(self._cipher, comment.text, aad)
            except SecretsyncError:
                pass
            else:
                return comment
        self.moved += 1
        again = values.encrypt(self._cipher, text or comment.text, aad, comment=True)
        self._comments[again] = text or comment.text
        return Comment(again, comment.inline)


def _compare(written: list[Mapping], read: list[Mapping]) -> None:
    if len(written) != len(read) or not all(_same(one, other) for one, other in zip(written, read, strict=True)):
        raise ConversionError("the result would not read back to the same tree")


def _same(one: Node, other: Node) -> bool:
    """Whether two trees hold the same keys and the same bytes; comments and number types may differ."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        mine, theirs = _contents(one), _contents(other)
        return len(mine) == len(theirs) and all(
            a.key.value == b.key.value and _same(a.value, b.value) for a, b in zip(mine, theirs, strict=True)
        )
    if isinstance(one, Sequence) and isinstance(other, Sequence):
        ours = [item for item in one.items if not isinstance(item, Comment)]
        others = [item for item in other.items if not isinstance(item, Comment)]
        return len(ours) == len(others) and all(_same(a, b) for a, b in zip(ours, others, strict=True))
    if isinstance(one, Scalar) and isinstance(other, Scalar):
        same_kind = (one.value is None) == (other.value is None)
        return same_kind and values.canonical(one.value) == values.canonical(other.value)
    return False


def _contents(mapping: Mapping) -> list[Entry]:
    return list(mapping.entries())
