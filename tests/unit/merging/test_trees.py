"""The merge of plain trees, row by row of its table, and what it does with lists, comments and documents."""

from __future__ import annotations

import pytest

from secretsync.documents.plain import Plain, from_plain, to_plain
from secretsync.documents.stores import store_named
from secretsync.documents.tree import Mapping, Scalar
from secretsync.merging.conflicts import ConflictKind, Side
from secretsync.merging.documents import MergedTrees, merge_documents

X, Y, Z = 1, 2, 3
GONE = "(gone)"
KIND = ConflictKind


def _documents(*texts: str) -> list[list[Mapping]]:
    return [store_named("yaml").load(text.encode()).documents for text in texts]


def _merged(base: str, ours: str, theirs: str) -> MergedTrees:
    return merge_documents(*_documents(base, ours, theirs))


def _text(merged: MergedTrees) -> str:
    return store_named("yaml").dump(merged.documents).decode()


def _tree(value: object) -> Mapping:
    root = from_plain({"top": 1} if value == GONE else {"top": 1, "k": value})
    assert isinstance(root, Mapping)
    return root


def _at(merged: MergedTrees) -> Plain:
    found = to_plain(merged.documents[0])
    assert isinstance(found, dict)
    return found.get("k", GONE)


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "result", "kind"),
    [
        (X, X, X, X, None),
        (X, X, Y, Y, None),
        (X, Y, X, Y, None),
        (X, Y, Y, Y, None),
        (X, Y, Z, Y, KIND.BOTH_CHANGED),
        (X, GONE, X, GONE, None),
        (X, X, GONE, GONE, None),
        (X, GONE, GONE, GONE, None),
        (X, Y, GONE, Y, KIND.DELETED_THERE),
        (X, GONE, Y, GONE, KIND.DELETED_HERE),
        (GONE, Y, GONE, Y, None),
        (GONE, GONE, Y, Y, None),
        (GONE, Y, Y, Y, None),
        (GONE, Y, Z, Y, KIND.BOTH_ADDED),
        (X, {"a": 1}, X, {"a": 1}, None),
        (X, {"a": 1}, Y, {"a": 1}, KIND.TYPE),
        ({"a": 1}, X, {"a": 2}, X, KIND.TYPE),
        ({"a": 1}, X, {"a": 1}, X, None),
        ({"a": 1}, {"a": 1, "b": 2}, {"a": 1, "c": 3}, {"a": 1, "c": 3, "b": 2}, None),
        ({}, GONE, {}, GONE, None),
        (GONE, {}, GONE, {}, None),
        (1, "1", 1, "1", None),
        (1, "1", 1.0, "1", KIND.BOTH_CHANGED),
        (GONE, {"a": 1, "b": 2}, {"b": 2, "a": 1}, {"a": 1, "b": 2}, None),
    ],
)
def test_the_table_of_values(base: object, ours: object, theirs: object, result: object, kind: object) -> None:
    merged = merge_documents([_tree(base)], [_tree(ours)], [_tree(theirs)])
    assert _at(merged) == result
    assert type(_at(merged)) is type(result)
    assert [each.kind for each in merged.conflicts] == ([kind] if kind else [])
    assert all(each.path == ("k",) and each.document == 1 and each.number == 1 for each in merged.conflicts)


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "result", "conflicts"),
    [
        ([1], [1, 2], [1], [1, 2], []),
        ([1], [1], [1, 3], [1, 3], []),
        ([1], [1, 2], [1, 3], [1, 2, 3], []),
        ([1], [1, 2], [1, 2, 3], [1, 2, 3], []),
        ([], [2], [3], [2, 3], []),
        ([1, 2], [1], [1, 2, 3], [1], [KIND.LIST]),
        ([1, 2], [2, 1], [1, 2, 3], [2, 1], [KIND.LIST]),
        ([1, 2], [2, 1], [2, 1], [2, 1], []),
        ([{"v": 1}], [{"v": 2}], [{"v": 1, "w": 1}], [{"v": 2}], [KIND.LIST]),
    ],
)
def test_lists_without_identities(
    base: object, ours: object, theirs: object, result: object, conflicts: list[ConflictKind]
) -> None:
    merged = merge_documents([_tree(base)], [_tree(ours)], [_tree(theirs)])
    assert _at(merged) == result
    assert [each.kind for each in merged.conflicts] == conflicts


