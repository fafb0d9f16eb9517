"""What the end-to-end tests share: an age identity, the real sops, and our programs as their users start them."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING

import pytest

from secretsync.cli.__main__ import run as run_command
from tests.peers import Completed, run
from tests.peers.sops import Sops

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
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


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Completed]:
    """Return a function that runs `secretsync` in this process, which saves its start, with nothing of our environment."""

    def call(*arguments: object, env: Mapping[str, str], cwd: Path | None = None) -> Completed:
        out, err = io.BytesIO(), io.BytesIO()
        with monkeypatch.context() as patch:
            for name in list(os.environ):
                patch.delenv(name)
            for name, value in env.items():
                patch.setenv(name, value)
            if cwd is not None:
                patch.chdir(cwd)
            patch.setattr(sys, "stdout", io.TextIOWrapper(out, encoding="utf-8", write_through=True))
            patch.setattr(sys, "stderr", io.TextIOWrapper(err, encoding="utf-8", write_through=True))
            code = run_command([str(argument) for argument in arguments])
            return Completed(code, out.getvalue(), err.getvalue().decode())

    return call
