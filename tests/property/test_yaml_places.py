"""The places that writing relies on: whatever the text, spans nest, follow each other and hold what they say."""

from __future__ import annotations

from itertools import pairwise
from random import Random

from hypothesis import assume, given
from hypothesis import strategies as st

from secretsync.documents.tree import Comment, Entry, Mapping, Node, Scalar, Sequence, Source, Span
from secretsync.documents.yaml.loading import load
from secretsync.errors import FormatError
from tests.interop.messy_yaml import MessyAuthor


@given(seed=st.integers(0, 2**32))
def test_spans_nest_and_follow_each_other(seed: int) -> None:
    source = _load(seed)
    for document in source.documents:
        _check(source.text, document, Span(0, len(source.text)))


@given(seed=st.integers(0, 2**32))
def test_documents_share_the_text_among_them(seed: int) -> None:
    source = _load(seed)
    assert "".join(source.text[start:end] for start, end in source.spans) == source.text
    assert len(source.spans) == len(source.documents)


@given(seed=st.integers(0, 2**32))
def test_a_scalar_on_one_line_reads_the_same_on_its_own(seed: int) -> None:
    source = _load(seed)
    for scalar in _scalars(source.documents):
        text = source.text[slice(*scalar.span)] if scalar.span else ""
        if len(text.splitlines()) != 1 or text.endswith(":") or scalar.alias or scalar.style in ("|", ">"):
            continue  # it needs what stands around it
        alone = load(f"k: {text}\n".encode()).documents[0].get("k")
        assert isinstance(alone, Scalar)
        assert (alone.value, alone.style) == (scalar.value, scalar.style)


def _load(seed: int) -> Source:
    try:
        return load(MessyAuthor(Random(seed)).stream().encode())
    except FormatError:
        assume(False)
        raise


def _check(text: str, node: Node, outer: Span) -> None:
    """Check the spans below `node`, which stand in `outer`; a copy for an alias stands where the alias does."""
    if node.alias is not None:
        assert outer.start <= node.alias.start < node.alias.end <= outer.end
        assert text[node.alias.start] == "*"
        return
    assert node.span is not None
    assert outer.start <= node.span.start <= node.span.end <= outer.end
    if isinstance(node, Scalar):
        assert not text[slice(*node.span)].endswith(("\n", "\r")) or "+" in text[slice(*node.span)]
        return
    for item in node.items:
        if isinstance(item, Comment):
            assert item.span is not None
            assert text[slice(*item.span)] == f"#{item.text}"
        for child in _children(item):
            _check(text, child, node.span)
    nodes = [child for item in node.items for child in _children(item)]
    for before, after in pairwise(nodes):
        assert _place(before).end <= _place(after).start


def _children(item: Entry | Node | Comment) -> list[Node]:
    if isinstance(item, Comment):
        return []
    return [item.key, item.value] if isinstance(item, Entry) else [item]


def _place(node: Node) -> Span:
    place = node.alias or node.span
    assert place is not None
    return place


def _scalars(nodes: list[Mapping]) -> list[Scalar]:
    found: list[Scalar] = []
    rest: list[Node] = [*nodes]
    while rest:
        node = rest.pop()
        if isinstance(node, Scalar):
            found.append(node)
        elif isinstance(node, Mapping | Sequence):
            rest += [child for item in node.items for child in _children(item)]
    return found
