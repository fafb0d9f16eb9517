"""sops' own YAML store reads what we write, afresh and over an existing text, as we do."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from secretsync.documents.yaml import store
from secretsync.errors import FormatError
from tests.interop.messy_yaml import MessyAuthor
from tests.peers.store_oracle import shown
from tests.property.yaml_author import Author, Editor, mapping

if TYPE_CHECKING:
    from tests.peers.store_oracle import StoreOracle


@settings(max_examples=300)
@given(random=st.randoms(use_true_random=False), indent=st.sampled_from((None, 2, 3, 9)))
def test_fresh_yaml_reads_as_sops_reads_it(random: Random, indent: int | None, oracle: StoreOracle) -> None:
    data = store.dump([mapping(random) for _ in range(random.choice((1, 2)))], indent=indent)
    assert oracle.read(data) == shown(store.load(data).documents)


@settings(max_examples=300)
@given(random=st.randoms(use_true_random=False), rate=st.sampled_from((0.05, 0.2, 0.6)), messy=st.booleans())
def test_rewritten_yaml_reads_as_sops_reads_it(random: Random, rate: float, messy: bool, oracle: StoreOracle) -> None:
    text = MessyAuthor(random).stream() if messy else Author(random).text([mapping(random, least=1)])
    try:
        source = store.load(text.encode())
    except FormatError:
        assume(False)
        raise
    editor = Editor(random, rate)
    data = store.rewrite(source, [editor.mapping(document) for document in source.documents])
    assert oracle.read(data) == shown(store.load(data).documents)
