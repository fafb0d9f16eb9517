"""The JSON store: sops' numbers, duplicates and escapes, strict where sops loses data."""

from __future__ import annotations

import json

import pytest

from secretsync.documents.plain import from_plain, to_plain
from secretsync.documents.stores import store_named
from secretsync.documents.tree import Comment, Entry, Limits, Mapping, Node, Scalar, Sequence, Timestamp
from secretsync.errors import LimitError, ParseError, TreeError

JSON = store_named("json")


def value_of(text: str) -> object:
    source = JSON.load(f'{{"a": {text}}}'.encode())
    leaf = source.documents[0].get("a")
    assert isinstance(leaf, Scalar)
    return leaf.value


def dumped(**entries: object) -> str:
    return JSON.dump([from_plain(entries)]).decode()  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1), ("-0", 0), ("9223372036854775807", 2**63 - 1), ("-9223372036854775808", -(2**63)),
        ("9223372036854775808", 9.223372036854775808e18), ("1.0", 1.0), ("1e2", 100.0), ("-0.0", -0.0), ("1e-400", 0.0),
        ("true", True), ("false", False), ("null", None), ('"a\\u00e9\\n"', "aé\n"), ('"\\ud83d\\ude00"', "\U0001f600"),
        ('"\\ud800"', "\ufffd"), ('"\\/"', "/"),
    ],
)  # fmt: skip
def test_values_have_the_types_that_sops_gives_them(text: str, value: object) -> None:
    got = value_of(text)
    assert (got, type(got)) == (value, type(value))


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1', '{"a": 1,', '{"a":', '{"a"', "{", '{"a": [1', '{"a": "x', '{"a": 1} x', '{"a": 1}{"b": 2}', '{"a": 1,}',
        '{"a": [1,]}', "{a: 1}", "{'a': 1}", '{"a": 01}', '{"a": +1}', '{"a": .5}', '{"a": 1.}', '{"a": NaN}', '{"a": 1e400}',
        '{"a": "\n"}', '{"a": "\x00"}', '{"a": "\\x"}', '{"a" 1}', '{"a": 1 "b": 2}', "\ufeff{}", "", "  ", '{"a": tru}',
        "{,}", '{"a": 1}\x00', '// c\n{"a": 1}', '{"a":: 1}', "{1: 2}",
    ],
    ids=ascii,
)  # fmt: skip
def test_what_is_no_whole_json_object_is_refused(text: str) -> None:
    with pytest.raises(ParseError) as caught:
        JSON.load(text.encode())
    assert caught.value.location


@pytest.mark.parametrize("text", ["[]", "1", '"a"', "null"])
def test_the_top_level_must_be_an_object(text: str) -> None:
    with pytest.raises(ParseError):
        JSON.load(text.encode())


def test_duplicate_keys_are_kept() -> None:
    document = JSON.load(b'{"a": 1, "a": 2}').documents[0]
    assert [entry.value.value for entry in document.entries()] == [1, 2]  # type: ignore[union-attr]
    assert JSON.dump([document]) == b'{\n\t"a": 1,\n\t"a": 2\n}\n'


def test_invalid_utf8_becomes_the_replacement_character() -> None:
    assert to_plain(JSON.load(b'{"a": "\xff"}').documents[0]) == {"a": "\ufffd"}


def test_depth_is_bounded_without_recursion() -> None:
    deep = b'{"a": ' + b"[" * 200 + b"]" * 200 + b"}"
    with pytest.raises(LimitError):
        JSON.load(deep)
    with pytest.raises(LimitError):
        JSON.load(b'{"a": ' + b"[" * 100_000, limits=Limits.unbounded())


def test_size_and_number_of_values_are_bounded() -> None:
    with pytest.raises(LimitError):
        JSON.load(b'{"a": 1}', limits=Limits(size=5))
    with pytest.raises(LimitError):
        JSON.load(b'{"a": [1, 2, 3]}', limits=Limits(nodes=3))


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("<a>&", '"\\u003ca\\u003e\\u0026"'), ("\u2028", '"\\u2028"'), ("é\U0001f600", '"é\U0001f600"'), ('"\\', '"\\"\\\\"'),
        ("\x00\x1f\x7f", '"\\u0000\\u001f\x7f"'), ("\b\f\n\r\t", '"\\b\\f\\n\\r\\t"'), ("\ud800", '"\ufffd"'),
        (1.0, "1"), (1e6, "1000000"), (1e20, "100000000000000000000"), (1e21, "1e+21"), (1e-6, "0.000001"), (1e-7, "1e-7"),
        (-0.0, "-0.0"), (1.5e-10, "1.5e-10"), (True, "true"), (None, "null"), (Timestamp("2024-01-02T00:00:00Z"), '"2024-01-02T00:00:00Z"'),
        (b"text", '"text"'), ({}, "{}"), ([], "[]"),
    ],
)  # fmt: skip
def test_values_are_written_as_go_writes_them(value: object, written: str) -> None:
    assert dumped(a=value) == '{\n\t"a": ' + written + "\n}\n"


@pytest.mark.parametrize("value", [float("inf"), float("nan"), b"\xff"])
def test_what_json_cannot_hold_is_refused(value: object) -> None:
    with pytest.raises(TreeError):
        dumped(a=value)


@pytest.mark.parametrize(
    ("indent", "text"),
    [
        (None, '{\n\t"a": [\n\t\t1\n\t]\n}\n'),
        (-1, '{\n\t"a": [\n\t\t1\n\t]\n}\n'),
        (0, '{\n"a": [\n1\n]\n}\n'),
        (2, '{\n  "a": [\n    1\n  ]\n}\n'),
    ],
)
def test_the_indent_is_a_tab_unless_given(indent: int | None, text: str) -> None:
    assert JSON.dump([from_plain({"a": [1]})], indent=indent).decode() == text  # type: ignore[list-item]


def test_an_indent_below_minus_one_and_several_documents_are_refused() -> None:
    with pytest.raises(TreeError):
        JSON.dump([Mapping()], indent=-2)
    with pytest.raises(TreeError):
        JSON.dump([Mapping(), Mapping()])


def test_comments_are_dropped() -> None:
    document = Mapping([Comment(" c"), Entry(Scalar("a"), Sequence([Comment(" d"), Scalar(1)]))])
    assert JSON.dump([document], indent=0) == b'{\n"a": [\n1\n]\n}\n'


@pytest.mark.parametrize(
    ("text", "new", "expected"),
    [
        ('{"a":1,"b" : 2}', {"a": 1, "b": "x"}, '{"a":1,"b" : "x"}'),
        ('{ "a": [1,  2] }\n', {"a": [1, 3]}, '{ "a": [1,  3] }\n'),
        ('{\n  "a": 1\n}\n', {"a": 1, "sops": {"b": 1}}, '{\n  "a": 1,\n  "sops": {\n    "b": 1\n  }\n}\n'),
        ('{"a": 1, "sops": 2}', {"a": 1}, '{"a": 1}'),
        ('{"sops": 2, "a": 1}', {"a": 1}, '{"a": 1}'),
        ('{"x": 0, "a": 1, "y": 0, "b": 2, "z": 0}', {"a": 1, "b": 2}, '{"a": 1, "b": 2}'),
        ('{"a": 1}', {}, "{}"),
        ("{}\n", {"a": 1}, '{\n\t"a": 1\n}\n'),
        ('{"a": {"b": 1}}', {"a": [1]}, '{"a": [\n\t1\n]}'),
        ('{"b": 1}', {"a": 0, "b": 1}, '{"a": 0, "b": 1}'),
        ('{"l": [1, 2, 3]}', {"l": [1, 3]}, '{"l": [1, 3]}'),
        ('{"l": [1, 3]}', {"l": [1, 2, 3]}, '{"l": [1, 2, 3]}'),
        ('{\r\n  "a": 1\r\n}\r\n', {"a": [2]}, '{\r\n  "a": [\r\n    2\r\n  ]\r\n}\r\n'),
        ('{"a": 1, "b": 2}', {"b": 2, "a": 1}, '{"b": 2, "a": 1}'),
    ],
)  # fmt: skip
def test_a_rewrite_splices(text: str, new: dict[str, object], expected: str) -> None:
    source = JSON.load(text.encode())
    assert JSON.rewrite(source, [from_plain(new)]).decode() == expected  # type: ignore[list-item]
    assert json.loads(expected) == new


def test_unchanged_documents_keep_every_byte() -> None:
    data = b' {"a" : 1.0 , "b":"\\u0041", "c":[ ] }\r\n\t'
    source = JSON.load(data)
    assert JSON.rewrite(source, source.documents) == data
    assert JSON.rewrite(source, [from_plain(to_plain(source.documents[0]))]) == data  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("node", "text"),
    [
        (Scalar("x\n"), b"x\n"),
        (Scalar(1), b"1"),
        (Scalar(1.5), b"1.5"),
        (Mapping(), b"{}\n"),
        (Scalar(b"\xff"), b"\xff"),
        (Sequence([Scalar("a")]), b'[\n\t"a"\n]'),
    ],
)
def test_an_extracted_value_has_no_final_newline_unless_it_is_an_object(node: Node, text: bytes) -> None:
    assert JSON.emit_value(node) == text


def test_a_key_that_is_no_string_is_refused() -> None:
    with pytest.raises(TreeError):
        JSON.dump([Mapping([Entry(Scalar(1), Scalar(1))])])


def test_only_the_key_sops_is_reserved() -> None:
    assert JSON.is_reserved(JSON.load(b'{"sops": null}').documents[0])
    assert not JSON.is_reserved(JSON.load(b'{"a": {"sops": 1}}').documents[0])


def test_a_list_that_becomes_empty_is_written_afresh() -> None:
    source = JSON.load(b'{"a": [1, 2]}')
    assert JSON.rewrite(source, [from_plain({"a": []})]) == b'{"a": []}'  # type: ignore[list-item]
