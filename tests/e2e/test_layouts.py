"""The common layouts of repositories are green, with a key and without, and what is planted in one is all that is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from secretsync.audit.flux import check_flux
from secretsync.audit.opening import KeyUse
from tests.e2e.layouts import LAYOUTS, LEAKS
from tests.unit.audit.repository import Repository

FOR_FLUX = ("home_operations", "flux_example")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """Return an empty repository, which is the working folder."""
    root = tmp_path / "work"
    root.mkdir()
    return Repository(root, monkeypatch)


@pytest.mark.parametrize("held", [True, False], ids=["with a key", "without"])
@pytest.mark.parametrize("use", ["auto", "none", "required"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_honest_repository_is_green(repository: Repository, layout: str, use: KeyUse, *, held: bool) -> None:
    LAYOUTS[layout](repository)
    if held:
        repository.hold()
    found = {rule for _, rule in repository.found(use)}
    assert found <= ({"no-key"} if use == "required" and not held else set())
    assert repository.report(use).files > 0


@pytest.mark.parametrize("layout", FOR_FLUX)
def test_an_honest_repository_is_green_for_flux(repository: Repository, layout: str) -> None:
    LAYOUTS[layout](repository)
    found = check_flux(".")
    assert [each for each in found if each.level != "note"] == []
    assert {each.rule for each in found} >= {"flux-decrypts"}


@pytest.mark.parametrize("use", ["auto", "none"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_leaks_is_found_and_nothing_else(repository: Repository, layout: str, use: KeyUse) -> None:
    LAYOUTS[layout](repository)
    for leak in LEAKS[layout]:
        repository.write(leak.path, leak.text)
    assert repository.found(use) == sorted((leak.path, leak.rule) for leak in LEAKS[layout])
