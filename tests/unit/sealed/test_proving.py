"""Whether every item opens: each object and item is told of by itself, and one that cannot be read hides no other."""

from __future__ import annotations

import json
from typing import Any

import pytest

from secretsync.sealed import seal
from secretsync.sealed.proving import TriedItems, prove
from tests.unit.sealed.keys import certificate, private_keys
from tests.unit.sealed.test_sealing import secret
from tests.unit.sealed.test_unsealing import legacy


def _tried(*objects: Any) -> TriedItems:
    return prove("\n---\n".join(map(json.dumps, objects)).encode(), private_keys())


def test_an_object_that_cannot_be_read_is_placed_and_the_next_is_tried() -> None:
    good: Any = seal(secret(), certificate())
    broken = {**good, "spec": {"encryptedData": {}, "template": {"immutable": "yes"}}}
    found = _tried(broken, {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "c"}}, good)
    assert (found.secrets, found.unopened) == (2, [])
    assert found.items == len(good["spec"]["encryptedData"])
    assert "SealedSecret" in str(found.unread[0])


@pytest.mark.parametrize(("blob", "words"), [("AAAA", "no key opens it"), ("%", "spec.data: ")])
def test_a_legacy_item_that_does_not_open_is_named(blob: str, words: str) -> None:
    old = legacy("{}")
    old["spec"]["data"] = blob
    (told,) = _tried(old).unopened
    assert words in told
