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


@pytest.mark.parametrize("layout", sorted(LAYOUTS.keys() - set(FOR_FLUX)))
def test_a_repository_without_flux_is_told_so_once(repository: Repository, layout: str) -> None:
    LAYOUTS[layout](repository)
    assert [(each.file, each.rule, each.level) for each in check_flux(".")] == [(".", "flux-unreached", "warning")]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_leaks_is_nothing_that_flux_would_miss(repository: Repository, layout: str) -> None:
    """It applies what lies in the clear as it is; that is `check`'s to find, and once is enough."""
    LAYOUTS[layout](repository)
    for leak in LEAKS[layout]:
        repository.write(leak.path, leak.text)
    expected = [] if layout in FOR_FLUX else [(".", "flux-unreached")]
    assert [(each.file, each.rule) for each in check_flux(".") if each.level != "note"] == expected


def test_a_child_that_loses_its_decryption_is_all_that_is_found(repository: Repository) -> None:
    LAYOUTS["home_operations"](repository)
    parent = repository.root / "kubernetes/flux/cluster/ks.yaml"
    parent.write_text(
        parent.read_text().replace("decryption: {provider: sops, secretRef: {name: sops-age}}", "wait: true", 2)
    )
    found = [(each.file, each.rule) for each in check_flux(".") if each.level != "note"]
    assert found == [("kubernetes/apps/default/echo/app/secret.sops.yaml", "flux-missed")]
    assert repository.found() == []


@pytest.mark.parametrize("use", ["auto", "none"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_leaks_is_found_and_nothing_else(repository: Repository, layout: str, use: KeyUse) -> None:
    LAYOUTS[layout](repository)
    for leak in LEAKS[layout]:
        repository.write(leak.path, leak.text)
    assert repository.found(use) == sorted((leak.path, leak.rule) for leak in LEAKS[layout])
