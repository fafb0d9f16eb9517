"""Files cross between the real sops and us in both directions: equal values and types, MAC accepted, comments kept."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from secretsync.documents.stores import store_named
from tests.interop.crossing import SELECTORS, UNDECRYPTED, Choice, comments, decrypted, encrypted, expected, values
from tests.interop.texts import json_texts, yaml_texts
from tests.peers.store_oracle import shown

if TYPE_CHECKING:
    from tests.peers.sops import Sops
    from tests.peers.store_oracle import StoreOracle


CHOICES: Final = st.builds(Choice, st.sampled_from(SELECTORS), st.booleans())


@settings(max_examples=300)
@given(text=yaml_texts(comments_behind_flows=False), choice=CHOICES)
@example(text="name:\n- x\n# ends the list\n", choice=Choice(("encrypted_suffix", "e"), mac_only=False))
def test_yaml_crosses_in_both_directions(text: str, choice: Choice, sops_peer: Sops, oracle: StoreOracle) -> None:
    theirs = sops_peer.encrypt(text.encode(), "yaml", *choice.flags)
    by_sops = oracle.read(_read_back(sops_peer, theirs))

    opened = shown(decrypted(theirs, "yaml", sops_peer))
    assert values(opened) == expected(values(oracle.read(text.encode())), values(oracle.read(theirs)))
    kept = comments(by_sops)
    undecrypted = kept.pop(UNDECRYPTED, 0)
    assert kept <= comments(opened)

    ours = oracle.read(sops_peer.decrypt(encrypted(text, "yaml", choice, sops_peer), "yaml"))
    assert values(ours) == values(by_sops)
    assert kept <= comments(ours)
    assert comments(ours)[UNDECRYPTED] <= undecrypted


@settings(max_examples=300)
@given(text=json_texts(), choice=CHOICES)
def test_json_for_sops_decrypts_to_the_same_tree(text: str, choice: Choice, sops_peer: Sops) -> None:
    ours = sops_peer.decrypt(encrypted(text, "json", choice, sops_peer), "json")
    assert json.loads(ours) == json.loads(text)


@settings(max_examples=300)
@given(text=json_texts())
def test_json_from_sops_decrypts_to_the_same_tree(text: str, sops_peer: Sops) -> None:
    ours = decrypted(sops_peer.encrypt(text.encode(), "json"), "json", sops_peer)
    assert shown(ours) == shown(store_named("json").load(text.encode()).documents)


def _read_back(peer: Sops, encrypted: bytes) -> bytes:
    """Return what sops makes of its own file, and pass over a file that it cannot read (a clear text like "\\n0")."""
    try:
        return peer.decrypt(encrypted, "yaml")
    except AssertionError as refused:
        assume("did not find expected" not in str(refused))
        raise
