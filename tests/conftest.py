"""What all tests share: the real tools as fixtures, and how hard Hypothesis tries.

Without a peer its tests are skipped with the reason; `SECRETSYNC_REQUIRE_PEERS=1` (CI) makes them fail instead.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.peers import PeerAbsentError, locate

settings.register_profile("default", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("default"), max_examples=300, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if "CI" in os.environ else "default"))


@pytest.fixture(scope="session")
def peer() -> Callable[[str], Path]:
    """Return a function from a peer's name (`sops`, `sops-3.9.4`, `kubeseal`, `gpg`, …) to its binary."""

    def find(name: str) -> Path:
        try:
            return locate(name)
        except PeerAbsentError as absent:
            if os.environ.get("SECRETSYNC_REQUIRE_PEERS") == "1":
                pytest.fail(str(absent))
            pytest.skip(str(absent))

    return find
