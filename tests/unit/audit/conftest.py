"""Fixtures of the tests of `check`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.audit.repository import Repository


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """Return an empty repository, which is the working folder."""
    root = tmp_path / "work"
    root.mkdir()
    return Repository(root, monkeypatch)
