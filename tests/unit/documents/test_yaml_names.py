"""What names the object of a text is read without its tree, and agrees with the tree wherever it answers."""

from __future__ import annotations

import random

import pytest

from secretsync.documents.yaml.loading import load
from secretsync.documents.yaml.names import names
from secretsync.errors import FormatError
from secretsync.rendering.kubernetes_reader import identities
from tests.proofs.streams import Streams

TEXT = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\n  labels: {name: b, namespace: c}\n  namespace: d\ndata: {kind: x}\n"


def test_names_are_read_where_they_stand() -> None:
    assert names(TEXT.encode()) == ("v1", "Secret", "d", "a")
    assert names(b"{kind: 5, metadata: {name: '5', namespace: null}, spec: {metadata: {name: x}}}") == ("", "", "", "5")
    assert names(b"metadata: [x]\nkind: A\n") is None


@pytest.mark.parametrize(
    "text",
    [
        TEXT.replace("data: {", "items: {"), TEXT.replace("kind: S", "kind: &a S"), TEXT.replace("kind: S", "kind: !!str S"),
        "a: &x b\nkind: *x\n", "<<: {kind: A}\n", "kind: A\n...\nkind: B\n", "%YAML 1.1\n---\nkind: A\n", "- kind\n", "kind", "a: {",
        "? {a: b}\n: c\n", "metadata: {<<: {name: a}}\n", "metadata: {? [a] : b}\n", "\xff",
    ],
)  # fmt: skip
def test_texts_that_are_not_plain_have_to_be_loaded(text: str) -> None:
    assert names(text.encode("latin-1")) is None


def test_the_answer_is_that_of_the_tree() -> None:
    answers = 0
    for seed in range(3_000):
        text = Streams(random.Random(seed)).document().encode()  # a seed, to repeat a failure
        said = names(text)
        try:
            documents = load(text, comments=False).documents
        except FormatError:
            continue
        if said is not None and any(said):
            answers += 1
            assert [tuple(each) for document in documents for each in identities(document)] == [said], text
    assert answers > 500