@pytest.mark.parametrize("field", ["name", "id", "key"])
def test_items_with_an_identity_are_merged_one_by_one(field: str) -> None:
    def item(name: object, value: int) -> dict[str, object]:
        return {field: name, "v": value}

    base = [item("a", 1), item("b", 1), item("c", 1)]
    ours = [item("c", 1), item("a", 2), item("b", 1)]
    theirs = [item("a", 1), item("new", 9), item("b", 3)]
    merged = merge_documents([_tree(base)], [_tree(ours)], [_tree(theirs)])
    assert _at(merged) == [item("a", 2), item("new", 9), item("b", 3)]
    assert merged.conflicts == []


def test_a_conflict_in_an_item_is_placed_where_the_item_stands() -> None:
    base, ours, theirs = (
        [{"name": "z", "v": 0}] * first + [{"name": "a", "v": value}] for first, value in ((0, 1), (0, 2), (1, 3))
    )
    merged = merge_documents([_tree(base)], [_tree(ours)], [_tree(theirs)])
    assert [(each.path, each.kind) for each in merged.conflicts] == [(("k", 1, "v"), KIND.BOTH_CHANGED)]


def test_an_identity_that_is_there_twice_is_none() -> None:
    twice = [{"name": "a", "v": 1}, {"name": "a", "v": 2}]
    merged = merge_documents([_tree(twice)], [_tree(twice[:1])], [_tree([*twice[1:], {"name": "b"}])])
    assert [each.kind for each in merged.conflicts] == [KIND.LIST]


def test_keys_that_theirs_added_follow_their_neighbour_there() -> None:
    merged = _merged("a: 1\nb: 1\nc: 1\n", "c: 1\nb: 1\na: 1\n", "x: 1\na: 1\nv: 1\nw: 1\nb: 1\nc: 1\n")
    assert _text(merged) == "c: 1\nb: 1\na: 1\nv: 1\nw: 1\nx: 1\n"


def test_comments_come_along_with_what_theirs_added_and_where_only_theirs_changed_them() -> None:
    merged = _merged(
        "# head\na: 1\n# old\nb: 1\n",
        "# head\na: 2\n# old\nb: 1\n",
        "# head\na: 1\n# new\nb: 1\n# of c\nc: 1 # inline\n",
    )
    assert _text(merged) == "# head\na: 2\n# new\nb: 1\n# of c\nc: 1 # inline\n"
    assert merged.notes == []


def test_comments_at_the_head_stay_there_when_theirs_puts_a_key_below_them() -> None:
    base, ours = "# head\n# of all\na: 1\nb: 1\n", "# head\n# of all\na: 2\nb: 1\n"
    merged = _merged(base, ours, "# head\n# of all\n# of new\nnew: 1\na: 1\nb: 1\n")
    assert _text(merged) == "# head\n# of all\na: 2\nb: 1\n# of new\nnew: 1\n"
    assert _text(_merged(base, base, "# head\n# of all\nnew: 1\nb: 1\n")) == "# head\n# of all\nb: 1\nnew: 1\n"
    assert _text(_merged("# head\na: 1\n", "# head\na: 1\n", "# head\nb: 1\n")) == "# head\nb: 1\n"
    assert _text(_merged(base, ours, "# head\n# of all\nb: 1\na: 1\n")) == "# head\n# of all\na: 2\nb: 1\n"


def test_comments_that_both_changed_are_those_of_ours_and_noted() -> None:
    merged = _merged("# old\na: 1\n", "# mine\na: 1\n", "# theirs\na: 2\n")
    assert _text(merged) == "# mine\na: 2\n"
    assert [(each.document, each.path) for each in merged.notes] == [(1, ("a",))]


