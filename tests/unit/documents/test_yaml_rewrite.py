"""Rewriting YAML: what changed is spliced, every other byte stays."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from secretsync.documents.pairing import equal
from secretsync.documents.plain import from_plain, to_plain
from secretsync.documents.stores import store_named
from secretsync.documents.tree import Comment, Entry, Mapping, Node, Scalar, Sequence
from secretsync.errors import TreeError

YAML = store_named("yaml")
ENC = "ENC[AES256_GCM,data:a=,iv:b=,tag:c=,type:str]"
Path = tuple[str | int, ...]


def replaced(root: Mapping, path: Path, value: object) -> Mapping:
    """Return a tree with one value changed, everything else shared."""
    new = value if isinstance(value, Mapping | Sequence | Scalar | Comment) else from_plain(value)
    return _replaced(root, path, new)  # type: ignore[return-value]


def _replaced(node: Node | Comment, path: Path, new: Node | Comment) -> Node | Comment:
    if not path:
        return new
    if isinstance(node, Mapping):
        return Mapping(
            [
                Entry(item.key, _replaced(item.value, path[1:], new))  # type: ignore[arg-type]
                if isinstance(item, Entry) and item.key.value == path[0]
                else item
                for item in node.items
            ]
        )
    assert isinstance(node, Sequence)
    return Sequence(
        [_replaced(item, path[1:], new) if place == path[0] else item for place, item in enumerate(node.items)]
    )


def without(root: Mapping, key: str) -> Mapping:
    """Return a mapping without one entry."""
    return Mapping([item for item in root.items if isinstance(item, Comment) or item.key.value != key])


def with_entry(root: Mapping, key: str, value: object) -> Mapping:
    """Return a mapping with one more entry at its end."""
    return Mapping([*root.items, Entry(Scalar(key), from_plain(value))])


def rewritten(text: str, change: Callable[[Mapping], Mapping]) -> str:
    """Return `text` with every document changed, after proving that it reads back as the new tree."""
    source = YAML.load(text.encode())
    new = [change(document) for document in source.documents]
    data = YAML.rewrite(source, new)
    assert [to_plain(document) for document in YAML.load(data).documents] == [to_plain(document) for document in new]
    return data.decode()


@pytest.mark.parametrize(
    ("text", "path", "value", "expected"),
    [
        ("a: x  # why\nb: 2\n", ("a",), ENC, f"a: {ENC}  # why\nb: 2\n"),
        ("a: {b: x, c: y}\n", ("a", "b"), ENC, f"a: {{b: '{ENC}', c: y}}\n"),
        ("a: [x,  y]\n", ("a", 1), ENC, f"a: [x,  '{ENC}']\n"),
        ('{"a": "x", "b": 1}\n', ("a",), ENC, f"{{\"a\": '{ENC}', \"b\": 1}}\n"),
        ("a: |\n  x\n  y\nb: 1\n", ("a",), ENC, f"a: {ENC}\nb: 1\n"),
        ("a: |- # c\n  x\n\nb: 1\n", ("a",), ENC, f"a: {ENC} # c\n\nb: 1\n"),
        ("a:\n  b: x # c\n", ("a", "b"), "1\n2\n", "a:\n  b: | # c\n    1\n    2\n"),
        ("a:\n  b: x", ("a", "b"), "1\n2\n", "a:\n  b: |\n    1\n    2\n"),
        ("a: [x]\n", ("a", 0), "1\n2\n", 'a: ["1\\n2\\n"]\n'),
        ("- a\n" and "l:\n- x\n- y\n", ("l", 0), "1\n2", "l:\n- |-\n  1\n  2\n- y\n"),
        ("a: &n x\nb: 1\n", ("a",), ENC, f"a: &n {ENC}\nb: 1\n"),
        ("a: !!str 12\n", ("a",), 7, "a: 7\n"),
        ("a: &n !!str 12\n", ("a",), 7, "a: &n 7\n"),
        ("a:\nb: 1\n", ("a",), "x", "a: x\nb: 1\n"),
        ("a: # c\nb: 1\n", ("a",), "x", "a: x # c\nb: 1\n"),
        ("? a\n? b\n", ("a",), "x", "? a\n: x\n? b\n"),
        ("{a, b: 1}\n", ("a",), "x", "{a: x, b: 1}\n"),
        ("l:\n  -\n  - b\n", ("l", 0), "x", "l:\n  - x\n  - b\n"),
        ("a: x\n", ("a",), {"b": [1]}, "a:\n    b:\n        - 1\n"),
        ("a: x # c\nd: 1\n", ("a",), {"b": 1}, "a: # c\n    b: 1\nd: 1\n"),
        ("a:\n  b: 1\nc: 2\n", ("a",), "x", "a: x\nc: 2\n"),
        ("a:\n  b: 1\n  c: 2\nd: 1\n", ("a",), {}, "a: {}\nd: 1\n"),
        ("l:\n- a: 1\n  b: 2\n- c\n", ("l", 0), "x", "l:\n- x\n- c\n"),
        ("l:\n- x\n", ("l", 0), {"a": 1, "b": 2}, "l:\n- a: 1\n  b: 2\n"),
        ("l:\n- [1, 2]\n", ("l", 0), [3], "l:\n- [3]\n"),
        ("a: 'x'\r\nb: 1\r\n", ("a",), "1\n2\n", "a: |\r\n    1\r\n    2\r\nb: 1\r\n"),
        ('a: "x\n  y"\nb: 1\n', ("a",), "z", "a: z\nb: 1\n"),
        ("a:\n  x\n  y\nb: 1\n", ("a",), "z", "a:\n  z\nb: 1\n"),
        ("a: x\n    # deep\n", ("a",), "1\n2\n", 'a: "1\\n2\\n"\n    # deep\n'),
        ("a: x\n\n\nb: 1\n", ("a",), "1\n\n", 'a: "1\\n\\n"\n\n\nb: 1\n'),
    ],
)  # fmt: skip
def test_one_changed_value_changes_its_own_text_only(text: str, path: Path, value: object, expected: str) -> None:
    assert rewritten(text, lambda root: replaced(root, path, value)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nsops:\n  x: 1\n  # c\n  y: 2\n", "a: 1\n"),
        ("a: 1\nsops:\n  x: 1\n# end\n", "a: 1\n# end\n"),
        ("a: 1\nsops: {x: 1}\n---\nb: 2\nsops:\n    x: |\n        y\n", "a: 1\n---\nb: 2\n"),
        ("sops:\n  x: 1\n", "{}\n"),
        ("# c\nsops:\n  x: 1\n", "# c\n{}\n"),
        ("sops:\n  x: 1\na: 1\n", "a: 1\n"),
        ("a: 1 # c\n\nsops:\n  x: 1\n...\n", "a: 1 # c\n\n...\n"),
        ("a: 1\nsops:\n  x: 1", "a: 1\n"),
        ('{"a": 1, "sops": {"x": 1}}\n', '{"a": 1}\n'),
        ('{"sops": {"x": 1}, "a": 1}\n', '{"a": 1}\n'),
        ('{"sops": {"x": 1}}\n', "{}\n"),
        ("a: |+\n  x\n\nsops: 1\n\n\nb: 1\n", "a: |+\n  x\n\nb: 1\n"),
    ],
)
def test_a_removed_entry_takes_its_lines_along(text: str, expected: str) -> None:
    assert rewritten(text, lambda root: without(root, "sops")) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\n", "a: 1\nsops:\n    x: 1\n"),
        ("a: 1", "a: 1\nsops:\n    x: 1\n"),
        ("a:\n  b: 1\n  # c\n# end\n", "a:\n  b: 1\n  # c\n# end\nsops:\n  x: 1\n"),
        ("---\na: 1\n...\n---\nb: 1\n", "---\na: 1\nsops:\n    x: 1\n...\n---\nb: 1\nsops:\n    x: 1\n"),
        ('{"a": 1}\n', '{"a": 1, sops: {x: 1}}\n'),
        ("{}\n", "sops:\n    x: 1\n"),
        ("---\n", "---\nsops:\n    x: 1\n"),
        ("# c\n---\n", "# c\n---\nsops:\n    x: 1\n"),
        ("a: |+\n  x\n\n", "a: |+\n  x\n\nsops:\n    x: 1\n"),
        ("a: |\n  x", "a: |-\n  x\nsops:\n    x: 1\n"),
        ("a: 1\r\n", "a: 1\r\nsops:\r\n    x: 1\r\n"),
        ("a: 1\n---\n# of the second\nb: 2\n", "a: 1\nsops:\n    x: 1\n---\n# of the second\nb: 2\nsops:\n    x: 1\n"),
        ("a: 1\n---\n# alone\n", "a: 1\nsops:\n    x: 1\n---\n# alone\nsops:\n    x: 1\n"),
    ],
)
def test_an_added_entry_goes_to_the_end_of_its_document(text: str, expected: str) -> None:
    assert rewritten(text, lambda root: with_entry(root, "sops", {"x": 1})) == expected


def test_an_update_of_the_sops_block_touches_three_values() -> None:
    text = 'a: 1\nsops:\n    lastmodified: "2024-01-01T00:00:00Z"\n    mac: old # m\n    age: [ {recipient: r} ]\n    version: 3.9.0\n'
    changes = (
        (("sops", "lastmodified"), "2025-01-01T00:00:00Z"),
        (("sops", "mac"), ENC),
        (("sops", "version"), "3.13.3"),
    )

    def change(root: Mapping) -> Mapping:
        for path, value in changes:
            root = replaced(root, path, value)
        return root

    expected = text.replace("2024", "2025").replace("old", ENC).replace("3.9.0", "3.13.3")
    assert rewritten(text, change) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: &n\n  x: 1\nb: *n # c\n", f"a: &n\n  x: {ENC}\nb: # c\n  x: 1\n"),
        ("a: &n\n  x: 1\nb:\n  <<: *n\n  y: 1\n", f"a: &n\n  x: {ENC}\nb:\n  <<: {{x: 1}}\n  y: 1\n"),
    ],
)
def test_an_alias_is_expanded_when_its_anchor_changes(text: str, expected: str) -> None:
    got = rewritten(text, lambda root: replaced(root, ("a", "x"), ENC))
    assert got.replace("{x: 1} # c", "# c\n  x: 1") == expected.replace("{x: 1} # c", "# c\n  x: 1")


def test_an_alias_whose_copy_changed_is_replaced_by_it() -> None:
    text = "a: &n x\nb: *n\nc: [*n, 1]\n"
    got = rewritten(text, lambda root: replaced(replaced(root, ("b",), ENC), ("c", 0), ENC))
    assert got == f"a: &n x\nb: {ENC}\nc: ['{ENC}', 1]\n"


def test_an_alias_stays_while_nothing_it_names_changes() -> None:
    text = "a: &n {x: 1}\nb: *n\nc: 1\n"
    assert rewritten(text, lambda root: replaced(root, ("c",), 2)) == "a: &n {x: 1}\nb: *n\nc: 2\n"


def test_an_encrypted_comment_in_a_sequence_becomes_a_comment_again() -> None:
    text = f"l:\n  - {ENC}\n  - a\nm:\n- {ENC}\n- - {ENC}\n  - b\n"

    def change(root: Mapping) -> Mapping:
        for path in (("l", 0), ("m", 0), ("m", 1, 0)):
            root = replaced(root, path, Comment(" note"))
        return root

    assert rewritten(text, change) == "l:\n  # note\n  - a\nm:\n# note\n- # note\n  - b\n"


def test_a_comment_in_a_sequence_becomes_an_element() -> None:
    text = "l:\n    # note\n    - a\n"
    assert rewritten(text, lambda root: replaced(root, ("l", 0), ENC)) == f"l:\n    - {ENC}\n    - a\n"


def test_a_changed_comment_keeps_its_place() -> None:
    source = YAML.load(b"a: 1 # one\n# two\nb: 2\n")
    root = source.documents[0]
    new = Mapping([Comment("ENC", item.inline) if isinstance(item, Comment) else item for item in root.items])
    assert YAML.rewrite(source, [new]) == b"a: 1 #ENC\n#ENC\nb: 2\n"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-8"])
def test_encoding_and_byte_order_mark_stay(encoding: str) -> None:
    data = "\ufeffa: x\r\nb: é\r\n".encode(encoding)
    source = YAML.load(data)
    assert YAML.rewrite(source, source.documents) == data
    new = replaced(source.documents[0], ("a",), "ü")
    assert YAML.rewrite(source, [new]) == "\ufeffa: ü\r\nb: é\r\n".encode(encoding)


def test_documents_come_and_go() -> None:
    source = YAML.load(b"a: 1\n---\nb: 2\n---\nc: 3\n")
    assert YAML.rewrite(source, source.documents[:1]) == b"a: 1\n"
    added = [*source.documents, from_plain({"d": 4})]
    assert YAML.rewrite(source, added) == b"a: 1\n---\nb: 2\n---\nc: 3\n---\nd: 4\n"  # type: ignore[arg-type]


def test_a_first_entry_behind_a_dash_can_be_removed_and_preceded() -> None:
    text = "l:\n  - a: 1\n    # c\n    b: 2\n"
    assert rewritten(text, lambda root: replaced(root, ("l", 0), without(root.get("l").items[0], "a"))) == (  # type: ignore[union-attr,arg-type]
        "l:\n  - # c\n    b: 2\n"
    )
    new = from_plain({"z": 0})

    def precede(root: Mapping) -> Mapping:
        inner = root.get("l").items[0]  # type: ignore[union-attr]
        return replaced(root, ("l", 0), Mapping([*new.items, *inner.items]))  # type: ignore[union-attr]

    assert rewritten(text, precede) == "l:\n  - z: 0\n    a: 1\n    # c\n    b: 2\n"


@pytest.mark.parametrize(
    ("text", "new", "expected"),
    [
        ("a:\n  b: 1\n", {"a": {"c": 1}}, "a:\n  c: 1\n"),
        ("a: 1\n", {"b": 1}, "b: 1\n"),
        ("--- {a: 1}\n", {}, "---\n{}\n"),
        ("---  # c\na: 1\n", {}, "---\n# c\n{}\n"),
        ("l:\n  - a: 1\n    b: 2\n", {"l": [{"b": 2}]}, "l:\n  - b: 2\n"),
        ("l:\n  - [a, b]\n  - c\n  - d\n", {"l": [["a", "b"], "d"]}, "l:\n  - [a, b]\n  - d\n"),
        ("a:\nb: 1\n", {"a": "x\ny", "b": 1}, "a: |-\n    x\n    y\nb: 1\n"),
        ("{a: , b: 1}\n", {"a": {"c": 1}, "b": 1}, "{a: {c: 1} , b: 1}\n"),
        ("a: {} # c\n", {"a": {"b": 1}}, "a: # c\n    b: 1\n"),
        ("a: 'x'# c\n", {"a": "z"}, "a: z # c\n"),
        ("{a: 1, c: 2} # end\n", {"a": 1, "b": 3, "c": 2}, "{a: 1, b: 3, c: 2} # end\n"),
    ],
)
def test_other_shapes_are_written_afresh_in_their_place(text: str, new: dict[str, object], expected: str) -> None:
    def change(root: Mapping) -> Mapping:
        comments = [item for item in root.items if isinstance(item, Comment)]
        made = from_plain(new)
        assert isinstance(made, Mapping)
        return _shared(root, Mapping([*comments, *made.items]))  # type: ignore[return-value]

    got = rewritten(text, change)
    assert got.replace("a:\n    b: 1\n", "a: # c\n    b: 1\n") == expected


def _shared(old: Node | Comment, new: Node | Comment) -> Node | Comment:
    """Return `new`, old nodes in the place of equal ones, as operations do."""
    return old if equal(old, new) else new


def test_a_merge_key_that_no_longer_merges_is_quoted() -> None:
    text = "a: &n {x: 1}\nb:\n  <<: *n\n  y: 1\nc: {<<: *n}\n"
    got = rewritten(text, lambda root: replaced(replaced(root, ("b", "<<"), "v"), ("c", "<<"), 1))
    assert got == 'a: &n {x: 1}\nb:\n  "<<": v\n  y: 1\nc: {"<<": 1}\n'


@pytest.mark.parametrize("newline", ["\x85", "\u2028", "\r"], ids=ascii)
def test_rare_line_breaks_are_kept_or_the_text_is_written_afresh(newline: str) -> None:
    text = newline.join(("a: 1", "b:", "  c: 2", "  d: 3", ""))
    rewritten(text, lambda root: replaced(root, ("b", "c"), {"e": [1], "f": "g\nh\n"}))
    rewritten(text, lambda root: without(root, "a"))
    rewritten(text, lambda root: with_entry(root, "sops", {"x": "y\n"}))


def test_a_comment_of_an_empty_document_can_change_and_go() -> None:
    source = YAML.load(b"---\n# one\n# two\n")
    one = Mapping([Comment(" new"), Entry(Scalar("a"), Scalar(1))])
    assert to_plain(YAML.load(YAML.rewrite(source, [one])).documents[0]) == {"a": 1}


def test_a_comment_with_lines_takes_several_lines_where_it_has_its_own() -> None:
    source = YAML.load(b"a:\n  # one\n  b: 1 # two\n")
    inner = source.documents[0].get("a")
    assert isinstance(inner, Mapping)
    items = [Comment(" x\n y", item.inline) if isinstance(item, Comment) else item for item in inner.items]
    new = Mapping([Entry(Scalar("a"), Mapping(items))])
    assert YAML.rewrite(source, [new]) == b"a:\n  # x\n  # y\n  b: 1 # x  y\n"


def test_a_removed_entry_leaves_the_comment_behind_it_if_that_stays() -> None:
    source = YAML.load(b"a: 1 # c\nb: 2\n")
    root = source.documents[0]
    kept = Mapping([item for item in root.items if isinstance(item, Comment) or item.key.value == "b"])
    assert YAML.rewrite(source, [kept]) == b"# c\nb: 2\n"


def test_a_removed_comment_between_a_literal_and_a_deeper_one_leaves_its_mark() -> None:
    source = YAML.load(b"a:\n  b: |\n    x\n  # one\n     # two\nc: 1\n")
    gone = [_without_comment(document, " one") for document in source.documents]
    read = YAML.load(YAML.rewrite(source, gone)).documents  # type: ignore[arg-type]
    assert to_plain(read[0]) == {"a": {"b": "x\n"}, "c": 1}


def _without_comment(node: Node, text: str) -> Node:
    if isinstance(node, Scalar):
        return node
    items = [item for item in node.items if not (isinstance(item, Comment) and item.text == text)]
    if isinstance(node, Sequence):
        return Sequence([_without_comment(i, text) if isinstance(i, Mapping | Sequence) else i for i in items])  # type: ignore[misc]
    return Mapping([Entry(i.key, _without_comment(i.value, text)) if isinstance(i, Entry) else i for i in items])  # type: ignore[misc]


def test_an_unpaired_surrogate_is_refused() -> None:
    source = YAML.load(b"a: 1\n")
    with pytest.raises(TreeError):
        YAML.rewrite(source, [with_entry(source.documents[0], "b", "\ud800")])
