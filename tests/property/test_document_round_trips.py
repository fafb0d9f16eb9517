"""Round trips of documents: fresh text reads back, a rewrite reads back as the new tree, untouched bytes stay."""

from __future__ import annotations

from random import Random

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from secretsync.documents.json import store as json_store
from secretsync.documents.pairing import equal
from secretsync.documents.tree import Entry, Mapping, Node, Scalar, Sequence, Source
from secretsync.documents.yaml import store as yaml_store
from secretsync.errors import FormatError
from tests.property.yaml_author import Author, Editor, comment_texts, mapping, without_comments

randoms = st.randoms(use_true_random=False)
rates = st.sampled_from((0.05, 0.2, 0.6))


def authored(random: Random) -> Source:
    """Return a text in random style, as loaded."""
    documents = [mapping(random, least=1) for _ in range(random.choice((1, 1, 2)))]
    text = Author(random).text(documents)
    try:
        return yaml_store.load(text.encode())
    except FormatError:  # an alias inside of its own anchor
        assume(False)
        raise


def assert_equal(olds: list[Mapping], news: list[Mapping]) -> None:
    assert len(olds) == len(news)
    for old, new in zip(olds, news, strict=True):
        assert equal(without_comments(old), without_comments(new))


@given(random=randoms, indent=st.sampled_from((None, 2, 3, 9)))
def test_fresh_yaml_reads_back_with_its_comments(random: Random, indent: int | None) -> None:
    documents = [mapping(random) for _ in range(random.choice((1, 2)))]
    read = yaml_store.load(yaml_store.dump(documents, indent=indent)).documents
    assert_equal(documents, read)
    texts = sum((comment_texts(document) for document in documents), start=list[str]())
    assert sorted(texts) == sorted(sum((comment_texts(document) for document in read), start=list[str]()))


@given(text=st.text(), indent=st.sampled_from((2, 4, 9)))
def test_every_string_reads_back_here_and_in_pyyaml(text: str, indent: int) -> None:
    assume(not any("\ud800" <= char <= "\udfff" for char in text))
    keys: list[Entry] = [Entry(Scalar(text), Scalar(text)), Entry(Scalar(text + "'"), Sequence([Scalar(text)]))]
    data = yaml_store.dump([Mapping([*keys])], indent=indent)
    assert_equal(yaml_store.load(data).documents, [Mapping([*keys])])
    assert yaml.safe_load(data) == {text: text, text + "'": [text]}


@given(random=randoms)
def test_an_unchanged_tree_keeps_every_byte(random: Random) -> None:
    source = authored(random)
    data = source.text.encode()
    assert yaml_store.rewrite(source, source.documents) == data
    copies = [_copied(document) for document in source.documents]
    assert yaml_store.rewrite(source, copies) == data  # type: ignore[arg-type]


def _copied(node: Node) -> Node:
    if isinstance(node, Scalar):
        return Scalar(node.value)
    if isinstance(node, Mapping):
        return Mapping(
            [Entry(Scalar(i.key.value), _copied(i.value)) if isinstance(i, Entry) else i for i in node.items]
        )
    return Sequence([_copied(i) if isinstance(i, Scalar | Mapping | Sequence) else i for i in node.items])


@given(random=randoms, rate=rates)
def test_a_rewrite_reads_back_as_the_new_tree(random: Random, rate: float) -> None:
    source = authored(random)
    editor = Editor(random, rate)
    new = [editor.mapping(document) for document in source.documents]
    assert_equal(yaml_store.load(yaml_store.rewrite(source, new)).documents, new)


@given(random=randoms, value=st.sampled_from(("ENC[a,b:c]", "x", 7, None, "two\nlines\n")))
def test_one_changed_leaf_changes_its_own_bytes_only(random: Random, value: str | int | None) -> None:
    source = authored(random)
    leaves = [leaf for document in source.documents for leaf in _leaves(document)]
    assume(leaves)
    leaf = random.choice(leaves)
    assume(leaf.value != value and "*" not in source.text)
    new = [_with(document, leaf, Scalar(value)) for document in source.documents]
    text = yaml_store.rewrite(source, new).decode()  # type: ignore[arg-type]
    assert leaf.span is not None
    line_end = min(
        (at for at in (source.text.find(c, leaf.span.end) for c in "\r\n") if at >= 0), default=len(source.text)
    )
    assert text.startswith(source.text[: leaf.span.start].rstrip(" "))
    assert text.removesuffix("\n").endswith(source.text[line_end:].removesuffix("\n"))


def _leaves(node: Node) -> list[Scalar]:
    if isinstance(node, Scalar):
        return [node]
    values = [item.value if isinstance(item, Entry) else item for item in node.items]
    return [leaf for value in values if isinstance(value, Scalar | Mapping | Sequence) for leaf in _leaves(value)]


def _with(node: Node, leaf: Scalar, new: Scalar) -> Node:
    if isinstance(node, Scalar):
        return new if node is leaf else node
    if isinstance(node, Mapping):
        return Mapping([Entry(i.key, _with(i.value, leaf, new)) if isinstance(i, Entry) else i for i in node.items])
    return Sequence([_with(i, leaf, new) if isinstance(i, Scalar | Mapping | Sequence) else i for i in node.items])


def _json_safe(node: Node) -> Node:
    """Return the tree without what JSON cannot hold: bytes, infinities, comments."""
    if isinstance(node, Mapping):
        return Mapping([Entry(entry.key, _json_safe(entry.value)) for entry in node.entries()])
    if isinstance(node, Sequence):
        return Sequence([_json_safe(item) for item in node.items if isinstance(item, Scalar | Mapping | Sequence)])
    return node if isinstance(node.value, str | bool | int) or node.value is None else Scalar("x")


@given(random=randoms, rate=rates, indent=st.sampled_from((None, 0, 2)))
def test_json_reads_back_afresh_and_rewritten(random: Random, rate: float, indent: int | None) -> None:
    document = _json_safe(mapping(random))
    assert isinstance(document, Mapping)
    data = json_store.dump([document], indent=indent)
    source = json_store.load(data)
    assert equal(source.documents[0], document)
    assert json_store.rewrite(source, [_copied(document)]) == data  # type: ignore[list-item]
    new = _json_safe(Editor(random, rate).mapping(source.documents[0]))
    assert isinstance(new, Mapping)
    assert equal(json_store.load(json_store.rewrite(source, [new])).documents[0], new)


@pytest.mark.parametrize("cut", range(1, 40, 3))
def test_json_that_is_cut_off_is_never_accepted(cut: int) -> None:
    data = (
        json_store.dump([mapping(Random(cut), least=1)]) if cut == 0 else b'{"a": [1, {"b": "c"}], "d": null, "e": 1.5}'
    )
    with pytest.raises(FormatError):
        json_store.load(data[:-cut])
