"""What the end-to-end tests share: an age identity, the real sops, and our programs as their users start them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.peers import run
from tests.peers.sops import Sops

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="session")
def sops_peer(peer: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Sops:
    """Return the real sops with a new age identity."""
    folder = tmp_path_factory.mktemp("sops")
    identity = folder / "keys.txt"
    identity.write_bytes(run([peer("age-keygen")]).stdout)
    return Sops(peer("sops"), identity=identity, folder=folder)


@pytest.fixture(scope="session")
def hook(sops_peer: Sops) -> Callable[..., bytes]:
    """Return a function that runs `secretsync-hook` with the session's identity and returns its output."""

    def call(*arguments: object) -> bytes:
        return run([sys.executable, "-m", "secretsync.hooks", *arguments], env=sops_peer.environ).stdout

    return call
