"""The installed console scripts: each starts as its user starts it, also where the working directory is not ours."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import pytest

from secretsync import __version__
from tests.peers import run

SCRIPTS = Path(sysconfig.get_path("scripts"))


@pytest.mark.parametrize("script", ["secretsync", "secretsync-hook", "kubectl-secretsync"])
def test_an_installed_script_knows_its_version(script: str, tmp_path: Path) -> None:
    said = run([SCRIPTS / script, "--version"], cwd=tmp_path).stdout.decode()
    assert said.split() == ["secretsync-hook" if script == "secretsync-hook" else "secretsync", __version__]


def test_kubectl_finds_the_plugin_with_all_its_commands(tmp_path: Path) -> None:
    """kubectl runs the first executable called kubectl-NAME on PATH, with the words behind NAME as they are."""
    assert b"Usage: secretsync render" in run([SCRIPTS / "kubectl-secretsync", "render", "--help"], cwd=tmp_path).stdout
