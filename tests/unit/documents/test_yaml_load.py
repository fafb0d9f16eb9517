"""Reading YAML: structure, aliases, documents, encodings, places, limits and refusals."""

from __future__ import annotations

import pytest

from secretsync.documents.plain import Plain, to_plain
from secretsync.documents.stores import store_named
from secretsync.documents.tree import Entry, Limits, Mapping, Node, Scalar, Sequence, Source, Span
from secretsync.documents.yaml.loading import load
from secretsync.errors import DuplicateKeyError, FormatError, LimitError, ParseError


def _plain(text: str | bytes) -> list[Plain]:
    return [to_plain(document) for document in _load(text).documents]


def _load(text: str | bytes) -> Source:
    return load(text if isinstance(text, bytes) else text.encode())


def _value(mapping: Mapping, key: str) -> Node:
    value = mapping.get(key)
    assert value is not None
    return value


# --- documents and encodings --------------------------------------------------------------------------------------


def test_empty_input_holds_no_document() -> None:
    source = _load("")
    assert (source.documents, source.spans) == ([], [])


@pytest.mark.parametrize("text", ["\n", "# only a comment\n", "  \n\n", "\ufeff"])
def test_input_without_a_document_is_refused(text: str) -> None:
    with pytest.raises(ParseError, match="no document"):
        _load(text)


@pytest.mark.parametrize("text", ["---\n", "--- \n...\n", "~\n", "--- null\n", "%YAML 1.1\n---\n"])
def test_a_null_document_is_an_empty_mapping(text: str) -> None:
    assert _plain(text) == [{}]


@pytest.mark.parametrize("text", ["- a\n", "a\n", "12\n", "a: 1\n---\n- b\n", "'null'\n"])
def test_a_root_that_is_no_mapping_is_refused(text: str) -> None:
    with pytest.raises(ParseError, match="it must be a mapping"):
        _load(text)


def test_documents_are_kept_in_order_and_their_spans_cover_the_text() -> None:
    text = "# head\na: 1\n# foot\n---\nb: 2\n...\n# third\n--- # mark\nc: 3\n"
    source = _load(text)
    assert _plain(text) == [{"a": 1}, {"b": 2}, {"c": 3}]
    parts = [text[start:end] for start, end in source.spans]
    assert parts == ["# head\na: 1\n# foot\n", "---\nb: 2\n...\n", "# third\n--- # mark\nc: 3\n"]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-8"])
def test_a_byte_order_mark_tells_the_encoding_and_is_no_text(encoding: str) -> None:
    source = _load("\ufeffé: 1\n".encode(encoding))
    assert (source.text, source.encoding, source.bom) == ("é: 1\n", encoding, True)


def test_every_kind_of_line_break_is_one() -> None:
    assert _plain("a: 1\r\nb: |\r\n  x\r\n  y\r\nc: 2\rd: 3\x85e: 4\n") == [
        {"a": 1, "b": "x\ny\n", "c": 2, "d": 3, "e": 4}
    ]


# --- tags, keys, merge --------------------------------------------------------------------------------------------


def test_tags_decide_the_type() -> None:
    text = "a: !!str 1\nb: ! 2\nc: !local 3\nd: !!float 4\ne: !!int '5'\nf: !x [1]\ng: !!binary aGk=\n"
    assert _plain(text) == [{"a": "1", "b": 2, "c": "3", "d": 4.0, "e": 5, "f": [1], "g": "hi"}]


@pytest.mark.parametrize("value", ["!!int foo", "!!bool yes", "!!null x", "!!binary a", "!!timestamp 5", "!!int"])
@pytest.mark.parametrize("before", ["", "a: 1\n---\n"], ids=["first document", "later document"])
def test_a_bad_tag_is_refused_in_every_document(before: str, value: str) -> None:
    with pytest.raises(ParseError, match="!!") as refusal:
        _load(f"{before}k: {value}\n")
    assert str(refusal.value).startswith("#2 line 3" if before else "#1 line 1")


def test_keys_of_any_type_load() -> None:
    keys = [entry.key.value for entry in _load("1: a\ntrue: b\n~: c\n1.5: d\n'2': e\n").documents[0].entries()]
    assert keys == [1, True, None, 1.5, "2"]


@pytest.mark.parametrize("text", ["[a]: b\n", "{a: b}: c\n", "? - a\n: b\n", "x: &x [a]\n*x : b\n"])
def test_a_collection_as_key_is_refused(text: str) -> None:
    with pytest.raises(ParseError, match="cannot be a key"):
        _load(text)


