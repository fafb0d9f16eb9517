"""Adding, retiring and replacing keys: every file that changes, read back, and what is refused."""

from __future__ import annotations

from datetime import date
from typing import Literal

import pytest

from secretsync.errors import ConfigError, PolicyError
from secretsync.keyring import Changed, Changes, KeyRing, Principal, PublicKey, RingSource, Snapshot, editing, load_from
from secretsync.keyring.editing import Retirement
from tests.unit.keyring.rings import TODAY, recipient, ring_files

DAVE = Principal("dave", "person", owner="dave@example.org")


def key(name: str, **fields: object) -> PublicKey:
    return PublicKey(name, "age", recipient(name), **fields)  # type: ignore[arg-type]


def locked(**changed: bytes) -> RingSource:
    """Return the ring with its generated files."""
    source = Snapshot(ring_files(**changed))
    return Changed(source, editing.regenerated(source, {}, today=TODAY))


def after(source: RingSource, changes: Changes) -> KeyRing:
    return load_from(Changed(source, changes))


def readers(ring: KeyRing, path: str) -> set[str]:
    rule = ring.rule_for(path)
    assert rule is not None
    return {reader.key_id for group in ring.readers(rule, today=TODAY) for reader in group}


def test_a_new_principal_gets_a_file_and_joins_its_groups() -> None:
    source = locked()
    changes = editing.add_key(source, DAVE, key("dave-1"), today=TODAY, groups=["sre"])
    assert set(changes) == {"keys/people/dave.yaml", "keys/groups.yaml", ".sops.yaml", "keys/keyring.lock"}
    assert readers(after(source, changes), "prod/x.yaml") == {"alice-1", "bob-1", "bob-2", "prod-1", "dave-1"}
    assert b"sre: {members: [alice, bob, dave]}  # on call" in (changes["keys/groups.yaml"] or b"")
    assert recipient("dave-1").encode() in (changes[".sops.yaml"] or b"")


def test_a_second_key_is_appended_and_the_file_keeps_its_comments() -> None:
    source = locked()
    changes = editing.add_key(source, Principal("alice", "person"), key("alice-2"), today=TODAY)
    text = changes["keys/people/alice.yaml"] or b""
    assert text.startswith(source.read("keys/people/alice.yaml") or b"?")
    assert readers(after(source, changes), "a.yaml") >= {"alice-1", "alice-2"}


def test_every_field_of_a_key_is_written_and_read_back() -> None:
    full = key(
        "dave-1",
        created=date(2026, 11, 1),
        not_before=date(2026, 11, 2),
        expires=date(2027, 11, 1),
        custody="yubikey",
        reason="TICKET-1",
        proof={"at": "2026-11-01T10:00:00Z", "method": "nonce"},
    )
    changes = editing.add_key(locked(), DAVE, full, today=TODAY)
    assert after(locked(), changes).principal("dave") == Principal("dave", "person", "dave@example.org", (full,))


def test_adding_to_an_unlocked_ring_writes_the_first_lock() -> None:
    changes = editing.add_key(Snapshot(ring_files()), DAVE, key("dave-1"), today=TODAY)
    assert b'"prev": ""' in (changes["keys/keyring.lock"] or b"")


@pytest.mark.parametrize(
    ("one", "named", "match"),
    [
        (Principal("dave", "person"), PublicKey("dave-1", "age", recipient("bob-1")), "'bob-1' of 'bob'"),
        (Principal("dave", "person"), key("bob-1", status="suspended"), "already"),
        (Principal("prod", "person"), key("prod-2"), "'prod' is a cluster"),
    ],
    ids=["the same recipient", "the same id", "another kind of principal"],
)
def test_what_is_there_already_is_refused(one: Principal, named: PublicKey, match: str) -> None:
    with pytest.raises(PolicyError, match=match):
        editing.add_key(locked(), one, named, today=TODAY)


@pytest.mark.parametrize(
    ("recipient", "kind"),
    [("sk-ssh-ed25519@openssh.com AAAA", "age-ssh"), (recipient("dave-1")[:-1], "age")],
    ids=["a token's key", "a mistyped key"],
)
def test_a_key_that_cannot_be_encrypted_for_is_refused(recipient: str, kind: Literal["age", "age-ssh"]) -> None:
    with pytest.raises((PolicyError, ConfigError)):
        editing.add_key(locked(), DAVE, PublicKey("dave-1", kind, recipient), today=TODAY)


def test_a_retired_key_does_not_come_back() -> None:
    source = locked()
    changes = editing.retire(source, "bob", Retirement("lost", TODAY), key_ids=["bob-1"])
    with pytest.raises(PolicyError, match="was retired on 2026-11-24"):
        editing.add_key(Changed(source, changes), DAVE, PublicKey("x", "age", recipient("bob-1")), today=TODAY)


