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


SHOWN: Final = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)


class Reader:
    """Somebody who follows a page in a repository: each command as it stands, and what it prints beside what is shown."""

    def __init__(self, folder: Path) -> None:
        self.home, self.root = folder, folder / "work"
        self.root.mkdir()
        self.recipient = ""
        self.run("git init -q -b main && git config user.name Test && git config user.email test@example.org")

    def run(self, script: str, code: int = 0) -> str:
        """Run commands and return what they print."""
        found = self.home / "first-key.txt"
        environ = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "SOPS_AGE_KEY_FILE": str(found)}
        done = run(["bash", "-euc", script], cwd=self.root, env=environ, home=self.home, check=False)
        assert done.code == code, (script, done.stdout, done.stderr)
        return done.stdout.decode()

    def write(self, path: str, text: str) -> None:
        """Write a file, with its folders."""
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text.replace("age1…", self.recipient))

    def follow(self, block: str, code: int = 0) -> None:
        """Run a block of a page; where it shows what is printed, that is printed."""
        commands = [line[2:] for line in block.splitlines() if line.startswith("$ ")]
        shown = [line for line in block.splitlines() if not line.startswith("$ ")]
        printed = self.run("\n".join(commands), code).splitlines()
        assert not shown or [line.replace(self.recipient or "-", "age1…") for line in printed] == shown


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    """Return somebody in an empty repository."""
    return Reader(tmp_path)


def test_the_tutorial_is_green_in_a_fresh_repository(reader: Reader) -> None:
    text = (REPOSITORY / "docs" / "tutorial" / "first-secret.md").read_text()
    first, *blocks = SHOWN.findall(text)
    assert "keygen" in first
    reader.recipient = reader.run("secretsync keygen -o ~/first-key.txt 2>&1").split()[-1]
    for path, content in re.findall(r"^```yaml\n# (\S+\.yaml)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        reader.write(path, content)
    assert len(blocks) == 4
    for block in blocks:
        if "git diff" in block:
            reader.run("\n".join(_commands(block)))
        else:
            reader.follow(block)
    changed = reader.run("git diff --unified=0").splitlines()
    assert len([line for line in changed if line.startswith("+") and not line.startswith("+++")]) == 3
    assert reader.run("secretsync check .").endswith("1 file checked, 1 encrypted: 0 findings\n")


def _commands(block: str) -> list[str]:
    return [line[2:] for line in block.splitlines() if line.startswith("$ ")]


def test_the_commands_of_the_page_do_and_print_what_it_shows(reader: Reader, server: Server) -> None:
    reader.recipient = reader.run("secretsync keygen -o ~/first-key.txt 2>&1").split()[-1]
    reader.write(".sops.yaml", "creation_rules:\n  - path_regex: \\.enc\\.\n    age: age1…\n")
    names = [f"apps/{number}.enc.yaml" for number in range(8)]
    for name in [*names, "apps/db.enc.yaml"]:
        reader.write(name, "a_unencrypted: b\nc: d\n")
    reader.run(f"for file in {' '.join(names)} apps/db.enc.yaml; do secretsync encrypt -i $file; done")
    reader.run(
        f"git remote add origin {server.origin} && git add . && git commit -q -m all && git push -q origin HEAD:x"
    )
    reader.follow("$ secretsync check .\n9 files checked, 9 encrypted: 0 findings")
    database = (reader.root / "apps/db.enc.yaml").read_text()
    reader.write("apps/db.enc.yaml", database.replace("a_unencrypted: b", "a_unencrypted: x"))
    reader.write("apps/web.yaml", PLAIN.replace("name: a", "name: session, namespace: web"))
    judged, baseline, pipeline = SHOWN.findall(PAGE.read_text())
    reader.follow(judged, code=1)
    reader.run(_commands(baseline)[0])
    assert reader.run("secretsync check . --baseline .secretsync-baseline.json").endswith("0 findings, 2 suppressed\n")
    fetch, *rest = _commands(pipeline)
    reader.run(fetch)
    reader.run(rest[0], code=1)
    assert len(ET.parse(reader.root / "secretsync.xml").findall(".//failure")) == 2
    assert rest[1:] == ["secretsync keys lint"]


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
