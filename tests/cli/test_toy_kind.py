"""A kind of master key that a test adds to the table works everywhere: no other module knows it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = """
import sys
from secretsync.masterkeys.kinds import KINDS
from tests.toys import kind
KINDS[kind.KIND.name] = kind.KIND
from secretsync.cli.__main__ import run
sys.exit(run(sys.argv[1:]))
"""
HOOK = PROGRAM.replace("secretsync.cli.__main__", "secretsync.hooks.__main__")
SECRET = """\
apiVersion: v1
kind: Secret
metadata:
  name: db
stringData:
  user: canary
"""


class Toy:
    """`secretsync` in a repository, with the toy in its table and ann at the keyboard."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.root = home / "repo"
        self.root.mkdir()
        self.git("init", "-q", "-b", "main")
        for name, value in (("user.name", "ann"), ("user.email", "ann@example.org"), ("commit.gpgsign", "false")):
            self.git("config", name, value)

    def run(self, *arguments: str, code: int = 0, program: str = PROGRAM, **environment: str) -> str:
        """Run a command and return what it printed, standard error last."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SOPS_", "GIT_", "XDG_"))}
        outcome = subprocess.run(
            [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False, cwd=self.root,
            env={**kept, "HOME": str(self.home), "PYTHONPATH": str(ROOT), "TOY_IDENTITIES": "ann", **environment},
        )  # fmt: skip
        assert outcome.returncode == code, outcome.stderr
        return outcome.stdout + outcome.stderr

    def git(self, *arguments: str) -> None:
        """Run git."""
        subprocess.run(["git", *arguments], cwd=self.root, check=True, capture_output=True)

    def commit(self) -> None:
        """Commit everything."""
        self.git("add", "-A")
        self.git("commit", "-qm", "state")

    def write(self, name: str, text: str) -> Path:
        """Write a file of the repository."""
        (self.root / name).write_text(text)
        return self.root / name


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    """Return an empty repository."""
    return Toy(tmp_path)


def test_options_and_variables_name_its_keys(toy: Toy) -> None:
    path = toy.write("a.yaml", "user: canary\n")
    toy.run("encrypt", "-i", "--toy-key", "toy:ann", "a.yaml")
    encrypted = path.read_text()
    assert "\n    toy:\n        - created_at: " in encrypted
    assert "\n          toy_name: toy:ann\n" in encrypted
    assert toy.run("decrypt", "a.yaml") == "user: canary\n"
    toy.run("rotate", "-i", "--add-toy-key", "toy:bob", "--rm-toy-key", "toy:ann", "a.yaml")
    assert toy.run("decrypt", "a.yaml", TOY_IDENTITIES="bob") == "user: canary\n"
    toy.write("b.yaml", "user: canary\n")
    assert "toy_name: toy:bob" in toy.run("encrypt", "b.yaml", TOY_RECIPIENTS="toy:bob")
    assert "--toy-key <str>" in toy.run("encrypt", "--help")


def test_messages_name_its_keys(toy: Toy) -> None:
    toy.write("a.yaml", "user: canary\n")
    assert "a.yaml: toy key 'nonsense' cannot be used" in toy.run("encrypt", "--toy-key", "nonsense", "a.yaml", code=1)
    toy.run("encrypt", "-i", "--toy-key", "toy:ann", "a.yaml")
    refused = toy.run("decrypt", "a.yaml", code=128, TOY_IDENTITIES="eve")
    assert "no identity here opens this file (toy toy:ann: toy:ann is not here)" in refused
    assert "toy toy:ann  (you)" in toy.run("explain", "a.yaml")
    assert "TOY_IDENTITIES" in toy.run("doctor")


def test_rules_and_key_groups_name_its_keys(toy: Toy) -> None:
    rules = """\
creation_rules:
  - path_regex: a.yaml
    toys: toy:ann,toy:bob
  - shamir_threshold: 2
    key_groups:
      - toy_group: [{called: toy:ann}]
      - toy_group: [{called: toy:bob}, {called: toy:eve}]