@pytest.mark.parametrize("text", ["a: 1\na: 2\n", 'a: 1\n"a": 2\n', "a: 1\n!!str a: 2\n", "<<: {}\n<<: {}\n"])
@pytest.mark.parametrize("before", ["", "x: 1\n---\n"], ids=["first document", "later document"])
def test_a_key_that_is_there_twice_is_refused_in_every_document(before: str, text: str) -> None:
    with pytest.raises(DuplicateKeyError) as refusal:
        _load(before + text)
    first = 3 if before else 1
    assert f"is already there in line {first}" in str(refusal.value)
    assert f"line {first + 1}:" in str(refusal.value)


def test_a_key_that_an_alias_repeats_is_refused() -> None:
    with pytest.raises(DuplicateKeyError):
        _load("x: &x a\na: 1\n*x : 2\n")


def test_the_same_key_at_different_depths_is_no_duplicate() -> None:
    assert _plain("a: {a: {a: 1}}\nb: [{a: 1}, {a: 2}]\n") == [{"a": {"a": {"a": 1}}, "b": [{"a": 1}, {"a": 2}]}]


@pytest.mark.parametrize("key", ["<<", "!!merge <<", "!!merge '<<'"])
def test_a_merge_key_is_an_entry_with_the_expanded_value(key: str) -> None:
    assert _plain(f"x: &x {{a: 1}}\ny:\n  {key}: *x\n  b: 2\n") == [{"x": {"a": 1}, "y": {"<<": {"a": 1}, "b": 2}}]
    assert _plain(f"x: &x {{a: 1}}\ny:\n  {key}: [*x, {{b: 2}}]\n") == [
        {"x": {"a": 1}, "y": {"<<": [{"a": 1}, {"b": 2}]}}
    ]


@pytest.mark.parametrize("value", ["1", "", "text", "[1]", "[[]]", "*list", "[*list]", "*word"])
def test_a_merge_key_with_another_value_is_refused(value: str) -> None:
    with pytest.raises(ParseError, match="merge key"):
        _load(f"list: &list [{{a: 1}}]\nword: &word w\ny:\n  <<: {value}\n")


@pytest.mark.parametrize("key", ["'<<'", '"<<"', "!!str <<"])
def test_a_quoted_merge_key_is_a_key_like_any_other(key: str) -> None:
    assert _plain(f"{key}: 1\n") == [{"<<": 1}]


# --- aliases ------------------------------------------------------------------------------------------------------


def test_aliases_are_copies_with_the_place_of_the_alias() -> None:
    text = "a: &x {k: [1]}\nb: *x\nc: &s word\nd: [*s]\n"
    root = _load(text).documents[0]
    a, b = _value(root, "a"), _value(root, "b")
    assert isinstance(a, Mapping)
    assert isinstance(b, Mapping)
    assert to_plain(a) == to_plain(b)
    assert a is not b
    assert (a.alias, b.alias) == (None, Span(*_place(text, "*x")))
    assert a.span == Span(*_place(text, "&x {k: [1]}"))
    d = _value(root, "d")
    assert isinstance(d, Sequence)
    item = d.items[0]
    assert isinstance(item, Scalar)
    assert (item.value, item.alias) == ("word", Span(*_place(text, "*s")))


def _place(text: str, part: str) -> tuple[int, int]:
    return text.index(part), text.index(part) + len(part)


def test_the_last_anchor_of_a_name_counts_and_anchors_outlive_their_document() -> None:
    assert _plain("a: &x 1\nb: &x 2\nc: *x\n---\nd: *x\n") == [{"a": 1, "b": 2, "c": 2}, {"d": 2}]


@pytest.mark.parametrize("text", ["a: *x\n", "a: [*x, &x 1]\n"])
def test_an_unknown_anchor_is_refused(text: str) -> None:
    with pytest.raises(ParseError, match="unknown anchor 'x'"):
        _load(text)


@pytest.mark.parametrize("text", ["a: &x [*x]\n", "&x a:\n  b: 1\nc: &y {d: {e: *y}}\n", "b: 1\n--- &x\na: *x\n"])
def test_an_anchor_that_contains_itself_is_refused(text: str) -> None:
    with pytest.raises(ParseError, match="contains itself"):
        _load(text)


# --- places -------------------------------------------------------------------------------------------------------

PLACES = """\
plain: word  # c
single: 'it''s'
"double": "a \\
  b"
literal: |
  one

  two  \x20

keep: |+
  one

folded: &f !!str >-  # c
  x
empty:
tagged: !!str
list:
- a
-   # c
- {b: [c, d]}

? complex
: deep:
    er: 1
   # end
last: text
"""


