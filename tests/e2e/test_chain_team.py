"""Somebody who may read a third of the files lives in the repository: rules, a check and a hook that do not stop him."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from secretsync import age
from tests.e2e.test_chain import NEIGHBOURS
from tests.peers.binaries import REPOSITORY

PEOPLE = ("alice", "bob", "carol", "dave", "erin", "frank")
CLUSTERS = ("prod", "staging", "dev")  # dave and frank read the last only
POLICY = """\
apiVersion: secretsync/v1
kind: Policy
rules:
  - paths: ['prod/**/*.enc.{yaml,yml}']
    readers: [alice, bob, cluster:prod]
    encrypt: {encrypted_regex: '^(data|stringData)$'}
  - paths: ['prod/**/*.enc.*']
    readers: [alice, bob, cluster:prod]
  - paths: ['staging/**/*.enc.{yaml,yml}']
    readers: [alice, bob, carol, erin, cluster:staging]
    encrypt: {encrypted_regex: '^(data|stringData)$'}
  - paths: ['staging/**/*.enc.*']
    readers: [alice, bob, carol, erin, cluster:staging]
  - paths: ['dev/**/*.enc.{yaml,yml}']
    readers: [alice, bob, carol, dave, erin, frank, cluster:dev]
    encrypt: {encrypted_regex: '^(data|stringData)$'}
  - paths: ['dev/**/*.enc.*']
    readers: [alice, bob, carol, dave, erin, frank, cluster:dev]
