"""What the tests against the real sops share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.peers.store_oracle import StoreOracle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def oracle(peer: Callable[[str], Path]) -> Iterator[StoreOracle]:
    """Run sops' own YAML store as a process to ask."""
    with StoreOracle(peer("oracle")) as running:
        yield running
