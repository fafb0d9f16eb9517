"""The sandbox as a fixture."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.rotation.repositories import Sandbox


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    """Return a repository with a key ring and four encrypted files."""
    made = Sandbox(tmp_path / "shop")
    made.fill()
    return made
