"""Between trees and plain Python objects."""

from __future__ import annotations

import pytest

from secretsync.documents.plain import from_plain, to_plain
from secretsync.documents.tree import Comment, Entry, Mapping, Scalar, Sequence, Timestamp
from secretsync.errors import DuplicateKeyError, TreeError


def test_what_was_plain_comes_back() -> None:
    plain = {"a": [1, 2.5, True, None, "x", b"\xff"], "b": {"c": {}}, "d": []}
    assert to_plain(from_plain(plain)) == plain


def test_comments_are_dropped_and_timestamps_become_text() -> None:
    leaf = Scalar(Timestamp("2024-01-02T00:00:00Z"))
    root = Mapping([Comment(" c"), Entry(Scalar("a"), Sequence([Comment(" d"), leaf]))])
    assert to_plain(root) == {"a": ["2024-01-02T00:00:00Z"]}


def test_tuples_are_sequences_and_timestamps_are_kept() -> None:
    stamp = Timestamp("2024-01-02T00:00:00Z")
    node = from_plain((1, stamp))
    assert isinstance(node, Sequence)
    assert [item.value for item in node.items if isinstance(item, Scalar)] == [1, stamp]


@pytest.mark.parametrize("key", [1, None, True, 1.5])
def test_a_key_that_is_no_string_is_refused(key: object) -> None:
    with pytest.raises(TreeError, match="is not a string"):
        to_plain(Mapping([Entry(Scalar(key), Scalar(1))]))  # type: ignore[arg-type]
    with pytest.raises(TreeError, match="is not a string"):
        from_plain({key: 1})


def test_a_key_that_is_there_twice_is_refused() -> None:
    with pytest.raises(DuplicateKeyError):
        to_plain(Mapping([Entry(Scalar("a"), Scalar(1)), Entry(Scalar("a"), Scalar(2))]))


def test_a_value_of_a_foreign_type_is_refused_by_its_type() -> None:
    with pytest.raises(TreeError, match="type set"):
        from_plain({"a": {"secret"}})