"""
    toy.write(".sops.yaml", rules)
    for name in ("a.yaml", "b.yaml"):
        toy.write(name, "user: canary\n")
        toy.run("encrypt", "-i", name)
    assert (toy.root / "a.yaml").read_text().count("toy_name: ") == 2
    assert toy.run("decrypt", "a.yaml", TOY_IDENTITIES="bob") == "user: canary\n"
    assert toy.run("decrypt", "b.yaml", TOY_IDENTITIES="ann,eve") == "user: canary\n"
    assert "1 of 2 key groups open" in toy.run("decrypt", "b.yaml", code=128)
    toy.write(".sops.yaml", "creation_rules: [{toys: [toy:bob]}]\n")
    toy.run("updatekeys", "-y", "a.yaml")
    assert toy.run("decrypt", "a.yaml", TOY_IDENTITIES="bob") == "user: canary\n"
    toy.run("decrypt", "a.yaml", code=128)


def test_it_lives_in_a_key_ring_and_its_rotations(toy: Toy) -> None:
    toy.run("init", "--recipient", "toy:ann", "--name", "ann")
    path = toy.write("db.enc.yaml", SECRET)
    toy.run("encrypt", "-i", "db.enc.yaml")
    toy.commit()
    toy.run("keys", "add", "bob", "toy:bob", "-g", "admins")
    generated = (toy.root / ".sops.yaml").read_text()
    assert "    toys:\n      # ann-2026 of ann\n      - toy:ann\n" in generated.replace(_year(generated), "2026")
    toy.run("updatekeys", "-y", ".")
    assert toy.run("decrypt", "db.enc.yaml", TOY_IDENTITIES="bob") == SECRET
    listed = json.loads(toy.run("keys", "list", "-o", "json"))["keys"]
    assert [(each["type"], each["recipient"]) for each in listed] == [
        ("toy-plain", "toy:ann"),
        ("toy-plain", "toy:bob"),
    ]
    toy.run("keys", "lint")
    toy.commit()
    plan = str(toy.home / "plan.json")
    toy.run("runbook", "remove", "plan", "bob", "--output", plan)
    done = toy.run("runbook", "remove", "apply", "--plan", plan, "--yes")
    assert "V11 passed" in done
    branch = next(line.split()[-1] for line in done.splitlines() if "git merge --ff-only" in line)
    toy.git("merge", "-q", "--ff-only", branch)
    assert toy.run("decrypt", "db.enc.yaml") == SECRET
    assert "toy:bob" not in path.read_text()


def _year(text: str) -> str:
    return text.partition("# ann-")[2][:4]


def test_a_rule_of_it_is_adopted_into_a_ring(toy: Toy) -> None:
    toy.write(".sops.yaml", "creation_rules:\n  - toys:\n      - toy:ann  # ann\n      - toy:bob  # bob\n")
    toy.write("db.enc.yaml", SECRET)
    toy.run("encrypt", "-i", "db.enc.yaml")
    toy.commit()
    toy.run("init")
    listed = json.loads(toy.run("keys", "list", "-o", "json"))["keys"]
    assert {(each["principal"], each["kind"], each["recipient"]) for each in listed} == {
        ("ann", "service", "toy:ann"),
        ("bob", "service", "toy:bob"),
    }


def test_a_hook_opens_it_where_its_configuration_says_so(toy: Toy) -> None:
    toy.write("db.yaml", SECRET)
    toy.run("encrypt", "-i", "--encrypted-regex", "^stringData$", "--toy-key", "toy:ann", "db.yaml")
    configuration = toy.home / "hook.yaml"
    for identities, code in (("toy: /run/ann", 0), ("gnupg_home: /nowhere", 5)):
        configuration.write_text(f"apiVersion: secretsync/v1\nkind: HookConfiguration\nidentities: {{{identities}}}\n")
        configuration.chmod(0o600)
        printed = toy.run("render", "--operator-config", str(configuration), "db.yaml", code=code, program=HOOK)
        assert ("user: canary" in printed) == (code == 0)
