"""Fresh YAML: sops' own style, and no string that any reader takes for something else."""

from __future__ import annotations

import pytest
import yaml

from secretsync.documents.plain import from_plain
from secretsync.documents.tree import Comment, Entry, Mapping, Scalar, Sequence, Timestamp
from secretsync.documents.yaml import emitting, scalar_text
from secretsync.errors import TreeError

AMBIGUOUS = (
    *("null", "Null", "~", "", "yes", "NO", "on", "Off", "y", "N", "true", "False", ".inf", "-.INF", ".NaN", "=", "<<"),
    *(
        "0",
        "-1",
        "+1",
        "08",
        "017",
        "0o17",
        "0O17",
        "0x1F",
        "0b101",
        "1_000",
        "1,000",
        "1e3",
        "1E+3",
        ".5",
        "1.",
        "-.5e1",
    ),
    *(
        "1:30",
        "12:30:45",
        "190:20:30.15",
        "2024-01-02",
        "2024-1-2",
        "2024-01-02T03:04:05",
        "2024-01-02 03:04:05",
        "0x",
        ".",
    ),
)
PLAIN = (
    "a",
    "hello world",
    "a:b",
    "a#b",
    "http://x/?y=1",
    "1.2.3",
    "10.0.0.1",
    "-x",
    "v1",
    "a, b",
    "it's",
    "a=b",
    "/etc/x",
)
SINGLE = (
    " lead",
    "trail ",
    "a: b",
    "a #b",
    "#a",
    "- a",
    "[a]",
    "{a}",
    "*a",
    "&a",
    "!a",
    "%a",
    "@a",
    "`a`",
    "'a'",
    "a:",
    ":a",
    "?",
)
DOUBLE = ("a\tb", "a\rb", "\x00", "\x07", "\x85", "a\u2028b", "\ufeffx", "\U0001f600", "a \nb", "\n", "a\nb ", "\x7f")


def text_of(**entries: object) -> str:
    return emitting.dump([from_plain(entries)]).decode()  # type: ignore[list-item]


@pytest.mark.parametrize("text", AMBIGUOUS)
def test_a_string_that_some_reader_takes_for_another_type_is_double_quoted(text: str) -> None:
    assert scalar_text.inline(text) == f'"{text}"'


@pytest.mark.parametrize("text", PLAIN)
def test_a_harmless_string_stays_plain(text: str) -> None:
    assert scalar_text.inline(text) == text


@pytest.mark.parametrize("text", SINGLE)
def test_a_string_whose_plain_form_is_no_scalar_is_single_quoted(text: str) -> None:
    assert scalar_text.inline(text) == "'" + text.replace("'", "''") + "'"


@pytest.mark.parametrize("text", DOUBLE, ids=ascii)
def test_what_only_an_escape_can_carry_is_double_quoted(text: str) -> None:
    written = scalar_text.scalar(text)
    assert written.startswith('"')
    assert written.isprintable()
    assert yaml.safe_load(written) == text


@pytest.mark.parametrize("text", [*AMBIGUOUS, *PLAIN, *SINGLE, *DOUBLE], ids=ascii)
def test_pyyaml_reads_every_string_back_in_block_and_flow(text: str) -> None:
    assert yaml.safe_load(text_of(k=text, l=[text])) == {"k": text, "l": [text]}
    assert yaml.safe_load(emitting.flow_text(from_plain({text: [text]}))) == {text: [text]}
    assert yaml.safe_load(emitting.dump([from_plain({text: [text]})])) == {text: [text]}  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a\nb\n", "k: |\n    a\n    b\n"),
        ("a\nb", "k: |-\n    a\n    b\n"),
        ("a\n\n", "k: |+\n    a\n\n"),
        (" a\nb\n", "k: |4\n     a\n    b\n"),
        ("\na\n", "k: |4\n\n    a\n"),
        ("a\n\n  b\n", "k: |\n    a\n\n      b\n"),
    ],
)
def test_lines_become_a_literal_block(text: str, written: str) -> None:
    assert text_of(k=text) == written
    assert yaml.safe_load(written) == {"k": text}


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (1.0, "1"), (1.5, "1.5"), (1e6, "1e+06"), (123456.5, "123456.5"), (1e-5, "1e-05"), (0.0001, "0.0001"),
        (-0.0, "-0.0"), (1e21, "1e+21"), (123456789.0, "1.23456789e+08"), (float("inf"), ".inf"),
        (float("-inf"), "-.inf"), (float("nan"), ".nan"), (5e-324, "5e-324"),
        (True, "true"), (None, "null"), (-7, "-7"), (Timestamp("2024-01-02T03:04:05Z"), "2024-01-02T03:04:05Z"),
        (b"\xff\x00", "!!binary /wA="), (b"text", "text"),
    ],
)  # fmt: skip
def test_values_are_written_as_go_yaml_writes_them(value: object, written: str) -> None:
    assert scalar_text.scalar(value) == written  # type: ignore[arg-type]


