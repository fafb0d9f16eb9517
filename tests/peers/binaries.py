"""Where the peers' binaries are. `.ci/peers` alone knows names, versions and folders; this module asks it."""

from __future__ import annotations

import functools
import shutil
import subprocess
from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).resolve().parents[2]
_SCRIPT: Final = REPOSITORY / ".ci" / "peers"


class PeerAbsentError(Exception):
    """A peer is not installed here; the message says what installs it."""


@functools.cache
def peers_root() -> Path:
    """Return the per-user cache folder that all checkouts share (`SECRETSYNC_PEERS` overrides it)."""
    return Path(_ask("--path").strip())


def locate(name: str) -> Path:
    """Return the binary `name`: `sops`, `sops-3.9.4`, `kubeseal`, `kube-apiserver`, `gpg`, …

    Raises:
        PeerAbsentError: it is not installed.
        KeyError: no peer has that name.
    """
    path = _binaries()[name]
    found = shutil.which(path)
    if found is None:
        raise PeerAbsentError(f"peer {name} is not installed here: run `make peers`")
    return Path(found)


@functools.cache
def _binaries() -> dict[str, str]:
    pairs = (line.split(" ", 1) for line in _ask("--list").splitlines())
    return dict(pairs)


def _ask(option: str) -> str:
    return subprocess.run([_SCRIPT, option], check=True, stdout=subprocess.PIPE, text=True, timeout=30).stdout
