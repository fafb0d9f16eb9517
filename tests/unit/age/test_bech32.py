"""Bech32 as age writes it: the vectors of BIP 173, any length, and what mistyped text says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secretsync.crypto import bech32
from secretsync.errors import FormatError

VALID = [
    "A12UEL5L",
    "a12uel5l",
    "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs",
    "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw",
    "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w",
    "?1ezyfcl",
]
INVALID = [
    "pzry9x0s0muk", "1pzry9x0s0muk", "x1b4n0q5v", "li1dgmt3", "de1lg7wt\xff", "A1G7SGD8", "10a06t8", "1qzzfhee",
    "a12UEL5L", "a1\u212auel5l", "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3x",
]  # fmt: skip


@pytest.mark.parametrize("text", VALID)
def test_valid_text_round_trips(text: str) -> None:
    prefix, payload = bech32.decode(text)
    assert prefix == text[: text.rindex("1")]
    assert bech32.encode(prefix.lower(), payload) == text.lower()


@pytest.mark.parametrize("text", INVALID)
def test_invalid_text_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(FormatError) as caught:
        bech32.decode(text)
    assert text not in str(caught.value)


@given(st.binary(max_size=2000))
def test_any_payload_round_trips(payload: bytes) -> None:
    assert bech32.decode(bech32.encode("age1pq", payload)) == ("age1pq", payload)


@given(st.binary(max_size=40), st.data())
def test_a_changed_character_is_noticed(payload: bytes, data: st.DataObject) -> None:
    text = bech32.encode("age", payload)
    position = data.draw(st.integers(4, len(text) - 1))
    other = data.draw(st.sampled_from("qpzry9x8gf2tvdw0s3jn54khce6mua7l").filter(lambda c: c != text[position]))
    with pytest.raises(FormatError):
        bech32.decode(text[:position] + other + text[position + 1 :])


@pytest.mark.parametrize("values", [[0], [0, 1], [0, 2], [0] * 3, [31] * 4, [0] * 6], ids=str)
def test_a_payload_that_is_no_whole_number_of_bytes_is_refused(values: list[int]) -> None:
    checksum = bech32._polymod(bech32._expanded("a") + values + [0] * 6) ^ 1
    values = values + [checksum >> 5 * position & 31 for position in range(5, -1, -1)]
    with pytest.raises(FormatError, match="bits left over"):
        bech32.decode("a1" + "".join("qpzry9x8gf2tvdw0s3jn54khce6mua7l"[value] for value in values))
