"""We read YAML as sops' own store does: the same types, values, order and comments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings

from secretsync.documents.stores import store_named
from tests.interop.texts import yaml_texts
from tests.peers.store_oracle import StoreOracle, shown

if TYPE_CHECKING:
    from tests.peers.store_oracle import StoreOracle


@settings(max_examples=1000)
@given(text=yaml_texts())
def test_generated_texts_read_as_sops_reads_them(text: str, oracle: StoreOracle) -> None:
    assert shown(store_named("yaml").load(text.encode()).documents) == oracle.read(text.encode())
