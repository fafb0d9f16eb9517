"""Two comments before the beginning of a list go where sops keeps both."""

from __future__ import annotations

import pytest

from secretsync.documents.plain import to_plain
from secretsync.documents.tree import Comment, Span
from secretsync.sops import moving_comments
from secretsync.sops.moving_comments import hoisted
from secretsync.sops.selectors import Selector
from tests.unit.sops.trees import load


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("l:\n  # above\n  - # in\n    a: 1\n", "l:\n  # above\n  # in\n  -\n    a: 1\n"),
        ("l:\n# above\n-\n  # in\n  # in, too\n  a: 1\n", "l:\n# above\n# in\n# in, too\n-\n  a: 1\n"),
        ("l:\r\n  # above\r\n  - # in\r\n    a: 1\r\n", "l:\r\n  # above\r\n  # in\r\n  -\r\n    a: 1\r\n"),
        ("l:\n# above\n- # in\n  - # deep\n    a: 1\n", "l:\n# above\n# in\n# deep\n-\n  -\n    a: 1\n"),
    ],
    ids=["behind the dash", "below the dash", "crlf", "nested"],
)
def test_comments_at_the_beginning_of_the_first_item_move_above_it(text: str, expected: str) -> None:
    assert hoisted(load(text), Selector.default()).text == expected


@pytest.mark.parametrize(
    "text",
    [
        "l:\n  # above\n  - a: 1 # behind\n",
        "l:\n  - # in\n    a: 1\n",
        "l:\n  # above\n  - 1\n  # later\n  - # in\n    a: 1\n",
        "l_unencrypted:\n  # above\n  - # in\n    a: 1\n",
        "m:\n  # above\n  k:\n    # in\n    a: 1\n",
    ],
    ids=["behind a value", "nothing above", "not the first", "clear", "no list"],
)
def test_every_other_comment_stays(text: str) -> None:
    assert hoisted(load(text), Selector.default()).text == text


def test_selectors_by_comment_move_nothing() -> None:
    text = "l:\n  # above\n  - # in\n    a: 1\n"
    assert hoisted(load(text), Selector("encrypted_comment_regex", "above")).text == text


def test_a_comment_behind_anything_but_a_dash_stays() -> None:
    text = "l:\n# above\n- ? # in\n    a\n  : 1\n"
    assert hoisted(load(text), Selector.default()).text == text


def test_however_deep_the_lists_are_it_ends_and_loses_nothing() -> None:
    levels = range(6)
    text = "l:\n" + "".join(f"{'  ' * level}# c{level}\n{'  ' * level}-\n" for level in levels) + " " * 12 + "a: 1\n"
    moved = hoisted(load(text), Selector.default())
    assert [moved.text.count(f"# c{level}\n") for level in levels] == [1] * 6
    assert [to_plain(root) for root in moved.documents] == [to_plain(root) for root in load(text).documents]


@pytest.mark.parametrize(
    ("text", "taken"),
    [("l:\n- &x a\n- *x\n", "&x a"), ("l:\n- 'x # y'\n", "'x"), ("l:\n- # in\n  a: 1\n", "# i")],
    ids=["would not read", "would read as other values", "would read as other comments"],
)
def test_a_move_that_would_change_more_than_the_place_is_not_made(text: str, taken: str) -> None:
    """No text is known that leads there; whoever finds one keeps his file."""
    source = load(text)
    start = text.index(taken)
    comment = Comment(taken[1:], span=Span(start, start + len(taken)))
    assert moving_comments._moved(source, [[comment]]) is source
