"""Encrypted files whose names hold what separates, quotes or selects, through every command that asks git for them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.rotation.repositories import FILES, Sandbox

NAMES = (
    "a\x1eb.yaml",
    "a\x1f2020-01-01\x1f.yaml",
    ":(top)x.yaml",
    '"q".yaml',
    "-rf.yaml",
    "é *?[x].yaml",
)


BROKEN = "line\nbreak.yaml"
"""A name that no `.` of a rule's pattern matches, so that rules do not reach the file; git's history does."""


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    """Return a repository with such files."""
    made = Sandbox(tmp_path / "shop")
    made.fill({f"prod/{name}": FILES["prod/db.yaml"] for name in NAMES})
    return made


def _run(sandbox: Sandbox, *arguments: str, accept: tuple[int, ...] = (0,)) -> str:
    environ = {"PATH": os.environ["PATH"], "HOME": str(sandbox.root.parent), "GIT_CONFIG_NOSYSTEM": "1"}
    keys = {"SOPS_AGE_KEY_FILE": str(sandbox.key_file("alice"))}
    command = [sys.executable, "-m", "secretsync.cli", *arguments]
    ended = subprocess.run(
        command, cwd=sandbox.root, env={**environ, **keys}, capture_output=True, text=True, check=False
    )
    assert ended.returncode in accept, ended.stderr
    _is_plain(ended.stderr)
    return ended.stdout


def test_files_are_found_and_rotated_whatever_they_are_called(sandbox: Sandbox) -> None:
    paths = sorted(f"prod/{name}" for name in NAMES)
    assert json.loads(_run(sandbox, "due", "--max-age", "365", "-o", "json"))["encrypted"] == len(NAMES)
    exposed = json.loads(_run(sandbox, "exposure", "bob", "-o", "json"))["values"]
    assert sorted({one["path"] for one in exposed}) == paths
    evidence = json.loads(_run(sandbox, "runbook", "remove", "apply", "bob", "--yes", "-o", "json"))
    assert sorted(one["path"] for one in evidence["files"]) == paths
    assert "failed" not in {check["status"] for check in evidence["checks"]}
    sandbox.git("merge", "-q", "--ff-only", evidence["branch"])
    assert sandbox.git("status", "--porcelain") == ""
    for path in paths:
        assert sandbox.text(path) == FILES["prod/db.yaml"].encode()
    assert _run(sandbox, "keys", "lint")


HOSTILE = (
    "latin-1 \udce9.yaml",
    "esc\x1b[31m\x1b]0;title\x07.yaml",
    "carriage\rreturn.yaml",
    "c1\x9b31m.yaml",
    "bidi\u202eover.yaml",
    "separator\u2028.yaml",
    "`ticks` ``two``.yaml",
)
"""Names that a terminal or a reader of Markdown would obey, and one that is no UTF-8."""


def test_no_report_is_steered_by_names_and_json_has_their_bytes(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path / "shop")
    paths = sorted(f"prod/{name}" for name in HOSTILE)
    sandbox.fill(dict.fromkeys(paths, FILES["prod/db.yaml"]))
    plan = str(tmp_path / "plan.json")
    for command in (
        ["keys", "lint"],
        ["check", "prod"],
        ["due", "--max-age", "1"],
        ["exposure", "bob"],
        ["runbook", "remove", "plan", "bob"],
        ["runbook", "remove", "plan", "bob", "--output", plan],
        ["runbook", "remove", "apply", "--plan", plan, "--yes"],
        ["runbook", "remove", "status"],
        ["runbook", "remove", "verify"],
        ["runbook", "remove", "rollback"],
    ):
        _is_plain(_run(sandbox, *command, accept=(0, 1)))
    for form in (
        ["due", "--max-age", "1", "-o", "json"],
        ["keys", "lint", "-o", "json"],
        ["check", "prod", "-o", "sarif"],
    ):
        assert json.loads(_run(sandbox, *form, accept=(0, 1)))
    exposed = json.loads(_run(sandbox, "exposure", "bob", "-o", "json"))["values"]
    assert sorted({one["path"] for one in exposed}) == paths
    evidence = json.loads(_run(sandbox, "runbook", "remove", "apply", "--plan", plan, "--yes", "-o", "json"))
    assert sorted(one["path"] for one in evidence["files"]) == paths
    _is_plain(Path(evidence["folder"], "evidence.md").read_text(encoding="utf-8"))
    sandbox.git("merge", "-q", "--ff-only", evidence["branch"])
    for path in paths:
        assert sandbox.text(path) == FILES["prod/db.yaml"].encode()
    _is_plain(_run(sandbox, "rotate", "-i", "prod"))


def _is_plain(text: str) -> None:
    assert [sign for sign in text if not sign.isprintable() and sign != "\n"] == []


def test_a_line_break_that_no_rule_matches_is_told_in_a_line_before_anything_is_written(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path / "shop")
    sandbox.fill({f"prod/{BROKEN}": FILES["prod/db.yaml"]})
    told = _run(sandbox, "runbook", "remove", "apply", "bob", "--yes", accept=(10,))
    assert told == ""
    assert sandbox.git("branch", "--format=%(refname:short)") == "main"
    assert not (sandbox.root / ".git/secretsync").exists()


def test_history_of_a_file_with_a_line_break_in_its_name_is_read(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path / "shop")
    sandbox.fill({f"prod/{BROKEN}": FILES["prod/db.yaml"]})
    assert json.loads(_run(sandbox, "due", "--max-age", "365", "-o", "json"))["encrypted"] == 1
    exposed = json.loads(_run(sandbox, "exposure", "bob", "-o", "json"))["values"]
    assert {one["path"] for one in exposed} == {f"prod/{BROKEN}"}
    (sandbox.root / ".sops.yaml").unlink()
    _keep(sandbox, BROKEN)


@pytest.mark.parametrize("name", NAMES[::2])
def test_ciphertext_is_kept_from_a_file_whatever_it_is_called(sandbox: Sandbox, name: str) -> None:
    _keep(sandbox, name)


def _keep(sandbox: Sandbox, name: str) -> None:
    """Encrypt a file of HEAD anew: what did not change keeps its ciphertext."""
    path = f"prod/{name}"
    target = sandbox.root / path
    before = [line for line in target.read_text().splitlines() if "password:" in line]
    target.write_bytes(sandbox.text(path))
    recipients = ("--age", sandbox.recipient("alice"), "--encrypted-regex", "^(data|stringData)$")
    _run(sandbox, "encrypt", "--reuse", "HEAD", *recipients, "-i", f"./{path}")
    assert [line for line in target.read_text().splitlines() if "password:" in line] == before
