"""Writing a tree in another store's format, without the silent losses that sops accepts."""

from __future__ import annotations

from collections.abc import Iterable

from secretsync.documents.stores import Store, store_named
from secretsync.documents.tree import Comment, Entry, Limits, Mapping, Node, Scalar, Source
from secretsync.errors import ConversionError, TreeError
from secretsync.sops.selectors import Selector
from secretsync.sops.walk import Walk


def converted(source: Source, name: str, warnings: list[str], *, indent: int | None = None) -> Source:
    """Return the documents of `source` as the store called `name` holds and reads them.

    Raises:
        ConversionError: the store cannot hold the tree, or would lose a document or a null.
    """
    data = dumped(source.documents, name, warnings, indent=indent)
    return store_named(name).load(data, limits=Limits.unbounded())


def dumped(documents: list[Mapping], name: str, warnings: list[str], *, indent: int | None = None) -> bytes:
    """Return documents in the text of another store; lost comments are a warning. Raises: as `converted`."""
    store = store_named(name)
    check_conversion(documents, store)
    try:
        data = store.dump(documents, indent=indent)
    except TreeError as error:
        raise ConversionError(error.message, location=error.location, hint=error.hint) from None
    lost = 0 if store.COMMENTS else _comments(documents)
    if lost:
        warnings.append(f"{name} has no comments: {lost} lost")
    return data


def check_conversion(documents: list[Mapping], store: Store) -> None:
    """Refuse what sops loses without a word when it writes another format: documents 2 and on, and nulls.

    Raises:
        ConversionError: the store holds one document only, or has no null.
    """
    if len(documents) > 1 and not store.SEVERAL_DOCUMENTS:
        raise ConversionError(f"{store.NAME} holds one document, and the file has {len(documents)}")
    if not store.NULLS:
        _Nulls(store.NAME).documents(documents)


class _Nulls(Walk):
    """Finds a null."""

    def __init__(self, name: str) -> None:
        super().__init__(Selector.default())
        self._name = name

    def leaf(self, scalar: Scalar, aad: bytes, *, selected: bool) -> Scalar:  # noqa: ARG002  # the walk's signature
        """Refuse a null."""
        if scalar.value is None:
            raise ConversionError(f"{self._name} has no null", hint="remove the key, or give it an empty string")
        return scalar

    def comment(self, comment: Comment, aad: bytes, *, selected: bool) -> Comment:  # noqa: ARG002  # the walk's signature
        """Leave comments alone."""
        return comment


def _comments(nodes: Iterable[Node | Comment | Entry]) -> int:
    """Return the number of comments in and below `nodes`."""
    total = 0
    for node in nodes:
        if isinstance(node, Comment):
            total += 1
        elif isinstance(node, Entry):
            total += _comments([node.value])
        elif not isinstance(node, Scalar):
            total += _comments(node.items)
    return total
