"""JSON that is indented: the same bytes as `json` writes."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from secretsync.rotation.indented_json import indented

_LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
_VALUES = st.recursive(
    _LEAVES, lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(st.text(), inner)
)


@given(st.dictionaries(st.text(), _VALUES))
def test_it_is_what_the_standard_library_writes(document: dict[str, Any]) -> None:
    assert indented(document) == (json.dumps(document, indent=2) + "\n").encode()


def test_letters_outside_of_ascii_and_half_of_a_pair_are_escaped() -> None:
    document = {"nämé\n": ["\ud800", "😀", "\x7f", '"\\/'], "empty": [{}, [], ""]}
    assert indented(document) == (json.dumps(document, indent=2) + "\n").encode()
