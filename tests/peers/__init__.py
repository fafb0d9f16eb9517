"""The real tools as test peers: where they are, how they run, how their servers start and stop.

Tests take them through the fixtures of `tests/conftest.py`; nothing here imports pytest's fixtures or secretsync.
"""

from __future__ import annotations

from tests.peers.binaries import PeerAbsentError, locate, peers_root
from tests.peers.processes import Completed, Server, clean_environment, free_port, run

__all__ = [
    "Completed",
    "PeerAbsentError",
    "Server",
    "clean_environment",
    "free_port",
    "locate",
    "peers_root",
    "run",
]
