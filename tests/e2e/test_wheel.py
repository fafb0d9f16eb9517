"""What a user gets who has no checkout: a wheel, made of what the image copies, that brings everything we document."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path
from typing import Final

import pytest

from secretsync import __version__
from tests.peers import Completed, run

ROOT: Final = Path(__file__).parents[2]
SAMPLE: Final = ROOT / "tests" / "architecture" / "start_up"


def _tracked(*folders: str) -> set[str]:
    command = ["git", "ls-files", "-z", "--", *folders]
    return set(run(command, cwd=ROOT).stdout.decode().rstrip("\0").split("\0"))


def _copied() -> list[str]:
    """Return what the stage of the image that makes the wheel copies from the checkout."""
    stage = (ROOT / "deploy" / "Containerfile").read_text().partition(" AS wheel")[2].partition("FROM ")[0]
    return [path for line in stage.splitlines() if line.startswith("COPY ") for path in line.split()[1:-1]]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with what the image builds from."""
    folder = tmp_path_factory.mktemp("source")
    for path in sorted(_tracked(*_copied())):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, folder / path)
    return folder


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a wheel, built without a network."""
    folder = tmp_path_factory.mktemp("wheels")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    run([*pip, "--wheel-dir", folder, source])
    (made,) = folder.iterdir()
    return made


class Installed:
    """An environment with the wheel and the libraries of this one, and no checkout on its path."""

    def __init__(self, folder: Path, wheel: Path) -> None:
        self.folder = folder
        venv.create(folder, symlinks=True)
        self.packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
        libraries = sysconfig.get_path(
            "purelib"
        )  # a .pth file inside it, such as the one of a checkout, does not count
        (self.packages / "libraries.pth").write_text(f"{libraries}\n")
        pip = [sys.executable, "-m", "pip", "--python", folder / "bin" / "python", "install", "--quiet"]
        run([*pip, "--no-deps", "--no-index", "--ignore-installed", "--no-warn-script-location", wheel])

    def __call__(self, program: str, *arguments: object, check: bool = True, **environ: str) -> Completed:
        """Run one of its programs, in its own folder."""
        return run([self.folder / "bin" / program, *arguments], cwd=self.folder, env=environ, check=check)


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Return an environment in which the wheel is installed."""
    return Installed(tmp_path_factory.mktemp("installed"), wheel)


def test_the_wheel_holds_every_file_of_the_package_and_of_the_folder_deploy(wheel: Path) -> None:
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert names == _tracked("secretsync") | {f"secretsync/{name}" for name in _tracked("deploy")}
    assert wheel.name.startswith(f"gitops_secretsync-{__version__}-")


def test_a_source_distribution_makes_the_same_wheel(source: Path, tmp_path: Path) -> None:
    program = "import sys\nfrom setuptools import build_meta\nbuild_meta.build_sdist(sys.argv[1])"
    run([sys.executable, "-c", program, tmp_path], cwd=source)
    (archive,) = tmp_path.iterdir()
    shutil.unpack_archive(archive, tmp_path, filter="data")
    unpacked = tmp_path / archive.name.removesuffix(".tar.gz")
    found = {str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if path.is_file()}
    assert _tracked(*_copied()) <= found


def test_the_programs_run_from_the_wheel(installed: Installed) -> None:
    where = installed("python", "-I", "-c", "import secretsync; print(secretsync.__file__)").stdout.decode()
    assert Path(where).is_relative_to(installed.packages)
    for program in ("secretsync", "secretsync-hook", "kubectl-secretsync"):
        said = installed(program, "--version")
        assert (said.stdout.decode().split()[1], said.stderr) == (__version__, "")
    rendered = installed("secretsync-hook", "render", SAMPLE, SOPS_AGE_KEY_FILE=str(SAMPLE / "identity.txt")).stdout
    assert b"kind: Secret" in rendered


def test_the_wheel_prints_what_argo_cd_needs(installed: Installed) -> None:
    for part in ("configuration", "sidecar", "network-policy"):
        printed = installed("secretsync", "hook", "argocd", "print", "--part", part).stdout
        assert printed == (ROOT / "deploy" / "argocd" / f"{part}.yaml").read_bytes()


def test_the_wheel_prints_what_kustomize_needs(installed: Installed) -> None:
    printed = installed("secretsync", "hook", "kustomize", "print").stdout
    assert printed == (ROOT / "deploy" / "kustomize" / "sealed-secrets-references.yaml").read_bytes()


@pytest.mark.parametrize("version", ["3", "4"])
def test_the_wheel_installs_the_plugins_of_each_helm(installed: Installed, tmp_path: Path, version: str) -> None:
    for _ in range(2):  # once more is fine, and mends what was changed
        said = installed(
            "secretsync", "hook", "helm", "install", tmp_path / "new" / "plugins", "--helm", version
        ).stdout
        for path in map(Path, said.decode().splitlines()):
            original = ROOT / "deploy" / f"helm{version}" / path.relative_to(tmp_path / "new" / "plugins")
            assert path.read_bytes() == original.read_bytes()
            assert os.access(path, os.X_OK) == os.access(original, os.X_OK)
            path.write_bytes(b"old")
        assert len(said.splitlines()) == len(_tracked(f"deploy/helm{version}"))


def test_plugins_cannot_go_where_no_folder_can_be(installed: Installed, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    failed = installed("secretsync", "hook", "helm", "install", tmp_path / "file" / "plugins", check=False)
    assert (failed.code, failed.stdout) == (12, b"")
    assert len(failed.stderr.splitlines()) == 1


def test_an_installation_without_the_files_says_how_to_get_them(wheel: Path, tmp_path: Path) -> None:
    broken = Installed(tmp_path / "broken", wheel)
    shutil.rmtree(broken.packages / "secretsync" / "deploy")
    (broken.packages / "deploy").mkdir()  # somebody else's
    failed = broken("secretsync", "hook", "kustomize", "print", check=False)
    assert (failed.code, failed.stdout) == (12, b"")
    assert "pip install --force-reinstall --no-deps gitops-secretsync" in failed.stderr