def test_each_node_knows_where_it_stands() -> None:
    texts = {str(key.value): PLACES[slice(*_span(value))] for key, value in _entries(_load(PLACES).documents[0])}
    assert texts == {
        "plain": "word",
        "single": "'it''s'",
        "double": '"a \\\n  b"',
        "literal": "|\n  one\n\n  two   ",
        "keep": "|+\n  one\n",
        "folded": "&f !!str >-  # c\n  x",
        "empty": "",
        "tagged": "!!str",
        "list": "- a\n-   # c\n- {b: [c, d]}",
        "b": "[c, d]",
        "complex": "deep:\n    er: 1",
        "deep": "er: 1",
        "er": "1",
        "last": "text",
    }


def test_each_key_knows_where_it_stands() -> None:
    for key, _ in _entries(_load(PLACES).documents[0]):
        assert PLACES[slice(*_span(key))].strip('"') == key.value


def _entries(node: Node) -> list[tuple[Scalar, Node]]:
    found: list[tuple[Scalar, Node]] = []
    if isinstance(node, Mapping):
        for entry in node.entries():
            found += [(entry.key, entry.value), *_entries(entry.value)]
    elif isinstance(node, Sequence):
        for item in node.items:
            found += _entries(item) if isinstance(item, Mapping | Sequence) else []
    return found


def _span(node: Node) -> Span:
    assert node.span is not None
    return node.span


def test_an_empty_value_stands_behind_its_colon_or_dash() -> None:
    text = "a:\nb:   # c\nc: [x, ]\nd:\n-\n- 1\n? e\nf: 1\n"
    root = _load(text).documents[0]
    assert [_span(_value(root, key)) for key in ("a", "b", "e")] == [
        Span(*(text.index(part) + len(part),) * 2) for part in ("a:", "b:", "? e")
    ]
    d = _value(root, "d")
    assert isinstance(d, Sequence)
    assert isinstance(d.items[0], Scalar)
    assert d.items[0].span == Span(*(text.index("\n-\n") + 2,) * 2)


def test_a_block_scalar_at_the_end_of_a_file_without_a_line_break() -> None:
    for body in ("|\n  x", "|+\n  x", "|-\n  x  ", ">\n  x\n  y"):
        text = f"a: {body}"
        assert text[slice(*_span(_value(_load(text).documents[0], "a")))] == body


def test_a_block_scalar_without_content_ends_with_its_header() -> None:
    for header in ("|", ">-", "|2", "&x |"):
        text = f"a: {header}\n\n\nb: 1\n"
        assert text[slice(*_span(_value(_load(text).documents[0], "a")))] == header


# --- refusals -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: b: c\n", "#1 line 1: mapping values are not allowed in this context"),
        ("a: 1\n---\nb: [1\n", "#2 line 4: while parsing a flow sequence: did not find expected ',' or ']'"),
        ("a:\n\tb: 2\n", "#1 line 2: a tab where only spaces may indent"),
        ("a: 1\n...\nb: 2\n", "#1 line 3: did not find expected <document start>"),
        ("%YAML 1.2\n---\na: 1\n", "#1 line 1: only %YAML 1.1 is understood, as in sops; remove the directive"),
        ('a: "x\\/y"\n', r"#1 line 1: the escape \/ is JSON's and unknown to sops; write / alone"),
        (
            'a: "\\ud83d\\ude00"\n',
            "#1 line 1: while parsing a quoted scalar: found invalid Unicode character escape code",
        ),
        ("a: [b?c]\n", "#1 line 1: a question mark inside of a plain scalar in a flow collection; quote the scalar"),
        ("a: [&x !b, c]\n", "#1 line 1: a tag with a bracket or comma at its end; put a space between"),
        ("a: [&x # !b\n  !b, c]\n", "#1 line 1: a tag with a bracket or comma at its end; put a space between"),
        ("a: [!b, c]\n", "#1 line 1: a tag with a bracket or comma at its end; put a space between"),
    ],
)
def test_what_sops_refuses_or_reads_otherwise_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(ParseError) as refusal:
        _load(text)
    assert str(refusal.value) == message


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a: 1\nb: \xff\n", "line 2: not valid UTF-8 at byte 8"),
        (b"a: \xed\xa0\x80\n", "line 1: not valid UTF-8 at byte 3"),
        (b"\xef\xbb\xbfa: \xc3", "line 1: not valid UTF-8 at byte 6"),
        (b"\xff\xfea\x00:", "line 1: not valid UTF-16-LE at byte 4"),
        (b"a: x\x00y\n", "line 1: control character U+0000 is not allowed"),
        (b"a: 1\nb: \x1b\n", "line 2: control character U+001B is not allowed"),
        ("a: \x80\n".encode(), "line 1: control character U+0080 is not allowed"),
    ],
)
def test_bytes_that_are_no_text_are_refused_with_their_place(data: bytes, message: str) -> None:
    with pytest.raises(ParseError) as refusal:
        _load(data)
    assert str(refusal.value) == message


