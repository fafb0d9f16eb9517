"""The binary store: bytes are bytes; the encrypted form is JSON."""

from __future__ import annotations

import pytest

from secretsync.documents.plain import from_plain, to_plain
from secretsync.documents.stores import store_named
from secretsync.documents.tree import Limits, Scalar
from secretsync.errors import LimitError, ParseError, TreeError

BINARY = store_named("binary")


@pytest.mark.parametrize("data", [b"", b"text\r\n", b"\xff\x00", b'{"data": 1}'])
def test_plain_bytes_come_back_as_they_were(data: bytes) -> None:
    source = BINARY.load(data)
    assert BINARY.dump(source.documents) == data
    assert BINARY.rewrite(source, source.documents) == data


def test_what_is_utf8_is_a_string() -> None:
    assert to_plain(BINARY.load(b"a").documents[0]) == {"data": "a"}
    assert to_plain(BINARY.load(b"\xff").documents[0]) == {"data": b"\xff"}


def test_the_encrypted_form_is_an_envelope() -> None:
    document = from_plain({"data": "ENC", "sops": {"mac": "m"}})
    data = BINARY.dump([document], encrypted=True)  # type: ignore[list-item]
    assert data == b'{\n\t"data": "ENC",\n\t"sops": {\n\t\t"mac": "m"\n\t}\n}\n'
    source = BINARY.load(data, encrypted=True)
    assert to_plain(source.documents[0]) == to_plain(document)
    changed = from_plain({"data": "ENC", "sops": {"mac": "n"}})
    assert BINARY.rewrite(source, [changed], encrypted=True) == data.replace(b'"m"', b'"n"')  # type: ignore[list-item]


@pytest.mark.parametrize("tree", [{}, {"data": 1}, {"data": None}, {"other": "x"}])
def test_a_tree_without_data_is_refused_with_the_way_out(tree: dict[str, object]) -> None:
    with pytest.raises(TreeError) as caught:
        BINARY.dump([from_plain(tree)])  # type: ignore[list-item]
    assert caught.value.hint
    assert "--output-type" in caught.value.hint


def test_an_envelope_that_is_no_json_is_refused() -> None:
    with pytest.raises(ParseError):
        BINARY.load(b"\xff\x00", encrypted=True)


def test_nothing_is_extracted_and_nothing_is_reserved() -> None:
    with pytest.raises(TreeError):
        BINARY.emit_value(Scalar("x"))
    assert not BINARY.is_reserved(BINARY.load(b'{"sops": 1}').documents[0])


def test_size_is_bounded() -> None:
    with pytest.raises(LimitError):
        BINARY.load(b"abc", limits=Limits(size=2))
