"""What counts as the checkout, from which no configuration of hooks is taken."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from secretsync.errors import PolicyError
from secretsync.hooks.checkout import refuse_below


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a repository, while the current folder is an overlay deep in it."""
    top = tmp_path / "repository"
    (top / "overlays" / "prod").mkdir(parents=True)
    (top / ".git").mkdir()
    monkeypatch.chdir(top / "overlays" / "prod")
    return top


def refused(path: object) -> bool:
    try:
        refuse_below(str(path))
    except PolicyError:
        return True
    return False


def test_every_file_below_the_repository_is_refused_however_it_is_named(repository: Path) -> None:
    inside = repository / "hook.yaml"
    inside.touch()
    (repository.parent / "to-file.yaml").symlink_to(inside)
    (repository.parent / "to-folder").symlink_to(repository)
    (repository / "out.yaml").symlink_to("/etc/hostname")
    names = ["../../hook.yaml", inside, repository.parent / "to-file.yaml", repository.parent / "to-folder/hook.yaml"]
    names += [repository / "out.yaml", repository / "absent.yaml", f"{repository}/../repository/hook.yaml"]
    assert [name for name in map(str, names) if not refused(name)] == []


def test_files_beside_the_repository_are_taken(repository: Path) -> None:
    (repository.parent / "repository-of-another-name").mkdir()
    for name in ("hook.yaml", "repository.yaml", "repository-of-another-name/hook.yaml"):
        assert not refused(repository.parent / name)
    assert not refused("/etc/secretsync/hook.yaml")


@pytest.mark.parametrize("mark", ["kustomization.yaml", "kustomization.yml", "Kustomization", "Chart.yaml", ".git"])
def test_an_unpacked_archive_has_the_marks_of_its_engine(
    mark: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "archive"
    (root / "below").mkdir(parents=True)
    monkeypatch.chdir(root / "below")
    assert not refused(root / "hook.yaml")
    (root / mark).touch()
    assert refused(root / "hook.yaml")
    assert refused(root / "below" / "hook.yaml")
    assert not refused(tmp_path / "hook.yaml")


def test_a_submodule_ends_no_checkout(repository: Path) -> None:
    Path(".git").write_text("gitdir: ../../.git/modules/prod\n")
    assert refused(repository / "hook.yaml")
    assert os.getcwd() != str(repository)
