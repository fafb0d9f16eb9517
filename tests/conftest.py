"""What all tests share: the real tools as fixtures, and how hard Hypothesis tries.

Without a peer its tests are skipped with the reason; `SECRETSYNC_REQUIRE_PEERS=1` (CI) makes them fail instead.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.peers import PeerAbsentError, locate
from tests.peers.control_plane import control_plane as running_control_plane
from tests.peers.flux import flux as running_flux
from tests.peers.sealed_controller import sealed_controller as running_sealed_controller

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.peers.control_plane import ControlPlane
    from tests.peers.flux import Flux
    from tests.peers.sealed_controller import SealedController

settings.register_profile("default", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
# The same examples each time: a submission is judged by its own changes, new examples are sought while developing.
settings.register_profile(
    "ci", settings.get_profile("default"), max_examples=300, print_blob=True, derandomize=True, database=None
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if "CI" in os.environ else "default"))


@pytest.fixture(scope="session")
def peer() -> Callable[[str], Path]:
    """Return a function from a peer's name (`sops`, `sops-3.9.4`, `kubeseal`, `gpg`, …) to its binary."""

    def find(name: str) -> Path:
        reason = ""
        try:
            return locate(name)
        except PeerAbsentError as absent:
            reason = str(absent)
        if os.environ.get("SECRETSYNC_REQUIRE_PEERS") == "1":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)

    return find


@pytest.fixture(scope="session")
def control_plane(peer: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """Run a real Kubernetes API server (with etcd) for all tests of the session; give each test its own namespace."""
    with running_control_plane(peer, tmp_path_factory.mktemp("control-plane")) as plane:
        yield plane


@pytest.fixture(scope="session")
def sealed_controller(
    peer: Callable[[str], Path], control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SealedController]:
    """Run the real Sealed Secrets controller against the session's API server."""
    with running_sealed_controller(peer, control_plane, tmp_path_factory.mktemp("sealed-controller")) as controller:
        yield controller


@pytest.fixture(scope="session")
def flux(
    peer: Callable[[str], Path], control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Flux]:
    """Run Flux's real kustomize-controller against the session's API server."""
    with running_flux(peer, control_plane, tmp_path_factory.mktemp("flux")) as controller:
        yield controller


IN_WRITTEN_ORDER = ("tests/architecture/", "tests/e2e/", "tests/interop/", "tests/proofs/")
"""Folders that are not shown to pass in any order yet: one generates pages, the others share real tools for a session."""


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Put the tests of some folders behind the others, as they are written: `pytest-randomly` has mixed them all."""
    written = [item for item in items if item.nodeid.startswith(IN_WRITTEN_ORDER)]
    yield
    chosen = set(items)  # less by now, with `-k` and the like
    last = [item for item in written if item in chosen]
    items[:] = [item for item in items if not item.nodeid.startswith(IN_WRITTEN_ORDER)] + last
