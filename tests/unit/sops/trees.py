"""Trees from YAML text and back to outlines, for tests that care about neither spans nor styles."""

from __future__ import annotations

from datetime import UTC, datetime

from secretsync import sops
from secretsync.documents.stores import store_named
from secretsync.documents.tree import Comment, Entry, Mapping, Node, Scalar, Sequence, Source
from secretsync.sops.datakey import MasterKey
from secretsync.sops.selectors import Selector
from tests.unit.sops.golden import FixedKeys

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ONE = [[MasterKey("age", "age1one")]]


def load(text: str, store: str = "yaml", *, encrypted: bool = False) -> Source:
    """Return the source of a text."""
    return store_named(store).load(text.encode(), encrypted=encrypted)


def tree(text: str) -> Mapping:
    """Return the first document of a YAML text."""
    return load(text).documents[0]


def outline(node: Node | Comment | Entry) -> object:
    """Return a tree as plain values: mappings as lists of pairs, comments as `#` strings."""
    match node:
        case Comment():
            return f"#{node.text}"
        case Entry():
            return (node.key.value, outline(node.value))
        case Scalar():
            return "NaN" if node.value != node.value else node.value  # NaN equals nothing
        case Mapping() | Sequence():
            return [outline(item) for item in node.items]


def encrypt(text: str, kind: str = "", pattern: str = "", *, store: str = "yaml", **options: object) -> str:
    """Return a text encrypted with the golden keys."""
    selector = Selector(kind, pattern) if kind else None
    keys = options.pop("keys", FixedKeys())
    source = load(text, store)
    return sops.encrypt(source, groups=ONE, selector=selector, keys=keys, now=NOW, **options).decode()  # type: ignore[arg-type]


def decrypt(text: str, keys: FixedKeys, *, store: str = "yaml") -> list[object]:
    """Return the outlines of the decrypted documents."""
    return [outline(document) for document in sops.decrypt(load(text, store, encrypted=True), keys).documents]