"""
MANIFEST = (
    "apiVersion: v1\nkind: Secret\nmetadata: {{name: s{0}, namespace: shop}}\nstringData: {{password: hunter2-{0}}}\n"
)
MADE = (
    ("app {}/db.enc.yaml", MANIFEST),
    ("app {}/Übersicht.enc.yaml", "# {0}\n" + MANIFEST + "---\n" + MANIFEST),
    ("app {}/it's & more.enc.json", '{{"token": "hunter2-{0}", "list": [1, true, null]}}\n'),
    ("app {}/-app.enc.env", "PASSWORD=hunter2-{0}\n# a remark\n"),
    ("app {}/old\nnew.enc.ini", "[one]\nkey = hunter2-{0}\n"),
)
IN_ONE_PROCESS = (
    "import sys; from secretsync.cli.__main__ import run; "
    "sys.exit(any([run(['encrypt', '-i', path]) for path in sys.argv[1:]]))"
)
"""Encrypts files as the command does; 150 starts of Python would take half a minute."""
PAGE = REPOSITORY / "docs" / "how-to" / "check-in-ci.md"


class Team:
    """The repository, and a home folder for each of six people."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.root = folder, folder / "shop"
        self.keys = {name: age.generate() for name in (*PEOPLE, *CLUSTERS)}
        for name in PEOPLE:
            (folder / name).mkdir()
            (folder / name / "key.txt").write_text(self.keys[name].expose())
        self.root.mkdir()
        self.sh("alice", "git init -q -b main")

    def run(self, who: str, *command: str, code: int = 0) -> str:
        """Run a program as somebody and return what it prints."""
        environ = {
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "HOME": str(self.folder / who),
            "SOPS_AGE_KEY_FILE": str(self.folder / who / "key.txt"),
            "NO_COLOR": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            **{f"GIT_{role}_{what}": f"{who}@x" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
        }
        done = subprocess.run(command, cwd=self.root, env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == code, (command, done.stdout[-3000:], done.stderr[-3000:])
        return done.stdout + done.stderr

    def sh(self, who: str, script: str, code: int = 0) -> str:
        """Run a script as somebody."""
        return self.run(who, "bash", "-euc", script, code=code)

    def secretsync(self, who: str, *arguments: str, code: int = 0) -> str:
        """Run a command as somebody."""
        return self.run(who, "secretsync", *arguments, code=code)

    def write(self, path: str, text: str) -> None:
        """Write a file, with its folders."""
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def commit(self, who: str, code: int = 0) -> str:
        """Commit everything, through the hook where there is one."""
        return self.sh(who, "git add -A && git commit -q -m change", code)

    def install_hook(self) -> None:
        """Install the hook that the page shows."""
        script = re.search(r"^```sh\n(#!/bin/sh\n.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
        assert script
        hook = self.root / ".git" / "hooks" / "pre-commit"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(script[1])
        hook.chmod(0o755)


def _found(team: Team) -> list[str]:
    """Write the key ring and 150 files, encrypt them, and return their paths."""
    team.secretsync("alice", "init", "--name", "alice", "--recipient", str(team.keys["alice"]))
    for name in PEOPLE[1:]:
        team.secretsync("alice", "keys", "add", name, str(team.keys[name]))
    for name in CLUSTERS:
        team.secretsync("alice", "keys", "add", name, str(team.keys[name]), "--kind", "cluster")
    team.write("keys/policy.yaml", POLICY)
    team.secretsync("alice", "keys", "lint", "--fix", "--accept")
    for path, text in NEIGHBOURS.items():
        team.write(path, text)
    team.commit("alice")
    paths = []
    for cluster in CLUSTERS:
        for number in range(10):
            for name, text in MADE:
                paths.append(f"{cluster}/{name.format(number)}")
                team.write(paths[-1], text.format(number))
    team.commit("alice")
    team.secretsync("alice", "encrypt", "-i", f"./{paths[0]}")
    team.run("alice", sys.executable, "-c", IN_ONE_PROCESS, *(f"./{path}" for path in paths[1:]))
    team.commit("alice")
    return paths


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Team:
    """Return the repository with 150 encrypted files and its hook."""
    made = Team(tmp_path_factory.mktemp("team"))
    assert len(_found(made)) == 150
    made.install_hook()
    return made


@pytest.mark.parametrize("who", ["alice", "dave"])
def test_the_repository_is_green_for_who_reads_all_and_for_who_reads_a_third(team: Team, who: str) -> None:
    for use in ("auto", "none", "required"):
        told = team.secretsync(who, "check", ".", "--keys", use)
        assert told.endswith("150 encrypted: 0 findings\n")
    assert team.secretsync(who, "keys", "lint").endswith("0 findings\n")
    assert len(team.secretsync(who, "check", ".").splitlines()) <= 8


def test_who_reads_a_third_is_told_by_name_whom_the_rest_is_for(team: Team) -> None:
    told = team.secretsync("dave", "check", ".")
    assert "for want of a key" in told
    assert "50 files for age" in told
    assert "(prod, prod-" in told


def test_who_may_not_read_prod_commits_what_he_encrypted_for_it(team: Team) -> None:
    team.write("prod/dave's.enc.yaml", MANIFEST.format("dave"))
    team.commit("dave", code=1)
    team.secretsync("dave", "encrypt", "-i", "prod/dave's.enc.yaml")
    team.commit("dave")
    assert team.secretsync("dave", "check", ".", "--keys", "required").endswith("151 encrypted: 0 findings\n")
    assert "hunter2-dave" in team.secretsync("alice", "decrypt", "prod/dave's.enc.yaml")


def test_what_he_gets_wrong_stops_his_commit(team: Team) -> None:
    wrong = {
        "dev/app.enc.env": ("PASSWORD=hunter2\n", "not-encrypted"),
        "dev/plain.yaml": (MANIFEST.format("x"), "plaintext-secret"),
        "dev/key.txt": (team.keys["dave"].expose(), "private-key-in-repository"),
        "prod/.sops.yaml": ("creation_rules: []\n", ""),
    }
    for path, (text, rule) in wrong.items():
        team.write(path, text)
        if rule:
            told = team.commit("dave", code=1)
            assert f"[{rule}]" in told
            assert "hunter2" not in told
        else:
            assert "[nested-config]" in team.secretsync("dave", "keys", "lint", code=1)
        team.sh("dave", "git reset -q && git clean -fdq")


def test_he_changes_what_he_reads_and_nothing_else_changes(team: Team) -> None:
    team.secretsync("dave", "set", "dev/app 3/db.enc.yaml", '["stringData"]["password"]', '"other"')
    team.secretsync("dave", "set", "prod/app 3/db.enc.yaml", '["stringData"]["password"]', '"other"', code=128)
    assert team.sh("dave", "git diff --name-only").split("\n")[:-1] == ["dev/app 3/db.enc.yaml"]
    team.commit("dave")
