"""`secretsync runbook`, `exposure` and `due` as people and machines call them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from secretsync.errors import PARTIAL, ProofError
from secretsync.rotation import model
from tests.cli.conftest import Invoke
from tests.unit.rotation import monorepo
from tests.unit.rotation.repositories import FILES, Sandbox


@pytest.fixture
def sandbox(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """Return a repository with a key ring and four encrypted files, opened with alice's identity."""
    made = Sandbox(folder / "shop")
    made.fill()
    monkeypatch.chdir(made.root)
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(made.key_file("alice")))
    return made


def test_a_plan_is_reviewed_as_a_file_and_carried_out(sandbox: Sandbox, invoke: Invoke, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    outcome = invoke("runbook", "remove", "plan", "bob", "--output", plan)
    assert outcome.code == 0
    assert b"rotate     prod/db.yaml  -bob-1" in outcome.out
    assert json.loads(plan.read_bytes())["base"] == sandbox.git("rev-parse", "HEAD")
    applied = invoke("runbook", "remove", "apply", "--plan", plan, "--yes", "-o", "json")
    assert applied.code == 0, applied.err
    evidence = json.loads(applied.out)
    assert evidence["plan"]["digest"] == json.loads(plan.read_bytes())["digest"]
    assert {check["status"] for check in evidence["checks"]} <= {"passed", "unknown", "not applicable"}
    assert {file["path"] for file in evidence["files"]} == set(FILES)
    status = json.loads(invoke("runbook", "remove", "status", "-o", "json").out)
    assert (status["state"], status["files"]) == ("done", {"planned": 4, "written": 4})
    verified = invoke("runbook", "remove", "verify", "-o", "json", "--held", sandbox.key_file("bob"))
    assert {check["id"]: check["status"] for check in json.loads(verified.out)["checks"]}["V7"] == "passed"
    rolled_back = invoke("runbook", "remove", "rollback", "-o", "json")
    assert json.loads(rolled_back.out)["state"] == "rolled-back"
    assert sandbox.git("branch") == "* main"


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_branch_on_which_a_check_failed_is_never_called_ready(sandbox: Sandbox, invoke: Invoke, form: str) -> None:
    """Somebody puts a file for bob beside the commits that take him out; once it is gone, the same operation is done."""
    assert invoke("runbook", "remove", "apply", "bob", "--yes").code == 0
    branch = sandbox.git("branch", "--list", "secretsync/*", "--format=%(refname:short)")
    sandbox.git("checkout", "-q", branch)
    sandbox.write({"dev/late.yaml": sandbox.encrypt("dev/late.yaml", "a: b\n", "alice", "bob")})
    sandbox.commit()
    outcome = invoke("runbook", "remove", "resume", "-o", form)
    assert outcome.code == 7
    assert b"ready" not in outcome.out
    assert b"dev/late.yaml: still names bob-1" in outcome.out
    if form == "json":
        assert json.loads(outcome.out)["ending"] == "failed"
    else:
        assert f"branch {branch} is not to be merged: V8 failed\n".encode() in outcome.out
    assert json.loads(invoke("runbook", "remove", "status", "-o", "json").out)["state"] == "failed"
    sandbox.git("rm", "-q", "dev/late.yaml")
    sandbox.commit()
    assert invoke("runbook", "remove", "resume").code == 0
    assert json.loads(invoke("runbook", "remove", "status", "-o", "json").out)["state"] == "done"


def test_evidence_is_judged_in_a_bare_clone_that_nobody_may_write(sandbox: Sandbox, invoke: Invoke) -> None:
    evidence, bare = sandbox.root.parent / "evidence.json", sandbox.root.parent / "bare.git"
    assert invoke("runbook", "remove", "apply", "bob", "--yes").code == 0
    assert invoke("runbook", "remove", "evidence", "--output", evidence).code == 0
    assert b"# 2" in invoke("runbook", "remove", "evidence").out
    sandbox.git("merge", "-q", "--no-ff", "-m", "bob leaves", sandbox.git("branch", "--list", "secretsync/*").strip())
    sandbox.git("clone", "-q", "--bare", str(sandbox.root), str(bare))
    for path in bare.rglob("*"):
        path.chmod(0o500 if path.is_dir() else 0o400)
    good = invoke(
        "runbook", "remove", "verify", "--git-dir", bare, "--at", "main", "--evidence", evidence, "-o", "json"
    )
    for path in bare.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
    assert good.code == 0, good.err
    assert {"V1", "files", "ring", "nothing-else", "signature"} <= {one["id"] for one in json.loads(good.out)["checks"]}
    assert invoke("runbook", "remove", "verify", "--git-dir", bare).code == 0, "its branch is here"
    unknown = invoke("runbook", "align", "verify", "--git-dir", bare)
    assert (unknown.code, unknown.out) == (10, b"")
    assert "--evidence FILE" in unknown.err


def test_what_is_not_good_is_shown_and_is_a_failed_proof(sandbox: Sandbox, invoke: Invoke) -> None:
    assert invoke("runbook", "remove", "apply", "bob", "--yes").code == 0
    outcome = invoke("runbook", "remove", "verify", "--at", "main", "-o", "json")
    assert outcome.code == ProofError.exit_code
    assert json.loads(outcome.out)["good"] is False
    assert "files: dev/app.env: is as it was before the operation" in outcome.err
    assert invoke("runbook", "remove", "verify").code == 0


def test_a_base_that_moved_elsewhere_is_no_obstacle(sandbox: Sandbox, invoke: Invoke, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    invoke("runbook", "remove", "plan", "bob", "--output", plan)
    sandbox.write({"README.md": "A larger shop.\n"})
    sandbox.commit()
    outcome = invoke("runbook", "remove", "apply", "--plan", plan, "--yes")
    assert outcome.code == 0
    assert "the base moved" in outcome.err


def test_a_base_that_moved_under_the_plan_is_refused_by_name(sandbox: Sandbox, invoke: Invoke, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    invoke("runbook", "remove", "plan", "bob", "--output", plan)
    sandbox.write({"dev/app.env": sandbox.encrypt("dev/app.env", "PASSWORD=new\n", "alice", "bob", "carol")})
    sandbox.commit()
    outcome = invoke("runbook", "remove", "apply", "--plan", plan, "--yes")
    assert outcome.code == 10
    assert "changed since the plan was made: dev/app.env" in outcome.err
    assert sandbox.git("branch") == "* main"


def test_one_plan_becomes_several_pull_requests(sandbox: Sandbox, invoke: Invoke) -> None:
    planned = invoke("runbook", "remove", "plan", "bob", "--budget", "2")
    assert planned.code == 0
    assert b"beyond the budget" in planned.out
    first = invoke("runbook", "remove", "apply", "bob", "--yes", "--budget", "2")
    assert first.code == PARTIAL, first.err
    assert b"2 files remain for another run" in first.out
    branch = sandbox.git("for-each-ref", "--format=%(refname:short)", "refs/heads/secretsync")
    sandbox.git("merge", "-q", "--squash", branch)
    sandbox.git("commit", "-q", "-m", "first half (#1)")
    assert invoke("runbook", "remove", "verify", "--at", "main").code == ProofError.exit_code
    assert invoke("runbook", "remove", "resume", "--budget", "1").code == PARTIAL
    assert invoke("runbook", "remove", "resume").code == 0
    sandbox.git("merge", "-q", "--no-ff", "-m", "second half (#2)", branch)
    judged = invoke("runbook", "remove", "verify", "--at", "main")
    assert judged.code == 0, judged.out


def test_the_branch_alone_says_in_another_clone_what_was_promised(sandbox: Sandbox, invoke: Invoke) -> None:
    clone = sandbox.root.parent / "clone"
    assert invoke("runbook", "remove", "apply", "bob", "--yes").code == 0
    sandbox.git("clone", "-q", str(sandbox.root), str(clone))
    for setting in ("user.name", "user.email"):
        sandbox.git("-C", str(clone), "config", setting, "x@example.org")
    assert invoke("runbook", "remove", "verify", "-C", clone).code == 0
    branch = sandbox.git("for-each-ref", "--format=%(refname:short)", "refs/heads/secretsync")
    sandbox.git("-C", str(clone), "merge", "-q", "--no-ff", "-m", "bob leaves", f"origin/{branch}")
    sandbox.git("-C", str(clone), "branch", "-q", "-r", "-d", f"origin/{branch}")
    assert invoke("runbook", "remove", "verify", "-C", clone).code == 0
    sandbox.git("-C", str(clone), "checkout", "-q", "HEAD^1", "--", "dev/app.env")
    sandbox.git("-C", str(clone), "commit", "-q", "-m", "back")
    bad = invoke("runbook", "remove", "verify", "-C", clone)
    assert bad.code == ProofError.exit_code
    assert "dev/app.env" in bad.err
    assert sandbox.git("-C", str(clone), "for-each-ref", "refs/heads/secretsync") == ""


def test_tasks_are_ticked_off(sandbox: Sandbox, invoke: Invoke) -> None:
    assert invoke("runbook", "remove", "apply", "bob", "--yes").code == 0
    assert b"  1 [ ]  until" in invoke("runbook", "remove", "status").out
    text = invoke("runbook", "remove", "status", "--done", "2", "--done", "1").out
    assert b"(2 of " in text
    assert b"  2 [x]  until" in text
    tasks = json.loads(invoke("runbook", "remove", "status", "-o", "json").out)["tasks"]
    assert [bool(task["done"]) for task in tasks[:3]] == [True, True, False]
    none = invoke("runbook", "remove", "status", "--done", "99")
    assert (none.code, none.out) == (3, b"")
    assert "there is no task 99" in none.err


def test_a_plan_whose_keys_were_edited_is_refused_for_that(sandbox: Sandbox, invoke: Invoke, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    invoke("runbook", "remove", "plan", "bob", "--output", plan)
    made = model.parse(plan.read_bytes(), "plan.json")
    keys = {**made.keys, "alice-1": replace(made.keys["alice-1"], recipient=sandbox.recipient("dave"))}
    plan.write_bytes(model.dump(replace(made, keys=keys)))
    outcome = invoke("runbook", "remove", "apply", "--plan", plan, "--yes")
    assert outcome.code == 10
    assert "the plan was edited" in outcome.err
    assert "alice-1 is not what the key ring says" in outcome.err
    assert "the base moved" not in outcome.err
    assert sandbox.git("branch") == "* main"


def test_a_diff_shows_who_gains_and_loses_and_no_value(sandbox: Sandbox, invoke: Invoke) -> None:
    text = invoke("runbook", "remove", "plan", "bob", "--diff").out.decode()
    assert "in all: 5 key ring files; 4 encrypted files; bob-1 loses 4 files" in text
    for line in (
        "+++ b/keys/retired/bob.yaml",
        "--- a/.sops.yaml",
        "-      # bob-1 of bob",
        "-    readers: [alice, bob, carol]",
    ):
        assert line in text.splitlines()
    assert "--- a/dev/app.env\n+++ b/dev/app.env\n@@ a new data key for 1 value @@\n-bob-1 of bob\n" in text
    assert not any(value in text for value in ("hunter2", "t0ken", "ENC["))
    assert invoke("runbook", "remove", "plan", "bob", "--diff", "-o", "json").code == 3


def test_the_text_of_a_pull_request_has_tables_and_tasks_to_tick_off(sandbox: Sandbox, invoke: Invoke) -> None:
    sandbox.write(
        {"dev/a|b`c.env": sandbox.encrypt("dev/a.env", "A=b\n", "alice", "bob", "carol"), "keys/pgp/```.asc": "x"}
    )
    sandbox.commit()
    text = invoke("runbook", "remove", "plan", "bob", "-o", "markdown", "--diff").out.decode()
    assert text.startswith("# new data keys, without bob\n")
    assert "| `bob-1` | bob |  | 5 |" in text
    assert "| `` dev/a\\|b`c.env `` | a new data key for 1 value |" in text
    assert "- [ ] merge the branch" in text
    assert "```diff\n--- a/.sops.yaml" in text
    applied = invoke("runbook", "remove", "apply", "bob", "--yes", "-o", "markdown").out.decode()
    assert "| V8 |" in applied
    assert "- [ ] merge the branch" in applied
    assert invoke("runbook", "remove", "verify", "-o", "markdown").code == 3


def test_what_has_one_cause_is_told_once(sandbox: Sandbox, invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox.write({f"dev/f{n}.env": sandbox.encrypt("dev/f.env", "A=b\n", "alice", "bob", "carol") for n in range(70)})
    sandbox.commit()
    text = invoke("runbook", "remove", "plan", "bob").out.decode()
    assert "  rotate     74 files (dev/app.env, dev/app.json, dev/f0.env and 71 more)  -bob-1\n" in text
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(sandbox.key_file("dave")))
    told = [
        line for line in invoke("runbook", "remove", "plan", "bob").out.decode().splitlines() if "problem: " in line
    ]
    assert len(told) <= 3
    assert told[0].startswith("problem: 72 files (dev/app.env, dev/app.json, dev/f0.env and 69 more): ")
    assert all(len(line) < 350 for line in told)


def test_problems_are_listed_and_exit_with_1(sandbox: Sandbox, invoke: Invoke) -> None:
    (sandbox.root / "prod/db.yaml").write_text("x: y\n")
    outcome = invoke("runbook", "remove", "plan", "bob")
    assert outcome.code == 1
    assert b"problem: prod/db.yaml: has changes that are not committed" in outcome.out
    as_json = invoke("runbook", "remove", "plan", "bob", "-o", "json")
    assert [problem["kind"] for problem in json.loads(as_json.out)["problems"]] == ["dirty"]
    applied = invoke("runbook", "remove", "apply", "bob", "--yes")
    assert applied.code == 10
    assert sandbox.git("branch") == "* main"


def test_nobody_to_ask_is_an_error_and_nothing_happens(sandbox: Sandbox, invoke: Invoke) -> None:
    outcome = invoke("runbook", "remove", "apply", "bob")
    assert outcome.code == 3
    assert "--yes" in outcome.err
    assert sandbox.git("branch") == "* main"


def test_a_missing_parameter_is_named(sandbox: Sandbox, invoke: Invoke) -> None:
    outcome = invoke("runbook", "add", "plan", "dave")
    assert outcome.code == 3
    assert "recipient" in outcome.err


def test_an_operation_that_is_not_there_is_named(sandbox: Sandbox, invoke: Invoke) -> None:
    assert "no operation of runbook align" in invoke("runbook", "align", "status").err
    assert "no operation 'x'" in invoke("runbook", "align", "resume", "x").err


def test_branches_that_are_not_live_are_told_and_do_not_fail(sandbox: Sandbox, invoke: Invoke) -> None:
    sandbox.git("branch", "old")
    sandbox.git("rm", "-q", "prod/db.yaml", "prod/api.yaml", "dev/app.json", "dev/app.env")
    sandbox.commit()
    assert invoke("exposure", "bob", "--fail").code == 1
    policy = (sandbox.root / "keys/policy.yaml").read_text()
    sandbox.change_ring({"keys/policy.yaml": f"live_refs: [main]\n{policy}"})
    text = invoke("exposure", "bob", "--fail")
    assert text.code == 0
    assert b"at the head of no branch that the policy takes for live, but at these refs" in text.out
    assert b"live are HEAD and the policy's live_refs (main); 1 other ref of branches count as elsewhere" in text.out
    told = json.loads(invoke("exposure", "bob", "-o", "json").out)
    assert told["not_live"] == ["refs/heads/old"]
    assert {one["state"] for one in told["values"]} == {"elsewhere"}


def test_exposure_shows_places_and_no_value(sandbox: Sandbox, invoke: Invoke) -> None:
    text = invoke("exposure", "bob")
    assert b"prod/db.yaml  stringData.password" in text.out
    assert b"hunter2" not in text.out
    values = json.loads(invoke("exposure", "bob-1", "-o", "json").out)["values"]
    assert {value["state"] for value in values} == {"live"}
    assert invoke("exposure", "nobody").code == 3


def test_due_lists_old_data_keys(sandbox: Sandbox, invoke: Invoke) -> None:
    assert invoke("due", "--max-age", "1").out == b"0 of 4 files are due\n"
    found = json.loads(invoke("due", "--max-age", "1", "-o", "json").out)
    assert (found["encrypted"], found["due"]) == (4, [])
    assert "max_datakey_age" in invoke("due").err


def test_an_interrupt_ends_with_130_and_the_command_to_go_on(sandbox: Sandbox) -> None:
    """It comes as soon as the journal holds the first file and, as from a terminal, to every process of the group."""
    environ = {**os.environ, "PATH": os.environ["PATH"], "SOPS_AGE_KEY_FILE": str(sandbox.key_file("alice"))}
    program = (
        "import os, signal, sys\n"
        "from secretsync.rotation import journal\n"
        "record = journal.Operation.record\n"
        "def told(self, event, **values):\n"
        "    record(self, event, **values)\n"
        "    if event == 'file': os.killpg(0, signal.SIGINT)\n"
        "journal.Operation.record = told\n"
        "from secretsync.cli.__main__ import run\n"
        "sys.exit(run(sys.argv[1:]))\n"
    )
    command = [sys.executable, "-c", program, "runbook", "remove", "apply", "bob", "--yes"]
    ended = subprocess.run(
        command,
        env=environ,
        cwd=sandbox.root,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        start_new_session=True,
    )
    assert ended.returncode == 128 + signal.SIGINT, ended.stderr
    hint = next(line for line in ended.stderr.splitlines() if "hint: " in line).partition("hint: ")[2]
    assert hint.startswith("secretsync runbook remove resume ")
    assert "\r" not in ended.stderr, "progress is for a terminal"
    resume = [sys.executable, "-m", "secretsync.cli", *hint.split()[1:]]
    assert (
        subprocess.run(resume, env=environ, cwd=sandbox.root, capture_output=True, check=False, timeout=60).returncode
        == 0
    )


@pytest.mark.parametrize(
    ("runbook", "option", "value"),
    [
        ("add", "--due-days", "abc"),
        ("add", "--recipient", "age1xyz"),
        ("add", "--kind", "alien"),
        ("age-out", "--budget", "-5"),
        ("age-out", "--max-age", "99999999999"),
        ("compromised", "--since", "yesterday"),
        ("expiring", "--expires", "2026-02-30"),
        ("reseal", "--due-days", ""),
    ],
)
def test_a_parameter_that_is_none_is_a_wrong_command_line_wherever_one_stands(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runbook: str, option: str, value: str
) -> None:
    monkeypatch.chdir(tmp_path)  # no repository: the command line is looked at first
    subject = [] if runbook == "age-out" else ["dave"]
    for verb in ("plan", "apply"):
        outcome = invoke("runbook", runbook, verb, *subject, option, value)
        assert (outcome.code, outcome.out) == (2, b"")
        assert option in outcome.err.splitlines()[0]
        assert len(outcome.err.splitlines()) == 2  # and a hint


@pytest.mark.parametrize("command", [("due", "--max-age", "1"), ("exposure", "bob")], ids=" ".join)
def test_a_bare_repository_is_read_where_it_is_named_and_never_inside_another_one(
    sandbox: Sandbox, invoke: Invoke, command: tuple[str, ...]
) -> None:
    bare, inside = sandbox.root.parent / "bare.git", sandbox.root / "inside.git"
    for one in (bare, inside):
        sandbox.git("clone", "-q", "--bare", str(sandbox.root), str(one))
    beside = invoke(*command)
    named = invoke(*command, "--git-dir", bare)
    assert (named.code, named.out) == (beside.code, beside.out) == (0, beside.out)
    assert invoke(*command, "-C", bare.parent, "--git-dir", "bare.git").out == beside.out
    assert invoke(*command, "-C", bare).out == beside.out
    met = invoke(*command, "-C", inside)
    assert (met.code, met.out) == (10, b"")
    assert "--git-dir" in met.err


def test_a_key_ring_in_a_subfolder_is_taken_by_what_reads_commits(sandbox: Sandbox, invoke: Invoke) -> None:
    """Files, history and refs count below that folder alone, and are named from there."""
    sandbox.git("checkout", "-q", "--orphan", "teams")
    sandbox.git("rm", "-rq", "--cached", ".")
    sandbox.git("branch", "-D", "main")
    monorepo.fill(sandbox)
    for folder in ("team-a", "team-a/prod"):
        late = invoke("due", "-C", folder, "--max-age", "1")
        assert late.out.decode().splitlines() == ["only files below team-a are looked at", "0 of 4 files are due"]
    known = json.loads(invoke("due", "-C", "team-a", "--max-age", "1", "-o", "json").out)
    assert (known["within"], known["encrypted"]) == ("team-a", 4)
    seen = json.loads(invoke("exposure", "bob", "-C", "team-a", "-o", "json").out)
    assert seen["within"] == "team-a"
    assert {one["path"] for one in seen["values"]} == set(FILES)
    assert [home for one in seen["values"] for home in one["elsewhere"]] == []
    assert b"only files below team-a are looked at" in invoke("exposure", "bob", "-C", "team-a").out
    assert b"note: only files below team-a" in invoke("runbook", "remove", "plan", "bob", "-C", "team-a").out
    assert invoke("runbook", "remove", "apply", "bob", "-C", "team-a", "--yes").code == 0
    assert invoke("runbook", "remove", "verify", "-C", "team-a/dev").code == 0
    assert b"V8" in invoke("runbook", "remove", "evidence", "-C", "team-a").out
    assert b"rolled-back" in invoke("runbook", "remove", "rollback", "-C", "team-a").out


def test_any_folder_of_the_repository_stands_for_it(sandbox: Sandbox, invoke: Invoke) -> None:
    assert invoke("runbook", "remove", "plan", "bob", "-C", "prod").code == 0
    assert invoke("due", "--max-age", "1", "-C", "prod").code == 0
