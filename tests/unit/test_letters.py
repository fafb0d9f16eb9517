"""Names in commands that people paste."""

from __future__ import annotations

import shlex

import pytest

from secretsync.letters import argument


@pytest.mark.parametrize(
    "name", ["x;touch PWNED;.yaml", "$(touch PWNED).yaml", 'it\'s "q".yaml', "a b", "*", "nl\nx", "~", "ä", ""]
)
def test_a_name_is_one_argument_whatever_it_holds(name: str) -> None:
    assert shlex.split(f"secretsync encrypt -i {argument(name)}") == ["secretsync", "encrypt", "-i", name]


def test_a_plain_name_stays_as_it_is_and_none_becomes_an_option() -> None:
    assert argument("apps/db.enc.yaml") == "apps/db.enc.yaml"
    assert argument("-i.yaml") == "./-i.yaml"
