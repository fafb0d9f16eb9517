"""What we ship for hooks and pipelines does what its page says: each is run as pre-commit, GitHub and GitLab run it."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

import pytest
import yaml

from tests.peers import Completed, run
from tests.peers.binaries import REPOSITORY

PAGE: Final = REPOSITORY / "docs" / "how-to" / "check-in-ci.md"
PLAIN: Final = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {password: hunter2}\n"
NO_INDEX: Final = "Could not find a version that satisfies the requirement"
ACCEPTED: Final = "# secretsync: ignore plaintext-secret I say so\n" + PLAIN


def _action_script() -> str:
    action = yaml.safe_load((REPOSITORY / "action.yml").read_text())
    return str(action["runs"]["steps"][-1]["run"])


def _component() -> dict[str, Any]:
    _, jobs = yaml.safe_load_all((REPOSITORY / "templates" / "check.yml").read_text())
    found: dict[str, Any] = jobs["secretsync-check"]
    return found


def _component_script() -> str:
    return str(_component()["script"][0])


class Server:
    """A remote with a branch `main`, and a shallow checkout of a change to it, as pipelines have one."""

    def __init__(self, folder: Path) -> None:
        self.home = folder
        self.origin, self.checkout = folder / "origin", folder / "checkout"
        self.git("init", "-q", "-b", "main", self.origin, cwd=folder)
        for name, value in (("user.name", "Test"), ("user.email", "test@example.org")):
            self.git("config", name, value, cwd=self.origin)
        self.commit("README.md", "# Shop\n")

    def git(self, *arguments: str | Path, cwd: Path | None = None) -> Completed:
        """Run git."""
        return run(["git", *arguments], cwd=cwd or self.origin, home=self.home)

    def commit(self, name: str, text: str) -> None:
        """Commit one file."""
        (self.origin / name).write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "change")

    def request(self, files: dict[str, str]) -> None:
        """Make a branch with some files, and check it out elsewhere without history."""
        self.git("checkout", "-q", "-b", "change")
        for name, text in files.items():
            self.commit(name, text)
        self.git("clone", "-q", "--depth=1", "--branch=change", f"file://{self.origin}", self.checkout, cwd=self.home)

    def pipeline(self, script: str, **variables: str) -> Completed:
        """Run a script as a pipeline runs it."""
        given = {"CONFIG_FROM": "", "PATHS": ".", "KEYS": "auto", "FORMAT": "junit", "REPORT": "", "KEYS_LINT": "false"}
        environ = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", **given, **variables}
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
        return run(command, cwd=self.checkout, env=environ, home=self.home, check=False)


@pytest.fixture
def server(tmp_path: Path) -> Server:
    """Return a server with one commit."""
    return Server(tmp_path)


SCRIPTS = {"github": _action_script, "gitlab": _component_script}


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
@pytest.mark.parametrize(
    "files",
    [
        {"a.yaml": PLAIN},
        {"a.yaml": ACCEPTED},
        {"a.yaml": PLAIN, ".secretsync.yaml": "check: {ignore: ['*.yaml']}\n"},
        {"a.yaml": PLAIN, ".secretsync.yaml": "check: {rules: {plaintext-secret: off}}\n"},
    ],
    ids=["plain", "comment", "ignored", "off"],
)
def test_a_request_does_not_pass_by_what_it_brings(server: Server, script: Any, files: dict[str, str]) -> None:
    server.request(files)
    done = server.pipeline(script(), CONFIG_FROM="main", REPORT="secretsync.xml")
    assert done.code == 1, done.stderr
    assert b"a.yaml stringData: error" in done.stdout
    report = ET.fromstring((server.checkout / "secretsync.xml").read_bytes())
    assert len(report.findall(".//failure")) == 1


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_what_the_target_accepts_passes_and_a_mistake_in_it_does_not(server: Server, script: Any) -> None:
    server.commit(".secretsync.yaml", "check: {ignore: [a.yaml]}\n")
    server.request({"a.yaml": PLAIN})
    assert server.pipeline(script(), CONFIG_FROM="main").code == 0
    assert server.pipeline(script(), CONFIG_FROM="none").code not in {0, 1}
    assert server.pipeline(script()).code == 0
    assert server.pipeline(script(), PATHS="README.md a.yaml").code == 0
    assert server.pipeline(script(), PATHS="none.yaml").code == 1


def test_action_and_component_run_the_same() -> None:
    assert _action_script().splitlines() == _component_script().splitlines()
    assert {"CONFIG_FROM", "PATHS", "KEYS", "FORMAT", "REPORT", "KEYS_LINT"} <= set(_component()["variables"])
    shipped = "".join(
        (REPOSITORY / name).read_text() for name in ("action.yml", "templates/check.yml", ".pre-commit-hooks.yaml")
    )
    assert "://" not in shipped


def _hooks() -> dict[str, dict[str, Any]]:
    return {hook["id"]: hook for hook in yaml.safe_load((REPOSITORY / ".pre-commit-hooks.yaml").read_text())}


def test_the_hooks_of_pre_commit_judge_what_is_staged(server: Server) -> None:
    server.request({"README.md": "# Shop\n\nOpen.\n"})
    server.home = server.checkout.parent
    (server.checkout / "a.yaml").write_text(PLAIN)
    server.git("add", "a.yaml", cwd=server.checkout)
    (server.checkout / "a.yaml").write_text("a: 1\n")
    entry = _hooks()["secretsync-check"]["entry"]
    assert server.pipeline(f"{entry} a.yaml README.md").code == 1
    assert server.pipeline(f"{entry} README.md").code == 0
    assert server.pipeline(f"{_hooks()['secretsync-keys-lint']['entry']} --help").code == 0


def test_pre_commit_runs_the_hooks(server: Server) -> None:
    """It installs the hooks from this checkout, and what they need from the package index, as on any machine."""
    server.request({"a.yaml": PLAIN})
    environ = {"PATH": os.environ["PATH"], "PRE_COMMIT_HOME": str(server.home / "cache")}
    command = [sys.executable, "-m", "pre_commit", "try-repo", REPOSITORY, "secretsync-check", "--all-files"]
    done = run(command, cwd=server.checkout, env={**os.environ, **environ}, home=server.home, check=False)
    if NO_INDEX in done.stdout.decode() + done.stderr:
        pytest.skip("there is no package index to install from")
    assert done.code == 1
    assert b"[plaintext-secret]" in done.stdout


def test_the_hook_of_the_page_stops_a_commit(server: Server) -> None:
    server.request({"README.md": "# Shop\n\nOpen.\n"})
    script = re.search(r"^```sh\n(#!/bin/sh\n.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert script
    hook = server.checkout / ".git" / "hooks" / "pre-commit"
    hook.write_text(script[1])
    hook.chmod(0o755)
    (server.checkout / "a.env").write_text("a=1\n")
    (server.checkout / "b.yaml").write_text(PLAIN)
    commit = "git -c user.name=Test -c user.email=test@example.org commit -q -m change"
    assert server.pipeline(f"git add a.env && {commit}").code == 0
    assert b"[plaintext-secret]" in server.pipeline(f"git add b.yaml && {commit} 2>&1").stdout
