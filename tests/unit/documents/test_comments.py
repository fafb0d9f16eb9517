"""Comments as items: which container each lands in, in which order, and which are lost, as sops has it.

Each expectation was read from sops 3.13.3; `tests/interop/test_yaml_comments.py` compares many more with the real store.
"""

from __future__ import annotations

import gc
from contextlib import suppress
from typing import TypeAlias

import pytest

from secretsync.documents.tree import Comment, Entry, Limits, Mapping, Node, Sequence
from secretsync.documents.yaml.loading import load
from secretsync.errors import ParseError

Shape: TypeAlias = "dict[str, Shape] | list[Shape] | str"


def _shape(node: Node | Comment) -> Shape:
    """Show a comment as `#text` (`+text` if inline), a mapping as its keys and comments, a leaf as nothing."""
    if isinstance(node, Comment):
        return ("+" if node.inline else "#") + node.text
    if isinstance(node, Mapping):
        return {_name(item): _shape(item.value) if isinstance(item, Entry) else "" for item in node.items}
    return [_shape(item) for item in node.items] if isinstance(node, Sequence) else ""


def _name(item: Entry | Comment) -> str:
    return str(item.key.value) if isinstance(item, Entry) else str(_shape(item))


def _read(text: str) -> Shape:
    documents = load(text.encode()).documents
    return _shape(documents[0]) if len(documents) == 1 else [_shape(document) for document in documents]


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("# h\na: 1\n", {"# h": "", "a": ""}),
        ("# h\n\n# k\na: 1\n", {"# h": "", "# k": "", "a": ""}),
        ("a: 1  # c\nb: 2\n", {"+ c": "", "a": "", "b": ""}),
        ("a: 'q'# c\nb: |# d\n  x\n", {"+ c": "", "a": "", "+ d": "", "b": ""}),
        ("a: 1\n# f\n\nb: 2\n", {"a": "", "# f": "", "b": ""}),
        ("a: 1\n\n# h\nb: 2\n", {"a": "", "# h": "", "b": ""}),
        ("a: 1\n# f\n", {"a": "", "# f": ""}),
        ("#\na: 1\n", {"#": "", "a": ""}),
        ("# a\n# b\n#c\nk: 1\n", {"# a": "", "# b": "", "#c": "", "k": ""}),
        ("? a  # c\n: 1\n", {"# c": "", "a": ""}),
        ("---\n# h\na: 1\n# f\n---\n# g\nb: 1\n", [{"# h": "", "a": "", "# f": ""}, {"# g": "", "b": ""}]),
        ("# h\n--- # d\n# i\n", {"# h": "", "# d": "", "# i": ""}),
    ],
)
def test_comments_of_a_mapping(text: str, shape: Shape) -> None:
    assert _read(text) == shape


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("m: # c\n  a: 1\n", {"# c": "", "m": {"a": ""}}),
        ("m:\n  # h\n  a: 1\n", {"m": {"# h": "", "a": ""}}),
        ("m:\n  a: 1\n  # in\n# out\nn: 2\n", {"m": {"a": "", "# in": ""}, "# out": "", "n": ""}),
        ("m:\n  a: 1\n# out\n", {"m": {"a": ""}, "# out": ""}),
        ("m:\n  a: 1\n    # deep\nn: 2\n", {"m": {"a": "", "# deep": ""}, "n": ""}),
        ("m:\n  k:\n    a: 1\n  # in m\n# out\n", {"m": {"k": {"a": "", "# in m": ""}}, "# out": ""}),
        ("l:\n# h\n- a # c\n- b\n# f\n", {"l": ["# h", "+ c", "", "", "# f"]}),
        ("l:\n  - a\n  # f\n", {"l": ["", "# f"]}),
        ("l:\n  # h\n  - a: 1\n    # in\n  - b: 1\n", {"l": ["# h", {"a": "", "# in": ""}, {"b": ""}]}),
        ("l:\n  - # c\n    a: 1\n", {"l": [{"# c": "", "a": ""}]}),
        ("l:\n  - - x\n    # in\n  # out\n", {"l": [["", "# in"]], "# out": ""}),
    ],
)
def test_comments_of_nested_blocks(text: str, shape: Shape) -> None:
    assert _read(text) == shape


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("l: [a, b] # c\n", {"l": ["# c", "", ""]}),
        ("m: {a: 1} # c\n", {"m": {"# c": "", "a": ""}}),
        ("l: [ # lost\n  a, # c\n  b\n  # f\n]\n", {"l": ["+ c", "", "", "# f"]}),
        ("m: { # lost\n  a: 1, # c\n  b: 2 # d\n}\n", {"m": {"+ c": "", "a": "", "+ d": "", "b": ""}}),
        ("a: {} # c\n", {"a": {"# c": ""}}),
    ],
)
def test_comments_of_flow_collections(text: str, shape: Shape) -> None:
    assert _read(text) == shape


