"""Another project called `secretsync` in the same environment is seen by its metadata, in whatever form it was installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from secretsync import __version__, distribution

ROOT = Path(__file__).parents[2]
OWN = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["description"]
FOREIGN = "Summary: sync between .env files and a cloud's secrets manager"


def metadata(folder: Path, name: str, inner: str | None, *lines: str, end: str = "\n") -> Path:
    """Write the metadata of a distribution; `inner` is the file in its folder."""
    path = folder / name
    file = path / inner if inner else path
    file.parent.mkdir(parents=True, exist_ok=True)
    head = ["Metadata-Version: 2.4", "Name: secretsync", "Version: 0.1.0", *lines]
    file.write_bytes((end.join(head) + end * 2 + f"Summary: {OWN}, says the README").encode())
    return path


@pytest.mark.parametrize(
    ("name", "inner"),
    [
        ("secretsync-0.1.0.dist-info", "METADATA"),
        ("SecretSync-2.0.dist-info", "METADATA"),
        ("secretsync-0.1.0-py3.11.egg-info", "PKG-INFO"),
        ("secretsync-0.1.0-py3.11.egg-info", None),
        ("secretsync.egg-info", "PKG-INFO"),
        ("secretsync-0.1.0-py3.11.egg", "EGG-INFO/PKG-INFO"),
    ],
)
def test_every_form_of_an_installation_is_seen(tmp_path: Path, name: str, inner: str | None) -> None:
    path = metadata(tmp_path, name, inner, FOREIGN)
    assert distribution.strangers([str(tmp_path), str(tmp_path), str(tmp_path / "absent"), __file__]) == [str(path)]
    said = distribution.complaint([str(tmp_path)]) or ""
    assert str(path) in said
    assert "pip uninstall secretsync && pip install --force-reinstall gitops-secretsync" in said


@pytest.mark.parametrize("name", ["secretsync-0.1.0.dist-info", "secretsync.egg-info"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_an_earlier_installation_of_ours_is_no_stranger(tmp_path: Path, name: str, end: str) -> None:
    inner = "METADATA" if name.endswith("dist-info") else "PKG-INFO"
    metadata(tmp_path, name, inner, f"Summary: {OWN}", end=end)
    assert distribution.complaint([str(tmp_path)]) is None


@pytest.mark.parametrize(
    "name",
    [
        "gitops_secretsync-0.1.0.dist-info",
        "secretsync_sdk-1.0.dist-info",
        "secretsync",
        "secretsync-notes.txt",
        "x.egg",
    ],
)
def test_other_names_are_none_of_its_business(tmp_path: Path, name: str) -> None:
    metadata(tmp_path, name, "METADATA", FOREIGN)
    assert distribution.strangers([str(tmp_path)]) == []


def test_metadata_that_cannot_be_read_is_a_strangers(tmp_path: Path) -> None:
    (tmp_path / "secretsync-1.dist-info").mkdir()
    (tmp_path / "secretsync-2.dist-info").mkdir()
    os.mkfifo(tmp_path / "secretsync-2.dist-info" / "METADATA")
    metadata(tmp_path, "secretsync-3.dist-info", "METADATA", "Description: " + "x" * (1 << 20), f"Summary: {OWN}")
    assert len(distribution.strangers([str(tmp_path)])) == 3


def _run(*command: str, beside: Path) -> subprocess.CompletedProcess[str]:
    environ = {"PYTHONPATH": str(beside), "PATH": os.environ["PATH"], "HOME": str(beside)}
    return subprocess.run(
        [sys.executable, "-m", *command], env=environ, cwd=beside, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("program", ["secretsync.cli", "secretsync.hooks"])
def test_the_version_is_ours_and_a_stranger_is_one_line_on_standard_error(tmp_path: Path, program: str) -> None:
    alone = _run(program, "--version", beside=tmp_path)
    metadata(tmp_path, "secretsync-9.9.dist-info", "METADATA", FOREIGN)
    together = _run(program, "--version", beside=tmp_path)
    assert alone.stdout.split()[1] == __version__
    assert (together.returncode, together.stdout) == (alone.returncode, alone.stdout) == (0, together.stdout)
    assert alone.stderr == ""
    assert len(together.stderr.splitlines()) == 1
    assert "secretsync-9.9.dist-info" in together.stderr


def test_doctor_names_a_stranger_and_keeps_its_exit_code(tmp_path: Path) -> None:
    alone = _run("secretsync.cli", "doctor", beside=tmp_path)
    metadata(tmp_path, "secretsync-9.9.dist-info", "METADATA", FOREIGN)
    together = _run("secretsync.cli", "doctor", beside=tmp_path)
    assert together.returncode == alone.returncode
    assert "installation" not in alone.stdout
    assert "pip uninstall secretsync" in together.stdout
    found = json.loads(_run("secretsync.cli", "doctor", "--json", beside=tmp_path).stdout)["observations"]
    assert [each["state"] for each in found if each["topic"] == "installation"] == ["bad"]


def test_looking_for_strangers_loads_no_reader_of_metadata() -> None:
    program = (
        "import sys\nbare = set(sys.modules)\nfrom secretsync import distribution\n"
        "distribution.complaint()\nprint(*set(sys.modules) - bare)"
    )
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert {"importlib.metadata", "email", "pathlib"}.isdisjoint(loaded)
