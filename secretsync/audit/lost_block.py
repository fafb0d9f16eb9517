"""A plain file that holds values of sops: it was encrypted, and its `sops` block with the wrapped data key is lost.

To encrypt it once more would bury the ciphertext below a second one, and the file would look sound.
"""

from __future__ import annotations

from collections.abc import Sequence

from secretsync.audit.reading import leaves
from secretsync.documents.stores import ENVELOPE, store_named
from secretsync.documents.tree import Limits, Mapping, Scalar, Source
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


def _first(documents: Sequence[Mapping]) -> str:
    """Return the place of the first value that is ciphertext; nothing where there is none."""
    for number, document in enumerate(documents, 1):
        for path, leaf in leaves(document):
            if isinstance(leaf.value, str) and leaf.value.startswith(PREFIX):
                return f"#{number} {path}"
    return ""


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
