"""Paths into a tree: reading, setting and removing."""

from __future__ import annotations

import pytest

from secretsync.documents.tree import Scalar
from secretsync.errors import PathNotFoundError, TreePathError
from secretsync.sops import paths
from tests.unit.sops.trees import outline, tree

TREE = tree("a: 1\nm:\n  x: ex\n  l:\n  # c\n  - one\n  - k: v\n  - [p, q]\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('["a"]', ("a",)),
        ("['a'][\"b c\"][10]", ("a", "b c", 10)),
        ("[-1]", (-1,)),
        ("[+1]", (1,)),
        ('["1"]', ("1",)),
        ('[""]', ("",)),
    ],
)
def test_a_path_is_parsed(text: str, expected: tuple[str | int, ...]) -> None:
    assert paths.parse_path(text) == expected


@pytest.mark.parametrize("text", ["", "a", '["a"', "[]", "[a]", '["]', '["a"]x', "[1.5]", "[١]"])
def test_another_form_is_refused(text: str) -> None:
    with pytest.raises(TreePathError) as caught:
        paths.parse_path(text)
    assert caught.value.sops_exit_code == 91


@pytest.mark.parametrize(
    ("path", "expected"),
    [(("a",), 1), (("m", "x"), "ex"), (("m", "l", 0), "one"), (("m", "l", 1, "k"), "v"), (("m", "l", 2, 1), "q")],
)
def test_positions_count_items_and_not_comments(path: paths.Path, expected: object) -> None:
    assert outline(paths.look_up(TREE, path)) == expected


@pytest.mark.parametrize(
    "path", [("z",), (0,), ("m", "z"), ("m", "l", 3), ("m", "l", -1), ("m", "l", "k"), ("a", "b"), ("a", 0)]
)
def test_what_is_not_there_is_an_error(path: paths.Path) -> None:
    with pytest.raises(PathNotFoundError):
        paths.look_up(TREE, path)
    with pytest.raises(PathNotFoundError):
        paths.unset_at(TREE, path)


def test_an_error_names_the_place() -> None:
    with pytest.raises(PathNotFoundError) as caught:
        paths.look_up(TREE, ("m", "l", 9, "k"))
    assert str(caught.value) == "m.l[9]: position 9 is outside of the list of 3"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("a",), [("a", "new"), ("m", [("x", 1)]), ("l", ["#c", "p", "q"])]),
        (("b",), [("a", 0), ("m", [("x", 1)]), ("l", ["#c", "p", "q"]), ("b", "new")]),
        (("m", "y", "z"), [("a", 0), ("m", [("x", 1), ("y", [("z", "new")])]), ("l", ["#c", "p", "q"])]),
        (("l", 0), [("a", 0), ("m", [("x", 1)]), ("l", ["#c", "new", "q"])]),
        (("l", 9), [("a", 0), ("m", [("x", 1)]), ("l", ["#c", "p", "q", "new"])]),
        (("l", 5, "k"), [("a", 0), ("m", [("x", 1)]), ("l", ["#c", "p", "q", [("k", "new")]])]),
        (("l", 1, "k"), [("a", 0), ("m", [("x", 1)]), ("l", ["#c", "p", [("k", "new")]])]),
        (("a", "k"), [("a", [("k", "new")]), ("m", [("x", 1)]), ("l", ["#c", "p", "q"])]),
        (("a", 3), [("a", ["new"]), ("m", [("x", 1)]), ("l", ["#c", "p", "q"])]),
    ],
)
def test_setting_creates_what_is_missing(path: paths.Path, expected: object) -> None:
    before = tree("a: 0\nm: {x: 1}\nl:\n  #c\n  - p\n  - q\n")
    assert outline(paths.set_at(before, path, Scalar("new"))) == expected
    assert outline(before) == [("a", 0), ("m", [("x", 1)]), ("l", ["#c", "p", "q"])]


@pytest.mark.parametrize("path", [(0,), ("m", 0), ("m", "l", "k"), ("m", "l", -1), ()])
def test_setting_where_no_value_can_be_is_an_error(path: paths.Path) -> None:
    with pytest.raises(PathNotFoundError):
        paths.set_at(TREE, path, Scalar("new"))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("a",), [("m", [("x", 1)]), ("l", ["#c", "p", [("k", "v")]])]),
        (("m", "x"), [("a", 0), ("m", []), ("l", ["#c", "p", [("k", "v")]])]),
        (("l", 0), [("a", 0), ("m", [("x", 1)]), ("l", ["#c", [("k", "v")]])]),
        (("l", 1, "k"), [("a", 0), ("m", [("x", 1)]), ("l", ["#c", "p", []])]),
    ],
)
def test_removing(path: paths.Path, expected: object) -> None:
    assert outline(paths.unset_at(tree("a: 0\nm: {x: 1}\nl:\n  #c\n  - p\n  - k: v\n"), path)) == expected
