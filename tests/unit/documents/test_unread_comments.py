"""Comments that go-yaml drops are found in the text all the same."""

from __future__ import annotations

import pytest

from secretsync.documents.stores import store_named
from secretsync.documents.yaml.comments.unread import enclosing_keys, unread_comments, without


@pytest.mark.parametrize(
    ("text", "expected", "left"),
    [
        ("a: [ # x\n 1 ] # z\n", [("# x", ["a"])], "a: [\n 1 ] # z\n"),
        ("b:\n- k: { # y\n   v: 1 }\n", [("# y", ["b", "k"])], "b:\n- k: {\n   v: 1 }\n"),
        ("a: |\n  x\n\nb: 0\n# y\n---\n# z\n\nc: 1\n", [("# y", [])], "a: |\n  x\n\nb: 0\n---\n# z\n\nc: 1\n"),
        ("# h\n--- # m\na: 1 # i\n# f\n", [], "# h\n--- # m\na: 1 # i\n# f\n"),
        ("a: | # head\n  text # no\nb: 'a # b'\nc: a#b\n", [], "a: | # head\n  text # no\nb: 'a # b'\nc: a#b\n"),
        ("a: [ #\n 1 ]\n", [], "a: [ #\n 1 ]\n"),
        ("a: 1\n", [], "a: 1\n"),
    ],
)
def test_what_no_tree_holds_is_found_and_can_be_taken_out(text: str, expected: list[object], left: str) -> None:
    source = store_named("yaml").load(text.encode())
    spans = unread_comments(source)
    assert [(text[span.start : span.end], enclosing_keys(source, span.start)) for span in spans] == expected
    assert without(text, spans) == left


def test_a_line_of_its_own_goes_as_a_whole_with_any_line_break() -> None:
    assert without("a: 1\r\n  # x\r\nb: 2\r\n", [(8, 11)]) == "a: 1\r\nb: 2\r\n"  # type: ignore[list-item]
