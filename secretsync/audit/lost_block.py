"""A plain file that holds values of sops: it was encrypted, and its `sops` block with the wrapped data key is lost.

To encrypt it once more would bury the ciphertext below a second one, and the file would look sound.
"""

from __future__ import annotations

from collections.abc import Container, Sequence

from secretsync.audit.reading import leaves
from secretsync.documents.stores import ENVELOPE, store_named
from secretsync.documents.tree import Limits, Mapping, Node, Scalar, Source
from secretsync.errors import AlreadyEncryptedError, SecretsyncError
from secretsync.sops.metadata import KEY
from secretsync.sops.values import PREFIX


def refuse(source: Source) -> None:
    """Refuse a file without a block of which a whole value is ciphertext, cut off or not.

    Comments do not count: decrypting leaves in them what it cannot read. A file that has a block is for others to refuse.

    Raises:
        AlreadyEncryptedError: the first such value, by its place.
    """
    if any(document.get(KEY) is not None for document in source.documents):
        return
    place = _first(source.documents) or _inside(source)
    if place:
        raise AlreadyEncryptedError(
            "the value is ciphertext of sops, and the file has no `sops` block: the block is lost",
            location=place,
            hint="take the block from an earlier version (git log -p -- FILE), and decrypt the file then; "
            "where the ciphertext itself is meant: --allow-ciphertext",
        )


def refuse_new(after: Sequence[Node], before: Sequence[Mapping] = ()) -> None:
    """Refuse ciphertext as a new value, as it is pasted from another file: whoever decrypts the file gets that text.

    Both are decrypted; what `before` holds is no news.

    Raises:
        AlreadyEncryptedError: the first such value, by its place.
    """
    known = {leaf.value for document in before for _, leaf in leaves(document) if _is_ciphertext(leaf)}
    place = _first(after, known)
    if place:
        raise AlreadyEncryptedError(
            "the value is ciphertext of sops, which another file opens",
            location=place,
            hint="give the value itself: secretsync decrypt --extract PATH FILE; "
            "where the ciphertext itself is meant: --allow-ciphertext",
        )


def _first(documents: Sequence[Node], known: Container[object] = ()) -> str:
    """Return the place of the first value that is ciphertext and not `known`; nothing where there is none."""
    for number, document in enumerate(documents, 1):
        for path, leaf in leaves(document):
            if _is_ciphertext(leaf) and leaf.value not in known:
                return f"#{number} {path}".rstrip()
    return ""


def _is_ciphertext(leaf: Scalar) -> bool:
    return isinstance(leaf.value, str) and leaf.value.startswith(PREFIX)


def _inside(source: Source) -> str:
    """Return the place of ciphertext in what is read as one value: binary files are JSON once they are encrypted."""
    if not store_named(source.store).ONE_VALUE:
        return ""
    found = [leaf for document in source.documents for _, leaf in leaves(document)]
    if not any(_is_lost_envelope(leaf) for leaf in found):
        return ""
    return "#1 data"


def _is_lost_envelope(leaf: Scalar) -> bool:
    text = leaf.value
    if not isinstance(text, str) or PREFIX not in text:
        return False
    try:
        documents = store_named(ENVELOPE).load(text.encode(), limits=Limits.unbounded()).documents
    except SecretsyncError:
        return False
    return {entry.key.value for each in documents for entry in each.entries()} == {"data"} and bool(_first(documents))
