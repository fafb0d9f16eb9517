"""Changing who can open a file, without touching its values."""

from __future__ import annotations

import pytest

from secretsync import sops
from secretsync.errors import ConfigError, NoIdentityMatchError
from secretsync.sops import metadata, operations, recipients
from secretsync.sops.datakey import MasterKey
from secretsync.sops.metadata import Envelope
from tests.unit.sops.test_datakey import Keys
from tests.unit.sops.trees import NOW, load


def age(*names: str) -> list[MasterKey]:
    return [MasterKey("age", name) for name in names]


def encrypted(keys: Keys, *groups: list[MasterKey], threshold: int = 0) -> bytes:
    text = "# c\na: 1\n"
    return sops.encrypt(load(text), groups=groups, keys=keys, now=NOW, threshold=threshold)


def update(data: bytes, keys: Keys, *groups: list[MasterKey], threshold: int | None = None) -> recipients.Update:
    return recipients.update_keys(data, groups, operations.OpenOptions("yaml", keys), now=NOW, threshold=threshold)


def opens(data: bytes, keys: Keys, *names: str) -> bool:
    few = Keys({name: part for name, part in keys.parts.items() if name in names})
    try:
        sops.decrypt(load(data.decode()), few)
    except NoIdentityMatchError:
        return False
    return True


def envelopes(data: bytes) -> list[list[str]]:
    found = metadata.split(load(data.decode()).documents)[1]
    return [[str(one.fields["enc"]) for one in group] for group in found.groups]


def test_a_recipient_is_added_and_the_rest_of_the_file_stays() -> None:
    keys = Keys({})
    before = encrypted(keys, age("a"))
    done = update(before, keys, age("a", "b"))
    assert opens(done.data, keys, "b")
    assert [line for line in done.data.splitlines() if line not in before.splitlines()] == [b"        - enc: b"]
    assert done.plan.groups == [recipients.GroupChange(["a"], ["b"], [])]
    assert done.warnings == []


def test_a_removed_recipient_is_warned_about() -> None:
    keys = Keys({})
    done = update(encrypted(keys, age("a", "b")), keys, age("a"))
    assert not opens(done.data, keys, "b")
    assert done.warnings == ["b could open this file until now and may know its data key; run: secretsync rotate"]


def test_the_order_of_recipients_is_no_difference() -> None:
    keys = Keys({})
    before = encrypted(keys, age("a", "b"))
    done = update(before, keys, age("b", "a"))
    assert (done.data, done.plan.changed) == (before, False)


def test_one_group_becomes_two_and_back() -> None:
    keys = Keys({})
    two = update(encrypted(keys, age("a")), keys, age("a"), age("b")).data
    assert (opens(two, keys, "a"), opens(two, keys, "a", "b")) == (False, True)
    assert b"shamir_threshold: 2" in two
    one = update(two, keys, age("a")).data
    assert opens(one, keys, "a")


def test_groups_keep_the_envelopes_whose_share_stays() -> None:
    keys = Keys({})
    before = encrypted(keys, age("a"), age("b"), age("c"), threshold=2)
    kept = dict(keys.parts)
    done = update(before, keys, age("a", "d"), age("b"), age("c"))
    assert {name: keys.parts[name] for name in "abc"} == {name: kept[name] for name in "abc"}
    assert opens(done.data, keys, "d", "c")
    assert done.data.count(b"shamir_threshold: 2") == 1


def test_the_share_of_a_group_that_does_not_open_is_computed() -> None:
    keys = Keys({})
    before = encrypted(keys, age("a"), age("b"), age("c"), threshold=2)
    few = Keys({name: keys.parts[name] for name in "ab"})
    done = update(before, few, age("a"), age("b"), age("c", "d"))
    assert few.parts["d"] == keys.parts["c"]
    assert envelopes(done.data) == [["a"], ["b"], ["c", "d"]]


def test_another_threshold_means_new_shares() -> None:
    keys = Keys({})
    before = encrypted(keys, age("a"), age("b"), age("c"), threshold=2)
    old = keys.parts["a"]
    done = update(before, keys, age("a"), age("b"), age("c"), threshold=3)
    assert keys.parts["a"] != old
    assert (done.plan.old_threshold, done.plan.new_threshold) == (2, 3)
    assert not opens(done.data, keys, "a", "b")


def test_fewer_groups_lower_the_threshold() -> None:
    keys = Keys({})
    before = encrypted(keys, age("a"), age("b"), age("c"))
    assert update(before, keys, age("a"), age("b")).plan.new_threshold == 2


def test_an_empty_group_is_refused() -> None:
    keys = Keys({})
    with pytest.raises(ConfigError, match="empty key group"):
        update(encrypted(keys, age("a")), keys, [])


def test_without_the_data_key_nothing_is_changed() -> None:
    with pytest.raises(NoIdentityMatchError):
        update(encrypted(Keys({}), age("a")), Keys({}), age("a", "b"))


def test_every_copy_of_the_block_is_updated() -> None:
    keys = Keys({})
    before = sops.encrypt(load("a: 1\n---\nb: 2\n"), groups=[age("a")], keys=keys, now=NOW)
    assert update(before, keys, age("a", "b")).data.count(b"enc: b") == 2


def test_envelopes_that_would_not_read_back_are_refused() -> None:
    """No store is known that changes one; a file that nobody can open would be the price."""
    keys = Keys({})
    documents = load(encrypted(keys, age("a")).decode()).documents
    with pytest.raises(ConfigError, match="would not read back"):
        recipients._check(documents, [[Envelope("age", {"enc": "another"})]])
