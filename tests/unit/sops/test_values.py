"""One value: canonical bytes, the ENC form, types."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secretsync.crypto.gcm import Gcm
from secretsync.documents.tree import Timestamp, Value
from secretsync.errors import AuthenticationTagError, CiphertextFormatError, TreeError
from secretsync.sops import values

KEY = Gcm(b"f" * 32)
# Source: sops aes/cipher_test.go at v3.13.3, TestDecrypt.
UPSTREAM = (
    "ENC[AES256_GCM,data:oYyi,iv:MyIDYbT718JRr11QtBkcj3Dwm4k1aCGZBVeZf0EyV8o=,tag:t5z2Z023Up0kxwCgw1gNxg==,type:str]"
)


def test_decrypts_the_vector_of_sops_own_tests() -> None:
    assert values.decrypt(KEY, UPSTREAM, b"bar:") == ("foo", "str")


def test_a_wrong_path_does_not_authenticate() -> None:
    with pytest.raises(AuthenticationTagError):
        values.decrypt(KEY, UPSTREAM, b"baz:")


@pytest.mark.parametrize(
    "value",
    ["text", "é🔑", "line\nline", 0, -5, 2**63 - 1, -(2**63), 1.5, -0.0, 1e300, math.inf, -math.inf, True, False,
     Timestamp("2024-01-01T00:00:00Z"), b"\xff\xfe"],
    ids=repr,
)  # fmt: skip
def test_every_type_survives(value: Value) -> None:
    text = values.encrypt(KEY, value, b"a:")
    back, name = values.decrypt(KEY, text, b"a:")
    assert (back, repr(back), name) == (value, repr(value), values.label(value))


def test_nan_survives() -> None:
    back, _ = values.decrypt(KEY, values.encrypt(KEY, math.nan, b"a:"), b"a:")
    assert isinstance(back, float)
    assert math.isnan(back)


def test_the_empty_string_stays_empty_in_both_directions() -> None:
    assert values.encrypt(KEY, "", b"a:") == ""
    assert values.encrypt(KEY, "", b"a:", comment=True) == ""
    assert values.decrypt(KEY, "", b"a:") == ("", "str")


def test_a_comment_is_labelled_so() -> None:
    text = values.encrypt(KEY, " note", b":", comment=True)
    assert text.endswith(",type:comment]")
    assert values.decrypt(KEY, text, b":") == (" note", "comment")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1.0, b"1"),
        (1.5, b"1.5"),
        (1e-7, b"0.0000001"),
        (1e21, b"1000000000000000000000"),
        (5e-324, b"0." + b"0" * 323 + b"5"),
        (100.0, b"100"),
        (-0.0, b"-0"),
        (math.inf, b"+Inf"),
        (-math.inf, b"-Inf"),
        (math.nan, b"NaN"),
        (True, b"True"),
        (False, b"False"),
        (-12, b"-12"),
        (Timestamp("2024-01-01T00:00:00Z"), b"2024-01-01T00:00:00Z"),
        (b"\xff", b"\xff"),
        ("é", "é".encode()),
        (None, b""),
    ],
)
def test_canonical_bytes(value: Value, expected: bytes) -> None:
    assert values.canonical(value) == expected


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1])
def test_a_number_beyond_64_bits_is_refused(value: int) -> None:
    with pytest.raises(TreeError, match="64 bits"):
        values.canonical(value)


@pytest.mark.parametrize("junk", ["", " trailing", "x", "\n"])
def test_what_stands_behind_the_bracket_is_ignored(junk: str) -> None:
    assert values.decrypt(KEY, UPSTREAM + junk, b"bar:")[0] == "foo"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("ENC[", "enc["),
        ("ENC[", " ENC["),
        ("AES256_GCM", "AES128_GCM"),
        ("data:oYyi", "data:"),
        ("data:oYyi", "data:oYy"),
        ("data:oYyi", "data:oYy!"),
        ("data:oYyi", "data:oYyé"),
        ("data:oYyi", "data:oYyi=AAA"),
        ("iv:", "vi:"),
        ("tag:t5z2Z023Up0kxwCgw1gNxg==", "tag:"),
        ("type:str]", "type:]"),
        ("type:str]", "type:str"),
        (",type:str]", "]"),
    ],
)
def test_other_forms_are_refused(old: str, new: str) -> None:
    with pytest.raises(CiphertextFormatError):
        values.parse(UPSTREAM.replace(old, new, 1))


_FORM = re.compile(r"ENC\[AES256_GCM,data:(.+),iv:(.+),tag:(.+),type:(.+)\]")
_PIECES = (",iv:", ",tag:", ",type:", "]", "a", "\n", ",iv", ",")


@given(st.lists(st.sampled_from(_PIECES), max_size=12))
def test_an_unusual_form_is_taken_apart_as_the_pattern_of_sops_does(pieces: list[str]) -> None:
    text = values.PREFIX + "".join(pieces)
    match = _FORM.match(text)
    assert values._parts(text.partition("\n")[0]) == (match.groups() if match else None)


def test_a_large_value_under_an_odd_iv_is_refused_with_a_reason() -> None:
    text = f"{values.PREFIX}{'AAAA' * 400_000},iv:AAAA,tag:{'AAAA' * 5}AA==,type:str]"
    with pytest.raises(CiphertextFormatError, match="an IV of 3 bytes, where sops writes 32"):
        values.decrypt(Gcm(bytes(32)), text, b"a:")


def test_a_refusal_does_not_show_the_value() -> None:
    with pytest.raises(CiphertextFormatError) as caught:
        values.parse("hunter2")
    assert "hunter2" not in str(caught.value)


def test_ciphertext_in_a_refusal_is_not_shown_either() -> None:
    with pytest.raises(CiphertextFormatError) as caught:
        values.parse("ENC[AES256_GCM,data:c2VjcmV0]")
    assert "c2VjcmV0" not in str(caught.value)


@pytest.mark.parametrize("name", ["bool", "int", "float", "time"])
@pytest.mark.parametrize("plaintext", [b"what", b"\xff", b"", b"1 ", b"1_0"])
def test_a_plaintext_that_is_not_of_its_type_is_refused(name: str, plaintext: bytes) -> None:
    with pytest.raises(CiphertextFormatError, match="type"):
        values.decode(plaintext, name)


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(CiphertextFormatError, match="unknown type"):
        values.decode(b"x", "uint")


@pytest.mark.parametrize("text", ["1", "t", "T", "TRUE", "true", "True"])
def test_every_spelling_of_true(text: str) -> None:
    assert values.decode(text.encode(), "bool") is True


@pytest.mark.parametrize("text", ["0", "f", "F", "FALSE", "false", "False"])
def test_every_spelling_of_false(text: str) -> None:
    assert values.decode(text.encode(), "bool") is False


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1e3", 1000.0),
        ("+1.5", 1.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("0x1p4", 16.0),
        ("-Inf", -math.inf),
        ("infinity", math.inf),
    ],
)
def test_floats_are_read_as_go_reads_them(text: str, expected: float) -> None:
    assert values.decode(text.encode(), "float") == expected


@pytest.mark.parametrize("text", ["1e400", "++inf", "+nan", "0x1", "1e", "１"])
def test_floats_that_go_refuses(text: str) -> None:
    with pytest.raises(CiphertextFormatError):
        values.decode(text.encode(), "float")


@pytest.mark.parametrize("text", ["9223372036854775808", "1" * 5000, "0x1", "1.0", "١"])
def test_ints_that_go_refuses(text: str) -> None:
    with pytest.raises(CiphertextFormatError):
        values.decode(text.encode(), "int")


def test_the_old_label_bytes_reads_as_a_string() -> None:
    assert values.decode(b"text", "bytes") == "text"
    assert values.decode(b"\xff", "bytes") == b"\xff"


def test_a_short_tag_is_a_wrong_tag() -> None:
    with pytest.raises(AuthenticationTagError):
        values.decrypt(KEY, UPSTREAM.replace("t5z2Z023Up0kxwCgw1gNxg==", "t5z2Z023Up0kxwCg"), b"bar:")


@pytest.mark.parametrize(("text", "expected"), [(UPSTREAM, True), ("ENC[AES256_GCM,", True), ("x", False), (5, False)])
def test_ciphertext_is_known_by_its_beginning(text: object, expected: bool) -> None:
    assert values.is_ciphertext(text) is expected
