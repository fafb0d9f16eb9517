"""What the tests against the real sops share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.peers import run
from tests.peers.sops import Sops
from tests.peers.store_oracle import StoreOracle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def oracle(peer: Callable[[str], Path]) -> Iterator[StoreOracle]:
    """Run sops' own YAML store as a process to ask."""
    with StoreOracle(peer("oracle")) as running:
        yield running


@pytest.fixture(scope="session")
def age_identity(peer: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an age identity file with the real age-keygen."""
    file = tmp_path_factory.mktemp("age") / "keys.txt"
    file.write_bytes(run([peer("age-keygen")]).stdout)
    return file


@pytest.fixture(scope="session")
def sops_at(
    peer: Callable[[str], Path], age_identity: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Sops]:
    """Return a function from a name (`sops`, `sops-3.9.4`) to that sops with the session's identity."""
    return lambda name: Sops(peer(name), identity=age_identity, folder=tmp_path_factory.mktemp(name))


@pytest.fixture(scope="session")
def sops_peer(sops_at: Callable[[str], Sops]) -> Sops:
    """Return the sops version we follow."""
    return sops_at("sops")
