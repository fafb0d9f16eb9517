"""Files that one side wrote, the other changed, and the first reads again: rotate, set and updatekeys on generated YAML."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hypothesis import assume, given, settings

from secretsync import age
from secretsync.documents.stores import store_named
from secretsync.masterkeys import MasterKeys
from secretsync.sops import operations, recipients
from secretsync.sops.datakey import MasterKey
from tests.interop.crossing import NOW, UNDECRYPTED, Choice, comments, decrypted, encrypted, expected, values
from tests.interop.texts import yaml_texts
from tests.peers.store_oracle import shown

if TYPE_CHECKING:
    from tests.peers.sops import Sops
    from tests.peers.store_oracle import StoreOracle

PLAIN: Final = Choice(("unencrypted_suffix", "_unencrypted"), mac_only=False)


@settings(max_examples=40)
@given(text=yaml_texts(comments_behind_flows=False))
def test_sops_reads_what_we_changed_in_its_files(text: str, sops_peer: Sops, oracle: StoreOracle) -> None:
    theirs = sops_peer.encrypt(text.encode(), "yaml")
    before = _read(theirs, sops_peer, oracle)
    options = operations.OpenOptions("yaml", MasterKeys(sops_peer.environ))

    rotated = operations.rotate(theirs, options, now=NOW).data
    assert values(_read(rotated, sops_peer, oracle)) == values(before)
    kept = comments(before)
    kept.pop(UNDECRYPTED, 0)
    assert kept <= comments(_read(rotated, sops_peer, oracle))

    second = MasterKey("age", str(age.generate()))
    groups = [[MasterKey("age", sops_peer.recipient), second]]
    updated = recipients.update_keys(theirs, groups, options, now=NOW).data
    assert _read(updated, sops_peer, oracle) == before

    added = operations.set_value(theirs, ("added",), operations.json_value('"new"'), options, now=NOW).data
    first, *others = values(_read(added, sops_peer, oracle))
    first[1].pop()
    assert [first, *others] == values(before)


@settings(max_examples=40)
@given(text=yaml_texts(comments_behind_flows=False))
def test_we_read_what_sops_changed_in_our_files(text: str, sops_peer: Sops, oracle: StoreOracle) -> None:
    ours = encrypted(text, "yaml", PLAIN, sops_peer)
    rotated = sops_peer.change(ours, "yaml", "rotate", "-i")
    plain = expected(values(oracle.read(text.encode())), values(oracle.read(rotated)))
    assert values(shown(decrypted(rotated, "yaml", sops_peer))) == plain

    added = sops_peer.change(ours, "yaml", "set", after=['["added"]', '"new"'])
    (new,) = [entry for entry in decrypted(added, "yaml", sops_peer)[0].entries() if entry.key.value == "added"]
    assert store_named("yaml").emit_value(new.value) == b"new"


def _read(file: bytes, peer: Sops, oracle: StoreOracle) -> Any:
    """Return how sops reads what it decrypts from a file."""
    try:
        return oracle.read(peer.decrypt(file, "yaml"))
    except AssertionError as refused:
        assume("did not find expected" not in str(refused))  # sops cannot read a clear text like "\n0" that it wrote
        raise
