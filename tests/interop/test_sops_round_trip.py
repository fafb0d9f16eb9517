"""Files cross between the real sops and us in both directions: equal values and types, MAC accepted, comments kept."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from secretsync import sops
from secretsync.documents.stores import store_named
from secretsync.masterkeys import MasterKeys
from secretsync.sops.selectors import Selector
from tests.interop.texts import json_texts, yaml_texts
from tests.peers.store_oracle import shown

if TYPE_CHECKING:
    from secretsync.documents.tree import Mapping
    from tests.peers.sops import Sops
    from tests.peers.store_oracle import StoreOracle


SELECTORS: Final = (
    ("unencrypted_suffix", "_unencrypted"),
    ("encrypted_suffix", "e"),
    ("encrypted_regex", "^(a|data|single)$"),
    ("unencrypted_regex", "[nk]"),
)
NOW: Final = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Choice(NamedTuple):
    """What is encrypted and what the MAC covers."""

    selector: tuple[str, str]
    mac_only: bool

    @property
    def flags(self) -> list[str]:
        """The same as flags of sops."""
        kind, pattern = self.selector
        return [f"--{kind.replace('_', '-')}", pattern, *["--mac-only-encrypted"][: self.mac_only]]


CHOICES: Final = st.builds(Choice, st.sampled_from(SELECTORS), st.booleans())


@settings(max_examples=300)
@given(text=yaml_texts(), choice=CHOICES)
def test_yaml_crosses_in_both_directions(text: str, choice: Choice, sops_peer: Sops, oracle: StoreOracle) -> None:
    theirs = sops_peer.encrypt(text.encode(), "yaml", *choice.flags)
    by_sops = oracle.read(_read_back(sops_peer, theirs))

    decrypted = shown(_decrypted(theirs, "yaml", sops_peer))
    assert values(decrypted) == _expected(values(oracle.read(text.encode())), values(oracle.read(theirs)))
    assert comments(by_sops) <= comments(decrypted)

    ours = oracle.read(sops_peer.decrypt(_encrypted(text, "yaml", choice, sops_peer), "yaml"))
    assert values(ours) == values(by_sops)
    assert comments(by_sops) <= comments(ours)


def _read_back(peer: Sops, encrypted: bytes) -> bytes:
    """Return what sops makes of its own file, and pass over a file that it cannot read (a clear text like "\\n0")."""
    try:
        return peer.decrypt(encrypted, "yaml")
    except AssertionError as refused:
        assume("did not find expected" not in str(refused))
        raise


def _expected(plain: Any, encrypted: Any) -> Any:
    """Return the values of `plain`; a clear leaf as `encrypted` has it, because sops writes the float 3 as 3."""
    if isinstance(plain, list):
        return [_expected(*pair) for pair in zip(plain, encrypted, strict=False)]  # `encrypted` has one more: sops
    is_ciphertext = isinstance(encrypted, dict) and encrypted["text"].startswith("ENC[AES256_GCM,")
    return plain if is_ciphertext else encrypted


@settings(max_examples=300)
@given(text=json_texts(), choice=CHOICES)
def test_json_for_sops_decrypts_to_the_same_tree(text: str, choice: Choice, sops_peer: Sops) -> None:
    ours = sops_peer.decrypt(_encrypted(text, "json", choice, sops_peer), "json")
    assert json.loads(ours) == json.loads(text)


@settings(max_examples=300)
@given(text=json_texts())
def test_json_from_sops_decrypts_to_the_same_tree(text: str, sops_peer: Sops) -> None:
    ours = _decrypted(sops_peer.encrypt(text.encode(), "json"), "json", sops_peer)
    assert shown(ours) == shown(store_named("json").load(text.encode()).documents)


def _encrypted(text: str, store: str, choice: Choice, peer: Sops) -> bytes:
    return sops.encrypt(
        store_named(store).load(text.encode()),
        groups=[[("age", peer.recipient)]],
        keys=MasterKeys(peer.environ),
        now=NOW,
        selector=Selector(*choice.selector),
        mac_only=choice.mac_only,
        allow_plaintext=True,
    )


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
        return found
    inner = tree.get("items") or tree.get("documents") or [] if isinstance(tree, dict) else tree
    for item in inner if isinstance(inner, list) else []:
        found += comments(item)
    return found


def _is_comment(item: Any) -> bool:
    """Whether an item is a comment; an encrypted one is a string in a sequence."""
    return isinstance(item, dict) and (item.get("type") == "comment" or item.get("text", "").endswith(",type:comment]"))