def test_a_retired_key_that_a_merge_brought_back_reads_nothing() -> None:
    source = locked()
    changes = editing.retire(source, "bob", Retirement("lost", TODAY), key_ids=["bob-1"])
    back = Changed(Changed(source, changes), {"keys/people/bob.yaml": source.read("keys/people/bob.yaml")})
    assert readers(load_from(back), "prod/x.yaml") == {"alice-1", "bob-2", "prod-1"}


def test_who_left_goes_from_groups_and_policy_and_stays_on_the_deny_list() -> None:
    source = locked()
    changes = editing.retire(source, "bob", Retirement("left", TODAY))
    ring = after(source, changes)
    assert changes["keys/people/bob.yaml"] is None
    assert readers(ring, "prod/x.yaml") == {"alice-1", "prod-1"}
    assert [(each.principal, each.key.id, each.reason) for each in ring.retired] == [
        ("bob", "bob-1", "left"),
        ("bob", "bob-2", "left"),
    ]
    assert recipient("bob-1").encode() not in (changes[".sops.yaml"] or b"")


def test_who_lost_all_keys_keeps_the_place() -> None:
    source = locked()
    changes = editing.retire(source, "bob", Retirement("compromised", TODAY, compromised_since=date(2026, 11, 1)))
    ring = after(source, changes)
    assert ring.principal("bob").keys == ()
    assert {each.key.status for each in ring.retired} == {"compromised"}
    assert ring.retired[0].compromised_since == date(2026, 11, 1)


def test_a_second_retirement_is_appended() -> None:
    source = locked()
    first = editing.retire(source, "bob", Retirement("lost", TODAY), key_ids=["bob-1"])
    between = Changed(source, first)
    ring = after(between, editing.retire(between, "bob", Retirement("left", TODAY)))
    assert [each.key.id for each in ring.retired] == ["bob-1", "bob-2"]


def test_retiring_the_last_reader_is_refused() -> None:
    policy = b'rules:\n  - paths: ["**"]\n    readers: [carol]\n'
    with pytest.raises(ConfigError):
        editing.retire(locked(policy=policy), "carol", Retirement("lost", TODAY))
    with pytest.raises(ConfigError):
        editing.retire(locked(policy=policy), "carol", Retirement("left", TODAY))


def test_retiring_a_key_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigError, match="no such key"):
        editing.retire(locked(), "bob", Retirement("left", TODAY), key_ids=["alice-1"])


def test_a_key_is_replaced_in_place() -> None:
    source = locked()
    changes = editing.replace_key(source, "bob-1", key("bob-3"), Retirement("superseded", TODAY))
    ring = after(source, changes)
    assert [each.id for each in ring.principal("bob").keys] == ["bob-2", "bob-3"]
    assert (ring.retired[0].key.id, ring.retired[0].replaced_by) == ("bob-1", "bob-3")


def test_a_principal_is_renamed_everywhere_and_nobodys_access_changes() -> None:
    source = locked()
    changes = editing.rename(source, "carol", "caroline", today=TODAY)
    ring = after(source, changes)
    assert changes["keys/people/carol.yaml"] is None
    assert readers(ring, "a.yaml") == {"alice-1", "bob-1", "bob-2", "caroline-1"}
    assert (changes["keys/policy.yaml"] or b"").startswith(b"# who reads what\n")
    prod = after(source, editing.rename(source, "prod", "production", today=TODAY))
    assert readers(prod, "prod/x.yaml") == {"alice-1", "bob-1", "bob-2", "production-1"}


def test_a_path_that_is_spelled_like_a_name_stays() -> None:
    policy = b"rules:\n  - paths: [bob]\n    readers: [bob, alice]\n"
    source = locked(policy=policy)
    for changes in (
        editing.rename(source, "bob", "robert", today=TODAY),
        editing.retire(source, "bob", Retirement("left", TODAY)),
    ):
        assert after(source, changes).policy.rules[0].paths == ("bob",)


@pytest.mark.parametrize(("old", "new"), [("carol", "alice"), ("nobody", "carl"), ("carol", "Carl")])
def test_a_name_that_is_taken_or_none_is_refused(old: str, new: str) -> None:
    with pytest.raises((ConfigError, PolicyError)):
        editing.rename(locked(), old, new, today=TODAY)


def test_a_ring_changed_behind_its_lock_is_not_built_upon() -> None:
    sneaky = Changed(locked(), {"keys/policy.yaml": b'rules:\n  - paths: ["**"]\n    readers: [alice]\n'})
    with pytest.raises(PolicyError, match="since this lock"):
        editing.add_key(sneaky, DAVE, key("dave-1"), today=TODAY)


def test_an_unchanged_ring_gives_no_changes() -> None:
    assert editing.regenerated(locked(), {}, today=TODAY) == {}