def test_crlf_moves_a_comment_as_it_does_in_sops() -> None:
    text = "m:\n  a: 1\n\n  # x\n  # y\n  b: 2\n"
    assert _read(text.replace("\n", "\r\n")) == _read(text) == {"m": {"a": "", "# x": "", "# y": "", "b": ""}}


def test_a_sign_inside_of_a_scalar_is_no_comment() -> None:
    text = "a: x#y\nb: 'x # y'\nc: \"# z\"\nd: |\n  # text\n  x # y\ne: http://h/#f\n"
    assert _read(text) == {"a": "", "b": "", "c": "", "d": "", "e": ""}


def test_a_copy_for_an_alias_holds_the_comments_of_what_it_copies() -> None:
    text = "a: &x\n  # h\n  k: 1 # c\n  # f\nb: *x # d\nl: [*x]\n"
    inside: Shape = {"# h": "", "+ c": "", "k": "", "# f": ""}
    assert _read(text) == {"a": inside, "+ d": "", "b": inside, "l": [inside]}


def test_a_comment_knows_where_it_stands() -> None:
    text = "# head\na: 1  # line  \n# foot\r\nb: [ # lost\n 1]\n"
    items = load(text.encode()).documents[0].items
    comments = [item for item in items if isinstance(item, Comment)]
    assert [text[slice(*comment.span)] for comment in comments if comment.span] == ["# head", "# line  ", "# foot"]
    assert [comment.text for comment in comments] == [" head", " line  ", " foot"]


def test_comments_of_a_null_document_are_its_items() -> None:
    assert _read("a: 1\n---\n# x\n---\nb: 1\n") == [{"a": ""}, {"# x": ""}, {"b": ""}]


def test_nothing_behind_the_last_comment_changes() -> None:
    text = "# h\na: 1\n" + "".join(f"k{n}:\n  - x: {{y: [1, 2]}}\n" for n in range(50)) + "---\nb: 1\n"
    bare = load(text.replace("# h\n", "").encode()).documents
    with_comment = load(text.encode()).documents
    assert isinstance(with_comment[0].items[0], Comment)
    assert [_shape(Mapping(with_comment[0].items[1:])), _shape(with_comment[1])] == [_shape(node) for node in bare]


def test_comments_in_deep_nesting_need_no_recursion() -> None:
    text = "a: " + "[ #c\n " * 990 + "x" + "]" * 990 + " # end\n"
    assert load(text.encode(), limits=Limits(depth=1_000)).documents[0].items


@pytest.mark.parametrize(
    "text",
    [
        "a: 1 # line\nb: [1, {c: 2}]\n",
        "# head\na: {b: [1, 2]}\n# foot\n",
        "a: &x {b: 1} # line\nc: *x\n",
        "a: 1\n---\n# null\n---\nb: 1\n",
    ],
)
def test_what_was_read_goes_without_a_collection(text: str) -> None:
    assert _left_behind(text) == 0


def test_what_does_not_read_goes_without_a_collection() -> None:
    assert _left_behind("? # a\n- b\n: [c, ? # d\n]\n: e\n") == 0


def _left_behind(text: str) -> int:
    """Return how many objects only a collection would free; processes that keep many files open do without any."""
    for _ in range(2):  # what is made once, as patterns are, is made the first time
        gc.collect()
        gc.disable()
        try:
            with suppress(ParseError):
                load(text.encode())
            found = gc.collect()
        finally:
            gc.enable()
    return found
