"""The scalar table of go-yaml, which decides what type a value has in sops and so what its MAC covers."""

from __future__ import annotations

import math

import pytest

from secretsync.documents.tree import Timestamp, Value
from secretsync.documents.yaml.resolving import parse_timestamp, resolve_plain, resolve_tagged

INF = math.inf


def _words(text: str) -> list[str]:
    return text.split()


# Each line of the table in the format description: the result, then everything that resolves to it.
TABLE: list[tuple[Value, str]] = [
    (True, "true True TRUE"),
    (False, "false False FALSE"),
    (None, "~ null Null NULL"),
    (42, "42"),
    (5, "+5"),
    (-3, "-3"),
    (1000, "1_000"),
    (10, "1__0"),
    (1, "1_"),
    (0, "0 -0 +0 00"),
    (511, "0777"),
    (15, "017 0o17 0O17 +0o17"),
    (-15, "-0o17 -017"),
    (255, "0xFF 0Xff 0x_ff"),
    (31, "0X1F"),
    (16, "+0x10"),
    (5, "0b101"),
    (1, "0B1"),
    (-3, "-0b11 0b-11"),
    (-7, "0o-7"),
    (167, "0b1010_0111"),
    (2**63 - 1, "9223372036854775807 0x7fffffffffffffff"),
    (-(2**63), "-9223372036854775808 -0x8000000000000000"),
    (2**63, "9223372036854775808 0x8000000000000000"),
    (2**64 - 1, "18446744073709551615 0xffffffffffffffff"),
    (8.0, "08 8. 8.0 0_8.0"),
    (9.5, "09.5 9.5"),
    (1.0, "1. 1.0 1e0"),
    (1000.0, "1.e3 1e3 1E3 1e+3 +1e3"),
    (0.5, ".5 +.5"),
    (-0.5, "-.5"),
    (1.5, "+1.5"),
    (10.5, "1_0.5"),
    (0.15, ".1_5"),
    (0.0, "1e-400"),
    (9223372036854775808.0, "+9223372036854775808"),
    (-9223372036854775809.0, "-9223372036854775809"),
    (18446744073709551616.0, "18446744073709551616"),
    (INF, ".inf .Inf .INF +.inf +.Inf +.INF"),
    (-INF, "-.inf -.Inf -.INF"),
    (Timestamp("2024-01-02T00:00:00Z"), "2024-01-02 2024-1-2"),
    (Timestamp("2024-01-01T10:00:00.5Z"), "2024-01-01T10:00:00.5Z 2024-01-01t10:00:00.500Z 2024-01-01T10:00:00,5Z"),
    (Timestamp("2024-01-01T10:00:00+01:00"), "2024-01-01T10:00:00+01:00 2024-1-1t10:0:0+01:00"),
    (Timestamp("2024-01-01T10:00:00Z"), "2024-01-01T10:00:00-00:00 2024-01-01T10:00:00.000Z"),
    (Timestamp("2024-02-29T00:00:00Z"), "2024-02-29"),
    (Timestamp("2024-01-01T10:00:00.123456789Z"), "2024-01-01T10:00:00.1234567891Z"),
]

STRINGS = [
    *_words("yes no on off y n Y N tRUE nULL inf nan NaN .Nan .iNF <<"),
    *_words("_1 1,000 -- 1-2 0o8 0b12 0x 0b 0o 0x1p4 1e .e1 .1.2 1e400 -1e400 .5e400 + - . .. ... -0b-1 0b_ .1_ ._1"),
    *_words("12:30:45 1:30 190:20:30 02:00 ٣ 1٣ 0x-5"),
    *_words("2024-13-01 2024-00-01 2024-01-32 2023-02-29 1900-02-29 2024-01-01T10:00 24-01-01 20240-01-01"),
    *_words("2024-01-01T10:00:00 2024-01-01T10:00:00+0100 2024-01-01t10:00:00z 2024-01-01T24:00:00Z"),
    *_words("2024-01-01T10:60:00Z 2024-01-01T10:00:60Z 2024-01-01T10:00:00+25:00 2024-01-01T10:00:00+01:61"),
    *("2024-01-01 10:00:00Z", "2001-12-14 21:59:43.10 -5", "2024-01-01  10:00:00 ", "x y", " ", "1 2"),
]


