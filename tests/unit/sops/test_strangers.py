"""Whom a rule names, whom a file has, and what is refused where they differ."""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping

import pytest

from secretsync.errors import PolicyError
from secretsync.secrecy import SecretBytes
from secretsync.sops import strangers
from secretsync.sops.datakey import MasterKey
from secretsync.sops.operations import OpenOptions, require_named
from secretsync.sops.strangers import Groups, Named, RotationRequest
from tests.unit.sops.golden import FixedKeys
from tests.unit.sops.trees import encrypt

KEYS = FixedKeys()


def ages(*names: str) -> list[MasterKey]:
    return [MasterKey("age", name) for name in names]


def shown(file: Groups, rule: Groups) -> list[str]:
    return [str(one) for one in strangers.strangers(file, rule, KEYS)]


def test_a_recipient_that_the_rule_does_not_name_is_a_stranger() -> None:
    assert shown([ages("a", "x", "x")], [ages("a", "b")]) == ["age x"]
    assert shown([ages("a")], [ages("a", "b")]) == []


def test_where_groups_are_alike_each_is_held_to_its_own() -> None:
    assert shown([ages("a"), ages("a", "b")], [ages("a"), ages("b")]) == ["age a (group 2)"]


def test_where_the_number_of_groups_differs_whoever_is_named_is_named_for_all() -> None:
    assert shown([ages("a"), ages("b"), ages("x")], [ages("a"), ages("b")]) == ["age x (group 3)"]


RULE = Named("rule 1", [ages("a")])


@pytest.mark.parametrize(
    ("groups", "threshold", "rule", "request_", "message"),
    [
        ([ages("a", "x")], 0, RULE, RotationRequest(), "age x is a recipient of the file, and rule 1 names no such"),
        ([ages("y", "x")], 0, RULE, RotationRequest(), "age y, age x are recipients of the file"),
        ([ages("a", "x")], 0, RULE, RotationRequest(keep=True), ""),
        ([ages("a", "x")], 0, RULE, RotationRequest(remove=ages("x")), ""),
        ([ages("a", "x")], 0, RULE, RotationRequest(add=ages("x")), ""),
        ([ages("a"), ages("x")], 2, Named("r", [ages("a", "x")]), RotationRequest(), ""),
        (
            [ages("a", "b")],
            0,
            Named("r", [ages("a"), ages("b")], 2),
            RotationRequest(),
            "opens with 1 of its key groups, and r asks for 2",
        ),
        (
            [ages("a"), ages("b")],
            1,
            Named("r", [ages("a"), ages("b")]),
            RotationRequest(),
            "opens with 1 .* asks for 2",
        ),
        ([ages("a"), ages("b")], 0, Named("r", [ages("a"), ages("b")], 1), RotationRequest(), ""),
    ],
)
def test_a_new_data_key_is_for_whom_a_rule_or_the_request_names(
    groups: Groups, threshold: int, rule: Named, request_: RotationRequest, message: str
) -> None:
    if not message:
        strangers.require_named(groups, threshold, [rule], request_, KEYS)
        return
    with pytest.raises(PolicyError, match=message) as caught:
        strangers.require_named(groups, threshold, [rule], request_, KEYS)
    assert "--keep-recipients" in (caught.value.hint or "")


def test_every_rule_must_name_whoever_stays() -> None:
    with pytest.raises(PolicyError, match="rule 2 names no such key"):
        strangers.require_named([ages("a")], 0, [RULE, Named("rule 2", [ages("b")])], RotationRequest(), KEYS)


def test_a_file_is_judged_before_any_key_is_needed() -> None:
    class Nobody(FixedKeys):
        def unwrap(self, kind: str, fields: AnyMapping[str, object]) -> SecretBytes:
            raise AssertionError(kind)

    data = encrypt("a: 1\n").encode()
    require_named(data, OpenOptions("yaml", Nobody()), [Named("rule 1", [ages("age1one")])])
    with pytest.raises(PolicyError, match="age age1one is a recipient"):
        require_named(data, OpenOptions("yaml", Nobody()), [RULE])


def test_warnings_name_who_is_on_one_side_only_and_who_is_added() -> None:
    rule = Named("rule 1", [ages("a", "b")])
    assert strangers.warnings([ages("a", "x", "z")], rule, RotationRequest(add=ages("z", "b")), KEYS) == [
        "adds age z, whom rule 1 does not name",
        "age x is a recipient of the file and not of the matching rule",
        "age b is a recipient of the matching rule and not of the file",
    ]
    assert strangers.differences([ages("a"), ages("b")], rule.groups, KEYS) == []
