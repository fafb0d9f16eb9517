"""Files cross between the real sops and us in both directions: equal values and types, MAC accepted, comments kept."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings

from secretsync import sops
from secretsync.documents.stores import store_named
from secretsync.masterkeys import MasterKeys
from tests.interop.texts import json_texts, yaml_texts
from tests.peers.store_oracle import shown

if TYPE_CHECKING:
    from secretsync.documents.tree import Mapping
    from tests.peers.sops import Sops
    from tests.peers.store_oracle import StoreOracle


@settings(max_examples=300)
@given(text=yaml_texts())
def test_yaml_from_sops_decrypts_to_the_same_tree(text: str, sops_peer: Sops, oracle: StoreOracle) -> None:
    encrypted = sops_peer.encrypt(text.encode(), "yaml")
    ours = _decrypted(encrypted, "yaml", sops_peer)
    assert values(shown(ours)) == values(oracle.read(text.encode()))
    kept = comments(oracle.read(sops_peer.decrypt(encrypted, "yaml")))
    assert kept <= comments(shown(ours))


@settings(max_examples=100)
@given(text=json_texts())
def test_json_from_sops_decrypts_to_the_same_tree(text: str, sops_peer: Sops) -> None:
    ours = _decrypted(sops_peer.encrypt(text.encode(), "json"), "json", sops_peer)
    assert shown(ours) == shown(store_named("json").load(text.encode()).documents)


def _decrypted(encrypted: bytes, store: str, peer: Sops) -> list[Mapping]:
    return sops.decrypt(store_named(store).load(encrypted, encrypted=True), MasterKeys(peer.environ)).documents


def values(tree: Any) -> Any:
    """Return a shown tree without its comments."""
    match tree:
        case {"items": items}:
            return [tree["type"], [values(item) for item in items if not _is_comment(item)]]
        case {"documents": documents}:
            return [values(document) for document in documents]
        case [key, value]:
            return [values(key), values(value)]
    return tree


def comments(tree: Any) -> Counter[str]:
    """Return the texts of a shown tree's comments and how often each occurs."""
    found: Counter[str] = Counter()
    if _is_comment(tree):
        found[tree["text"].strip()] += 1
    elif isinstance(tree, dict):
        found += sum((comments(item) for item in tree.get("items", tree.get("documents", []))), Counter())
    elif isinstance(tree, list):
        found += sum((comments(item) for item in tree), Counter())
    return found


def _is_comment(item: Any) -> bool:
    return isinstance(item, dict) and item.get("type") == "comment"