@pytest.mark.parametrize(("expected", "texts"), TABLE, ids=[texts for _, texts in TABLE])
def test_plain_text_resolves_as_in_go_yaml(expected: Value, texts: str) -> None:
    for text in texts.split():
        value = resolve_plain(text)
        assert (type(value), value) == (type(expected), expected), text


@pytest.mark.parametrize("text", STRINGS)
def test_everything_else_is_a_string(text: str) -> None:
    assert resolve_plain(text) == text


def test_nothing_is_null() -> None:
    assert resolve_plain("") is None


@pytest.mark.parametrize("text", [".nan", ".NaN", ".NAN"])
def test_not_a_number_is_a_float(text: str) -> None:
    value = resolve_plain(text)
    assert isinstance(value, float)
    assert math.isnan(value)


def test_negative_zero_is_a_float_only_with_a_point_or_an_exponent() -> None:
    for text in ("-0.", "-0e5", "-.0"):
        value = resolve_plain(text)
        assert isinstance(value, float)
        assert math.copysign(1, value) == -1


@pytest.mark.parametrize(
    "text", ["2024-01-01 10:00:00", "2024-01-01  10:00:00", "2024-1-1 10:0:0.0", "2024-01-01   10:00:00"]
)
def test_blanks_instead_of_a_zone_mean_utc(text: str) -> None:
    assert parse_timestamp(text) == Timestamp("2024-01-01T10:00:00Z")


def test_a_very_long_number_is_a_float_or_a_string() -> None:
    assert resolve_plain("1" * 100) == float("1" * 100)
    assert resolve_plain("1" * 5000) == "1" * 5000
    assert resolve_plain("0x" + "1" * 5000) == "0x" + "1" * 5000
    assert resolve_plain("0x" + "0" * 5000 + "1") == 1


CORE = "tag:yaml.org,2002:"


@pytest.mark.parametrize(
    ("tag", "text", "expected"),
    [
        ("str", "12", "12"),
        ("str", "", ""),
        ("int", "0x10", 16),
        ("float", "1", 1.0),
        ("float", "-0", 0.0),
        ("float", "08", 8.0),
        ("float", ".inf", INF),
        ("bool", "true", True),
        ("null", "~", None),
        ("null", "", None),
        ("timestamp", "2024-01-02", Timestamp("2024-01-02T00:00:00Z")),
        ("binary", "aGk=", "hi"),
        ("binary", "/w==", b"\xff"),
        ("binary", "aG\nk=", "hi"),
        ("seq", "x", "x"),
        ("foo", "12", "12"),
        ("merge", "x", "x"),
    ],
)
def test_core_tags_convert(tag: str, text: str, expected: Value) -> None:
    for plain in (True, False):
        value = resolve_tagged(CORE + tag, text, plain=plain)
        assert (type(value), value) == (type(expected), expected)


@pytest.mark.parametrize(
    ("tag", "text"),
    [
        *(("int", "foo"), ("int", "1.5"), ("int", "2024-01-02"), ("int", ""), ("int", "~")),
        *(("bool", "yes"), ("bool", "1"), ("null", "x"), ("null", "0"), ("float", "foo"), ("float", str(2**64 - 1))),
        *(
            ("timestamp", "5"),
            ("timestamp", "foo"),
            ("binary", "aGk"),
            ("binary", "a G k ="),
            ("binary", "!"),
            ("binary", "_w=="),
        ),
    ],
)
def test_a_text_that_is_not_of_its_tag_is_refused_without_showing_it(tag: str, text: str) -> None:
    with pytest.raises(ValueError, match=f"!!{tag}") as refusal:
        resolve_tagged(CORE + tag, text, plain=True)
    assert not text.isalnum() or text not in str(refusal.value).split()


def test_the_tag_of_no_type_looks_at_plain_text_only() -> None:
    assert resolve_tagged("!", "12", plain=True) == 12
    assert resolve_tagged("!", "12", plain=False) == "12"


def test_local_tags_make_strings() -> None:
    assert resolve_tagged("!Sub", "12", plain=True) == "12"
    assert resolve_tagged("tag:example.com,2000:x", "true", plain=True) == "true"
