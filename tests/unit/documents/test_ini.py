"""The INI store: gopkg.in/ini.v1 as sops uses it."""

from __future__ import annotations

import pytest

from secretsync.documents.plain import from_plain, to_plain
from secretsync.documents.stores import store_named
from secretsync.documents.tree import Comment, Entry, Limits, Mapping, Scalar
from secretsync.errors import DuplicateKeyError, LimitError, ParseError, TreeError

INI = store_named("ini")


def section(text: str) -> object:
    """Return the last section of a text as a plain dict."""
    document = INI.load(text.encode()).documents[0]
    return to_plain(list(document.entries())[-1].value)


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("x = 1", "1"), ("x: 1", "1"), ("x=", ""), ('x = "1"', "1"), ("x = 'one two'", "one two"), ("x = `a;b`", "a;b"),
        ('x = "a" b', '"a" b'), ('x = "quoted # x"', '"quoted'), ("x = a ; c", "a"), ("x = a#c", "a"), ("x = it's", "it's"),
        ("x = one \\\n  two", "one two"), ("x = a \\\n b \\\n c", "a b c"), ("x = a\\\n\n", "a"), ('x = """a\nb"""', "a\nb"), ("x = `a\nb`", "a\nb"), ("x = c:\\dir", "c:\\dir"),
        ("x = `x`y", "x"), ("x = 1\r", "1"), ('"x" = 1', "1"), ("`x` = 1", "1"), ("  x = 1", "1"),
    ],
)  # fmt: skip
def test_values_are_read_as_the_library_reads_them(line: str, value: str) -> None:
    assert section(f"[a]\n{line}\n") == {"x": value}


def test_there_is_always_a_default_section_and_sections_may_repeat() -> None:
    document = INI.load(b"[a]\nx=1\n[a]\ny=2\n[ c ]\n").documents[0]
    assert [entry.key.value for entry in document.entries()] == ["DEFAULT", "a", "a", " c "]


def test_comments_follow_their_key_and_precede_the_section() -> None:
    document = INI.load(b"; about a\n[a]\n# about x\n# twice\nx = 1 ; inline\n; lost\n").documents[0]
    inner = list(document.entries())[-1].value
    assert isinstance(inner, Mapping)
    texts = [item.text if isinstance(item, Comment) else item.key.value for item in inner.items]
    assert texts == ["about a", "x", "about x\n# twice\n; inline"]


@pytest.mark.parametrize("text", ["[a", "[]\n", "x\n", "=1\n", '"x = 1\n', "x = `a\n"])
def test_broken_lines_are_refused_with_their_number(text: str) -> None:
    with pytest.raises(ParseError) as caught:
        INI.load(text.encode())
    assert caught.value.location


def test_a_duplicate_key_is_refused_where_sops_loses_the_first() -> None:
    with pytest.raises(DuplicateKeyError):
        INI.load(b"[a]\nx=1\nx=2\n")


def test_the_style_is_that_of_the_library() -> None:
    document = from_plain({"DEFAULT": {}, "a": {"x": "1", "long": "a b"}, "b": {"y": " z", "h": "a;b", "l": "a\nb"}})
    assert INI.dump([document]).decode() == (  # type: ignore[list-item]
        '[a]\nx    = 1\nlong = a b\n\n[b]\ny = " z"\nh = `a;b`\nl = """a\nb"""\n'
    )


def test_metadata_is_a_flat_last_section_with_escaped_newlines() -> None:
    document = from_plain({"DEFAULT": {"k": "v"}, "sops": {"age": [{"enc": "A\nB\n", "recipient": "r"}], "mac": "m"}})
    data = INI.dump([document], encrypted=True)  # type: ignore[list-item]
    assert data.decode() == (
        "k = v\n\n[sops]\nage__list_0__map_enc       = A\\nB\\n\nage__list_0__map_recipient = r\nmac                        = m\n"
    )
    assert to_plain(INI.load(data, encrypted=True).documents[0]) == to_plain(document)


def test_real_newlines_in_metadata_are_accepted() -> None:
    data = b'[a]\nx = 1\n\n[sops]\nage__list_0__map_enc = """A\nB\n"""\n'
    assert to_plain(INI.load(data, encrypted=True).documents[0].get("sops")) == {"age": [{"enc": "A\nB\n"}]}  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [None, 'a"""b\n', "a\\", "'q'"])
