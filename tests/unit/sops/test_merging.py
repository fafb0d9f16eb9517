"""What an edit did not touch is recognised, wherever its comments are read."""

from __future__ import annotations

import pytest

from secretsync.documents.tree import Comment, Mapping, Node, Scalar, Sequence
from secretsync.sops.merging import reconciled
from tests.unit.sops.trees import outline, tree


def leaves(node: Node | Comment) -> list[Node | Comment]:
    """Return every leaf and comment, in order."""
    if isinstance(node, Scalar | Comment):
        return [node]
    if isinstance(node, Sequence):
        return [leaf for item in node.items for leaf in leaves(item)]
    return [leaf for item in node.items for leaf in leaves(item if isinstance(item, Comment) else item.value)]


def merged(old: str, base: str, new: str) -> tuple[list[Node | Comment], Mapping]:
    first = tree(old)
    return leaves(first), reconciled([first], [tree(base)], [tree(new)])[0]


OLD = "# h\na: 1\nl: [x, x]\nm:\n  # c\n  k: v\n"


def test_an_unchanged_document_is_the_old_one() -> None:
    old = tree(OLD)
    assert reconciled([old], [tree(OLD)], [tree(OLD)])[0] is old


@pytest.mark.parametrize(
    ("new", "kept"),
    [
        (OLD.replace("a: 1", "a: 2"), 5),
        (OLD.replace("# h", "# g"), 5),
        (OLD.replace("[x, x]", "[x, y, x]"), 6),
        (OLD.replace("[x, x]", "[x]"), 5),
        (OLD.replace("k: v", "k: [v]"), 5),
        (OLD.replace("m:", "n:"), 4),
        (OLD.replace("l: [x, x]", "l: {k: x}"), 4),
        (OLD.replace("l: [x, x]", "l:\n# new\n- x\n- x\n- z"), 5),
        (OLD + "# more\nz: 1\n", 6),
    ],
)
def test_what_did_not_change_is_the_old_node(new: str, kept: int) -> None:
    olds, result = merged(OLD, OLD, new)
    known = {id(leaf) for leaf in olds}
    assert outline(result) == outline(tree(new))
    assert sum(id(leaf) in known for leaf in leaves(result)) == kept


def test_a_leaf_that_is_written_in_another_type_is_still_the_old_one() -> None:
    """The float 1.0 is given out as `1`, which reads as an int."""
    olds, result = merged("a: 1.0\nb: 2\n", "a: 1\nb: 2\n", "a: 1\nb: 3\n")
    assert leaves(result)[0] is olds[0]


def test_a_comment_that_the_text_has_elsewhere_is_still_the_old_one() -> None:
    olds, result = merged("m:\n  k: v\n  # c\nz: 1\n", "m:\n  k: v\n# c\nz: 1\n", "m:\n  k: v\n# c\nz: 2\n")
    assert any(leaf is olds[1] for leaf in leaves(result))


def test_trees_that_cannot_be_paired_are_taken_as_they_are() -> None:
    _, result = merged("a: [1, 2]\nb: {k: 1}\nc:\n- # x\n  1\n", "a: 1\nb: [1]\nc: [{k: 1}]\n", "a: 1\nb: [1, 2]\n")
    assert outline(result) == [("a", 1), ("b", [1, 2])]


def test_more_documents_than_before_are_taken_as_they_are() -> None:
    new = [tree("a: 1\n"), tree("b: 2\n")]
    assert reconciled([tree("a: 1\n")], [tree("a: 1\n")], new)[1] is new[1]


def test_what_was_reordered_or_reworded_before_is_paired_as_far_as_it_goes() -> None:
    """The text that an editor gets may hold another comment, an entry less and an item more than the tree behind it."""
    old, base = "a: [1, 2]\n# one\nb: x\n", "c: 0\na: [3, 1, 2]\n# two\nb: x\n"
    olds, result = merged(old, base, base.replace("c: 0", "c: 1"))
    known = {id(leaf) for leaf in olds}
    assert outline(result) == outline(tree(base.replace("c: 0", "c: 1")))
    assert [leaf.value for leaf in leaves(result) if id(leaf) in known and isinstance(leaf, Scalar)] == [1, 2, "x"]
