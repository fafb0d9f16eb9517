"""A repository for each test, and an environment that holds no settings of the machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.git.repositories import Made


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    """Return a new repository."""
    repository = Made(tmp_path / "shop")
    monkeypatch.setenv("HOME", str(repository.home))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for name in ("XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL"):
        monkeypatch.delenv(name, raising=False)
    return repository