def test_comments_in_a_list_that_nobody_changed_are_merged() -> None:
    merged = _merged("l:\n  - 1\n  # b\n  - 2\n", "l:\n  # a\n  - 1\n  # b\n  - 2\n", "l:\n  - 1\n  # c\n  - 2\n")
    assert _text(merged) == "l:\n    # a\n    - 1\n    # c\n    - 2\n"


def _object(name: str, **values: object) -> str:
    data = "".join(f"  {key}: {value}\n" for key, value in values.items())
    return f"kind: Secret\nmetadata:\n  name: {name}\ndata:\n{data or '  {}'}"


def test_documents_are_merged_by_place() -> None:
    merged = _merged("a: 1\n---\nb: 1\n", "a: 2\n---\nb: 1\n", "a: 1\n---\nb: 3\n")
    assert _text(merged) == "a: 2\n---\nb: 3\n"


def test_documents_that_moved_are_merged_by_what_identifies_them() -> None:
    one, two = _object("one", x=1), _object("two", x=1)
    merged = _merged(
        f"{one}---\n{two}", f"{_object('one', x=2)}---\n{two}", f"{_object('new', x=9)}---\n{one}---\n{two}"
    )
    assert [to_plain(each) for each in merged.documents] == [
        to_plain(each) for each in _documents(f"{_object('one', x=2)}---\n{two}---\n{_object('new', x=9)}")[0]
    ]


def test_what_is_for_one_object_never_gets_into_another_that_took_its_place() -> None:
    one, two = _object("one", x=1), _object("two", x=1)
    merged = _merged(f"{one}---\n{two}", f"{_object('one', x=1, secret=7)}---\n{two}", f"{two}---\n{one}")
    assert [to_plain(each) for each in merged.documents] == [
        {"kind": "Secret", "metadata": {"name": "one"}, "data": {"x": 1, "secret": 7}},
        {"kind": "Secret", "metadata": {"name": "two"}, "data": {"x": 1}},
    ]
    assert merged.conflicts == []


def test_documents_that_cannot_be_told_apart_are_one_conflict() -> None:
    merged = _merged("a: 1\n---\nb: 1\n", "a: 1\n", "b: 1\n---\nc: 1\n---\nd: 1\n")
    assert [(each.kind, each.document) for each in merged.conflicts] == [(KIND.DOCUMENTS, 0)]
    assert _text(merged) == "a: 1\n"
    sides = _documents("a: 1\n---\nb: 1\n", "a: 1\n", "b: 1\n---\nc: 1\n---\nd: 1\n")
    assert merge_documents(*sides, choices={1: Side.THEIRS}).documents == sides[2]


def test_an_empty_base_is_an_empty_tree() -> None:
    ours, theirs = _documents("a: 1\nb: 1\n", "a: 1\nc: 1\n")
    merged = merge_documents([], ours, theirs)
    assert to_plain(merged.documents[0]) == {"a": 1, "b": 1, "c": 1}
    assert merged.conflicts == []


def test_choices_are_put_where_the_conflicts_are() -> None:
    base, ours, theirs = _documents(*(f"a: {n}\nb: {n}\nc: {n}\nd: {n}\n" for n in (1, 2, 3)))
    merged = merge_documents(base, ours, theirs, choices={1: Side.THEIRS, 2: Scalar(7), 3: None})
    assert to_plain(merged.documents[0]) == {"a": 3, "b": 7, "d": 2}
    assert [each.number for each in merged.conflicts] == [1, 2, 3, 4]


def test_no_value_is_shown_by_what_a_merge_found() -> None:
    base, ours, theirs = _documents("a: 1\n", "a: hunter2\n", "a: swordfish\n")
    merged = merge_documents(base, ours, theirs)
    assert "hunter2" not in repr(merged)
    assert "swordfish" not in repr(merged)
    assert "swordfish" not in repr(merged.conflicts[0].values)


def test_ours_stays_the_very_tree_where_theirs_has_nothing_new() -> None:
    base, ours, theirs = _documents("a: {b: [1]}\n", "a: {b: [2]}\nc: 1\n", "a: {b: [1]}\n")
    assert merge_documents(base, ours, theirs).documents[0] is ours[0]