def test_what_would_not_read_back_is_refused_in_an_encrypted_file(value: object) -> None:
    with pytest.raises(TreeError):
        INI.dump([from_plain({"DEFAULT": {}, "a": {"x": value}})], encrypted=True)  # type: ignore[list-item]


@pytest.mark.parametrize("tree", [{"a": 1}, {"a": {"x": {}}}, {"a": {"x": [1]}}])
def test_only_sections_of_leaves_fit(tree: dict[str, object]) -> None:
    with pytest.raises(TreeError):
        INI.dump([from_plain(tree)])  # type: ignore[list-item]


def test_unchanged_documents_keep_every_byte() -> None:
    data = b"\xef\xbb\xbf[a]\r\nx=1\r\n; c\r\n"
    source = INI.load(data)
    assert INI.rewrite(source, source.documents) == data
    assert INI.rewrite(source, [Mapping([Entry(Scalar("a"), Mapping())])]) == b"[a]\n"


def test_size_is_bounded() -> None:
    with pytest.raises(LimitError):
        INI.load(b"[a]\n", limits=Limits(size=2))


def test_comments_and_odd_names_are_written_as_the_library_writes_them() -> None:
    items: list[Entry | Comment] = [
        Comment("one\n# two"),
        Entry(Scalar("a=b"), Scalar("1")),
        Comment(" x \n;y"),
        Entry(Scalar("c`d"), Scalar("2")),
    ]
    document = Mapping([Entry(Scalar("s"), Mapping(items))])
    assert INI.dump([document]).decode() == '; one\n# two\n[s]\n; x\n; y\n`a=b`     = 1\n"""c`d""" = 2\n'


def test_an_empty_comment_is_not_written_as_in_sops() -> None:
    document = Mapping([Entry(Scalar("s"), Mapping([Comment(""), Entry(Scalar("a"), Scalar("1"))]))])
    assert INI.dump([document]) == b"[s]\na = 1\n"


def test_comments_behind_sections_and_long_values_are_kept() -> None:
    document = INI.load(b'[a] # of a\nx = """1\n2""" ; of x\n- = 3\n').documents[0]
    inner = document.get("a")
    assert isinstance(inner, Mapping)
    assert [item.text if isinstance(item, Comment) else item.key.value for item in inner.items] == [
        "of a",
        "x",
        "of x",
        "#1",
    ]


def test_values_that_are_not_utf8_stay_bytes() -> None:
    source = INI.load("[a]\nx = é\n".encode() + b"y = \xff\n")
    assert to_plain(source.documents[0].get("a")) == {"x": "é", "y": b"\xff"}  # type: ignore[arg-type]
    assert INI.dump(source.documents) == "[a]\nx = é\n".encode() + b"y = \xff\n"


def test_duplicate_keys_are_not_written() -> None:
    twice = Mapping([Entry(Scalar("x"), Scalar("1")), Entry(Scalar("x"), Scalar("2"))])
    with pytest.raises(DuplicateKeyError):
        INI.dump([Mapping([Entry(Scalar("a"), twice)])])


@pytest.mark.parametrize("name", ["", 1, "default", "a]\n[b"])
def test_section_names_that_would_not_read_back_are_refused(name: str | int) -> None:
    with pytest.raises(TreeError):
        INI.dump([Mapping([Entry(Scalar(name), Mapping([Entry(Scalar("x"), Scalar("1"))]))])], encrypted=True)


def test_a_document_may_start_with_any_section() -> None:
    assert INI.dump([from_plain({"a": {"x": "1"}})], encrypted=True) == b"[a]\nx = 1\n"  # type: ignore[list-item]


def test_leaves_are_extracted_and_sections_are_not() -> None:
    assert INI.emit_value(Scalar("x")) == b"x"
    with pytest.raises(TreeError):
        INI.emit_value(Mapping())


def test_a_section_called_sops_is_reserved() -> None:
    assert INI.is_reserved(INI.load(b"[sops]\n").documents[0])
    assert not INI.is_reserved(INI.load(b"[a]\nsops = 1\n").documents[0])