def test_the_style_is_that_of_sops() -> None:
    tree = {
        "a": {"l": [1, {"x": "p\n", "y": [[1]]}], "e": {}, "f": []},
        "sops": {"age": [{"enc": "A\nB\n", "recipient": "r"}]},
    }
    assert text_of(**tree) == (
        'a:\n    l:\n        - 1\n        - x: |\n            p\n          "y":\n            - - 1\n    e: {}\n    f: []\n'
        "sops:\n    age:\n        - enc: |\n            A\n            B\n          recipient: r\n"
    )


def test_an_indent_of_two_serves_kubernetes() -> None:
    assert emitting.dump([from_plain({"a": {"b": [1]}})], indent=2) == b"a:\n  b:\n    - 1\n"  # type: ignore[list-item]


@pytest.mark.parametrize(("indent", "columns"), [(None, 4), (0, 4), (2, 2), (9, 9), (1, 2), (10, 2)])
def test_the_indent_is_read_as_go_yaml_reads_it(indent: int | None, columns: int) -> None:
    assert emitting.dump([from_plain({"a": {"b": 1}})], indent=indent).decode() == f"a:\n{' ' * columns}b: 1\n"  # type: ignore[list-item]


def test_a_negative_indent_is_refused() -> None:
    with pytest.raises(TreeError):
        emitting.dump([Mapping()], indent=-1)


def test_comments_stand_above_behind_and_below() -> None:
    inner = Mapping([Comment(" head"), Entry(Scalar("a"), Scalar(1)), Comment(" tail")])
    document = Mapping(
        [Comment(" top"), Entry(Scalar("m"), inner), Comment(" why", inline=True), Entry(Scalar("k"), Scalar("v"))]
    )
    assert emitting.dump([document]) == b"# top\nm:\n    # head\n    a: 1\n    # tail\nk: v # why\n"


def test_comments_of_empty_collections_stay_inside() -> None:
    document = Mapping(
        [
            Entry(Scalar("a"), Mapping([Comment(" one")])),
            Entry(Scalar("b"), Sequence([Comment(" one"), Comment(" two")])),
        ]
    )
    assert emitting.dump([document]) == b"a: {} # one\nb: [\n    # one\n    # two\n ]\n"


def test_a_document_of_comments_is_an_empty_mapping() -> None:
    assert emitting.dump([Mapping([Comment(" c")]), Mapping()]) == b"# c\n{}\n---\n{}\n"


@pytest.mark.parametrize("text", ["x\ny: 1", "x\ry: 1", "x\x85y: 1", "x\u2028y: 1", "x\u2029y: 1", "\x00"], ids=ascii)
def test_no_comment_breaks_out_of_its_line(text: str) -> None:
    written = emitting.dump([Mapping([Comment(text), Entry(Scalar("a"), Scalar(1))])])
    assert yaml.safe_load(written) == {"a": 1}


def test_a_merge_key_stays_one_over_mappings_only() -> None:
    document = Mapping([Entry(Scalar("a"), Mapping([Entry(Scalar("<<"), Mapping([Entry(Scalar("x"), Scalar(1))]))]))])
    assert emitting.dump([document]) == b"a:\n    !!merge <<:\n        x: 1\n"
    assert text_of(**{"<<": "v"}) == '"<<": v\n'


def test_a_long_key_is_written_with_a_question_mark() -> None:
    key = "k" * 129
    assert emitting.dump([from_plain({key: {"a": 1}})]).decode() == f"? {key}\n:\n    a: 1\n"  # type: ignore[list-item]


def test_an_unpaired_surrogate_is_refused() -> None:
    with pytest.raises(TreeError):
        emitting.dump([from_plain({"a": "\ud800"})])  # type: ignore[list-item]


def test_a_single_value_ends_in_a_newline() -> None:
    assert emitting.emit_node(Scalar(1)) == b"1\n"
    assert emitting.emit_node(Sequence([Scalar(1), Scalar("a\nb\n")])) == b"- 1\n- |\n  a\n  b\n"
