"""The dotenv store: literal lines, and sops' metadata laid flat behind them."""

from __future__ import annotations

import pytest

from secretsync.documents.plain import from_plain, to_plain
from secretsync.documents.stores import store_named
from secretsync.documents.tree import Comment, Entry, Limits, Mapping, Scalar, Timestamp
from secretsync.errors import LimitError, MetadataError, ParseError, TreeError

DOTENV = store_named("dotenv")
METADATA = "sops_age__list_0__map_enc=A\\nB\\n\nsops_age__list_0__map_recipient=r\nsops_mac=m\nsops_version=3.13.3\n"


def test_lines_are_taken_literally() -> None:
    text = b'# note\n\nA= x \nB ="y"\nexport C=1\nD=a=b\nE=one\\ntwo\nF=\r\n=g\n'
    source = DOTENV.load(text)
    items = source.documents[0].items
    assert isinstance(items[0], Comment)
    assert items[0].text == " note"
    assert to_plain(source.documents[0]) == {
        "A": " x ", "B ": '"y"', "export C": "1", "D": "a=b", "E": "one\ntwo", "F": "\r", "": "g",
    }  # fmt: skip


def test_bytes_that_are_not_utf8_stay_as_they_are() -> None:
    source = DOTENV.load(b"A=\xff\\n\n")
    assert to_plain(source.documents[0]) == {"A": b"\xff\n"}
    assert DOTENV.dump(source.documents) == b"A=\xff\\n\n"


def test_a_line_without_equals_sign_is_refused_by_number_not_by_content() -> None:
    with pytest.raises(ParseError, match="'='") as caught:
        DOTENV.load(b"A=1\nhunter2\n")
    assert "hunter2" not in str(caught.value)
    assert caught.value.location == "line 2"


def test_a_key_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(ParseError):
        DOTENV.load(b"\xff=1\n")


def test_metadata_is_one_nested_mapping_and_goes_flat_again() -> None:
    data = ("A=1\n" + METADATA).encode()
    source = DOTENV.load(data, encrypted=True)
    sops = {"age": [{"enc": "A\nB\n", "recipient": "r"}], "mac": "m", "version": "3.13.3"}
    assert to_plain(source.documents[0]) == {"A": "1", "sops": sops}
    assert DOTENV.dump(source.documents, encrypted=True) == data


@pytest.mark.parametrize(
    "lines",
    [
        "sops_a=1\nsops_a=2\n",
        "sops_a=1\nsops_a__map_b=2\n",
        "sops_a__list_0=1\nsops_a__map_b=2\n",
        "sops_a__list_1=1\n",
        "sops_a__list_x=1\n",
    ],
)
def test_metadata_that_contradicts_itself_is_refused(lines: str) -> None:
    with pytest.raises(MetadataError):
        DOTENV.load(lines.encode(), encrypted=True)


def test_the_reserved_prefix_is_seen_and_the_bare_word_is_free() -> None:
    assert DOTENV.is_reserved(DOTENV.load(b"sops_x=1\n").documents[0])
    assert not DOTENV.is_reserved(DOTENV.load(b"sops=1\n").documents[0])
    with pytest.raises(TreeError):
        DOTENV.dump([from_plain({"sops_x": "1"})], encrypted=True)  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("value", "text"),
    [(-0.0, "-0.0"), (0.0, "0.0"), (float("inf"), "+Inf"), (float("nan"), "NaN"), (1, "1"), (1.0, "1.0"), (200000.0, "200000.0"), (1e10, "1E+10"), (True, "true"), (None, "<nil>"), (Timestamp("2024-01-02T03:04:05.5Z"), "2024-01-02T03:04:05Z")],
)  # fmt: skip
def test_values_of_other_types_are_written_as_sops_writes_them(value: object, text: str) -> None:
    assert DOTENV.dump([from_plain({"a": value})]) == f"a={text}\n".encode()  # type: ignore[list-item]


@pytest.mark.parametrize("entries", [{"a": {}}, {"a": [1]}, {"a=b": "1"}, {"a\nb": "1"}, {"#a": "1"}])
def test_what_would_not_read_back_is_refused(entries: dict[str, object]) -> None:
    with pytest.raises(TreeError):
        DOTENV.dump([from_plain(entries)])  # type: ignore[list-item]


def test_a_null_is_refused_where_the_file_must_decrypt_again() -> None:
    with pytest.raises(TreeError):
        DOTENV.dump([from_plain({"a": None})], encrypted=True)  # type: ignore[list-item]


def test_a_comment_with_lines_stays_a_comment() -> None:
    assert DOTENV.dump([Mapping([Comment(" a\nB=1")])]) == b"# a\n#B=1\n"


def test_unchanged_documents_keep_every_byte() -> None:
    data = b"A=1\n\n\nB=\xff"
    source = DOTENV.load(data)
    assert DOTENV.rewrite(source, source.documents) == data
    assert DOTENV.rewrite(source, [Mapping([Entry(Scalar("A"), Scalar("2"))])]) == b"A=2\n"


def test_only_strings_are_extracted() -> None:
    assert DOTENV.emit_value(Scalar("x")) == b"x"
    assert DOTENV.emit_value(Scalar(b"\xff")) == b"\xff"
    with pytest.raises(TreeError):
        DOTENV.emit_value(Scalar(1))


def test_size_is_bounded() -> None:
    with pytest.raises(LimitError):
        DOTENV.load(b"A=1\n", limits=Limits(size=2))
    with pytest.raises(LimitError):
        DOTENV.load(b"A=1\nB=1\n", limits=Limits(nodes=1))


def test_keys_that_are_no_strings_are_refused() -> None:
    with pytest.raises(TreeError):
        DOTENV.dump([Mapping([Entry(Scalar(1), Scalar("x"))])])
    with pytest.raises(MetadataError):
        DOTENV.dump([Mapping([Entry(Scalar("sops"), Mapping([Entry(Scalar(1), Scalar("x"))]))])], encrypted=True)