def test_an_escaped_backslash_before_a_slash_is_fine() -> None:
    assert _plain("a: \"x\\\\/y\"\nb: 'x\\/y'\n") == [{"a": "x\\/y", "b": "x\\/y"}]


# --- limits -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "a:\n"])
@pytest.mark.parametrize("limits", [Limits(), Limits.unbounded()], ids=["default", "unbounded"])
def test_ten_thousand_levels_are_refused(opening: str, limits: Limits) -> None:
    levels = 10_000
    text = "".join(" " * level + opening for level in range(1_500)) if opening == "a:\n" else opening * levels
    with pytest.raises(LimitError, match="nested deeper than"):
        load(text.encode(), limits=limits)


def test_the_limit_of_depth_is_exact() -> None:
    def nested(depth: int) -> bytes:
        return b"a: " + b"[" * (depth - 1) + b"]" * (depth - 1) + b"\n"

    load(nested(100))
    with pytest.raises(LimitError, match="nested deeper than 100 levels"):
        load(nested(101))


def test_the_deepest_file_of_a_user_can_be_walked() -> None:
    depth = Limits.unbounded().depth - 1
    for opening, closing in (("[", "]"), ("{a: ", "}")):
        text = f"a: {opening * depth}1{closing * depth}\n"
        source = load(text.encode(), limits=Limits.unbounded())
        yaml = store_named("yaml")
        dumped = yaml.load(yaml.dump(source.documents), limits=Limits.unbounded())
        assert to_plain(dumped.documents[0]) == to_plain(source.documents[0])


def test_depth_counts_through_aliases() -> None:
    lines = ["l0: &l0 [x]", *(f"l{level}: &l{level} [*l{level - 1}]" for level in range(1, 120))]
    with pytest.raises(LimitError, match="aliases expanded"):
        load("\n".join(lines).encode())


@pytest.mark.parametrize("value", ["x" * 2000, "[" + "x" * 1000 + ", {y: " + "x" * 1000 + "}]"], ids=["text", "nested"])
def test_aliases_repeat_a_limited_number_of_characters(value: str) -> None:
    """A few nodes of much text cost as much as many nodes."""
    text = f"a: &a {value}\n" + "".join(f"k{number}: *a\n" for number in range(20))
    repeated = 20 * (2000 + value.count("y"))
    assert len(load(text.encode(), limits=Limits(repeated=repeated)).documents[0].items) == 21
    with pytest.raises(LimitError, match=f"aliases repeat more than {repeated - 1} characters") as caught:
        load(text.encode(), limits=Limits(repeated=repeated - 1))
    assert caught.value.location == "#1 line 21"


def test_an_alias_bomb_is_refused_without_being_expanded() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 60)]
    for limits in (Limits(), Limits.unbounded()):
        with pytest.raises(LimitError, match="nodes, aliases expanded"):
            load("\n".join(lines).encode(), limits=limits)


@pytest.mark.parametrize(
    ("data", "limits", "message"),
    [
        (b"a: 1\n", Limits(size=4), "larger than 4 bytes"),
        (b"a: [1, 2, 3]\n", Limits(nodes=5), "more than 5 nodes"),
        (b"a: 1\n---\nb: 1\n---\nc: 1\n", Limits(documents=2), "more than 2 documents"),
    ],
)
def test_each_limit_holds(data: bytes, limits: Limits, message: str) -> None:
    with pytest.raises(LimitError, match=message):
        load(data, limits=limits)


def test_errors_never_show_a_value() -> None:
    for text in ("k: !!int hunter2\n", "k: hunter2: x\n", "k: 'hunter2\n", "k: [hunter2\n", "k: |\n hunter2\n\tx: y\n"):
        with pytest.raises(FormatError) as refusal:
            _load(text)
        assert "hunter2" not in f"{refusal.value}{refusal.value.__cause__}"


def test_a_loaded_entry_is_found_by_its_key() -> None:
    root = _load("a: 1\nb: 2\n").documents[0]
    assert [type(item) for item in root.items] == [Entry, Entry]
    assert root.get("c") is None
