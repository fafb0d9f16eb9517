"""Teams without a common reader: what opens is changed, the rest waits by name, and others go on from their own clones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from secretsync.errors import NoIdentityMatchError, PlanProblemError, ProofError, RepositoryError
from secretsync.git import Repository
from secretsync.rotation import promises
from secretsync.rotation.journal import Operation
from secretsync.rotation.judging import Judgement
from secretsync.rotation.model import dump, parse
from secretsync.rotation.promises import Promise
from secretsync.rotation.run import RunbookRun
from tests.unit.rotation.repositories import Sandbox

POLICY = """\
rules:
  - paths: ["a/**"]
    readers: [alice, bob]
  - paths: ["c/**"]
    readers: [carol, bob]
  - paths: ["p/**"]
    readers: ["cluster:prod", bob]
"""
TEAMS = {
    "a/1.yaml": ("alice", "bob"),
    "a/2.yaml": ("alice", "bob"),
    "c/1.yaml": ("carol", "bob"),
    "p/1.yaml": ("prod", "bob"),
}


@pytest.fixture
def teams(sandbox: Sandbox) -> Sandbox:
    """Return a repository of three teams that share bob and no other reader."""
    return _filled(sandbox, POLICY, TEAMS)


def _filled(sandbox: Sandbox, policy: str, files: Mapping[str, tuple[str, ...]]) -> Sandbox:
    sandbox.git("rm", "-q", "-r", "prod", "dev")
    sandbox.change_ring({"keys/policy.yaml": policy})
    sandbox.write({path: sandbox.encrypt(path, f"password: in {path}\n", *readers) for path, readers in files.items()})
    sandbox.commit("files")
    return sandbox


def _opened(sandbox: Sandbox, who: str, branch: str) -> set[str]:
    found = set()
    for path in TEAMS:
        try:
            sandbox.text(path, who, ref=branch)
        except NoIdentityMatchError:
            continue
        found.add(path)
    return found


def test_a_removal_that_cannot_change_all_says_so_and_how_to_do_the_rest(teams: Sandbox) -> None:
    plan = teams.plan("remove", subject="bob")
    assert {(one.path, one.kind) for one in plan.problems} == {("c/1.yaml", "cannot-open"), ("p/1.yaml", "cannot-open")}
    assert all("--allow-partial" in one.hint for one in plan.problems)
    with pytest.raises(PlanProblemError):
        teams.apply(plan)


def test_what_opens_is_changed_and_the_rest_waits_by_name(teams: Sandbox) -> None:
    plan = teams.plan("remove", subject="bob", allow_partial=True)
    assert plan.problems == []
    assert {one.path: one.for_whom for one in plan.waiting} == {"c/1.yaml": "carol", "p/1.yaml": "prod"}
    assert parse(dump(plan), "plan.json") == plan
    outcome = teams.apply(plan)
    assert outcome.ending == "partial"
    assert {one.id: one.status for one in outcome.checks}["V8"] == "unknown"
    assert _opened(teams, "bob", outcome.branch) == {"c/1.yaml", "p/1.yaml"}
    assert _opened(teams, "alice", outcome.branch) == {"a/1.yaml", "a/2.yaml"}


def test_three_operators_go_on_from_clones_that_have_only_the_branch(teams: Sandbox) -> None:
    plan = teams.plan("remove", subject="bob", allow_partial=True)
    branch = teams.apply(plan).branch
    second = teams.clone("second", "--branch", branch, "--single-branch")
    found = second.resumed("remove", who="carol")
    assert (found["ending"], [one["path"] for one in found["waiting"]]) == ("partial", ["p/1.yaml"])
    assert second.git("status", "--porcelain") == "", "what is checked out follows its branch"
    second.git("push", "-q", "origin", branch)
    third = teams.clone("third")
    assert branch not in third.git("branch", "--list")
    found = third.resumed("remove", who="prod", name=plan.operation)
    assert (found["ending"], found["waiting"]) == ("done", [])
    assert _opened(third, "bob", branch) == set()
    for who, files in {"alice": {"a/1.yaml", "a/2.yaml"}, "carol": {"c/1.yaml"}, "prod": {"p/1.yaml"}}.items():
        assert _opened(third, who, branch) == files
    assert [one["phase"] for one in found["commits"]] == ["key-ring", *["data-keys"] * 3]
    third.git("push", "-q", "origin", branch)
    assert teams.resumed("remove")["ending"] == "done", "whoever began sees from the commits that all is done"
    assert third.git("log", "--format=%s", "--diff-filter=D", "main..HEAD") == ""


@pytest.mark.parametrize("named", [False, True])
def test_a_clone_that_did_not_begin_it_says_where_it_stands(teams: Sandbox, *, named: bool) -> None:
    plan = teams.plan("remove", subject="bob", allow_partial=True)
    branch = teams.apply(plan).branch
    name = plan.operation if named else None
    with RunbookRun(Repository.containing(teams.clone("second").root), teams.keys("carol")) as run:
        for verb in (run.status, run.roll_back, run.evidence):
            with pytest.raises(RepositoryError, match="was begun elsewhere, and stands on branch") as refused:
                verb("remove", name)
            assert branch in refused.value.message
            assert "secretsync runbook remove resume" in (refused.value.hint or "")


def test_whoever_opens_nothing_begins_nothing(teams: Sandbox) -> None:
    plan = teams.plan("remove", who="dave", subject="bob", allow_partial=True)
    assert {one.kind for one in plan.problems} == {"cannot-open"}


def test_whoever_opens_nothing_more_leaves_the_branch_as_it_is(teams: Sandbox) -> None:
    branch = teams.apply(teams.plan("remove", subject="bob", allow_partial=True)).branch
    tip = teams.git("rev-parse", branch)
    assert teams.resumed("remove", who="dave")["ending"] == "partial"
    assert teams.git("rev-parse", branch) == tip


def test_a_leaked_key_is_taken_out_of_what_opens_without_being_asked_to(teams: Sandbox) -> None:
    plan = teams.plan("compromised", subject="bob-1")
    assert plan.problems == []
    assert [one.path for one in plan.waiting] == ["c/1.yaml", "p/1.yaml"]
    assert teams.apply(plan).ending == "partial"


def test_a_branch_that_names_another_plan_is_not_believed(teams: Sandbox) -> None:
    """Somebody pushes commits that say they are an operation, from a policy of their own."""
    branch = teams.apply(teams.plan("remove", subject="bob", allow_partial=True)).branch
    message = teams.git("log", "-1", "--format=%B", branch).replace('"subject": "bob"', '"subject": "carol"')
    second = teams.clone("second")
    second.git("checkout", "-q", branch)
    second.git("commit", "-q", "--allow-empty", "-m", message)
    second.git("checkout", "-q", "main")
    with pytest.raises(PlanProblemError, match="comes to"):
        second.resumed("remove", who="carol")


def test_a_branch_that_starts_from_a_commit_of_its_own_is_not_believed(teams: Sandbox) -> None:
    base = teams.git("rev-parse", "HEAD")
    teams.git("checkout", "-q", "-b", "own")
    teams.change_ring({"keys/people/carol.yaml": teams.ring()["keys/people/alice.yaml"].replace("alice", "carol")})
    plan = teams.plan("remove", subject="bob", allow_partial=True)
    branch = teams.apply(plan).branch
    teams.git("checkout", "-q", "main")
    teams.git("branch", "-qD", "own")
    assert teams.git("rev-parse", "HEAD") == base
    second = teams.clone("second")
    with pytest.raises(RepositoryError, match="no other branch here holds"):
        second.resumed("remove", who="carol")
    assert branch not in second.git("branch", "--list")


def test_a_file_that_somebody_changed_on_the_branch_meanwhile_fails_its_proof(teams: Sandbox) -> None:
    branch = teams.apply(teams.plan("remove", subject="bob", allow_partial=True)).branch
    second = teams.clone("second")
    second.git("checkout", "-q", branch)
    second.write({"a/1.yaml": second.encrypt("a/1.yaml", "password: forged\n", "alice", "bob")})
    second.commit("forged")
    with pytest.raises(ProofError, match="V2: a/1"):
        second.resumed("remove", who="carol")


def test_groups_with_a_threshold_say_how_many_have_to_come_together(sandbox: Sandbox) -> None:
    policy = "rules:\n  - paths: ['a/**']\n    readers: [alice, bob]\n  - paths: ['v/**']\n    reader_groups:\n"
    policy += (
        "      - members: [alice, bob]\n      - members: [carol]\n      - members: ['cluster:prod']\n    threshold: 2\n"
    )
    _filled(sandbox, policy, {"a/1.yaml": ("alice", "bob")})
    sandbox.write({"v/1.yaml": sandbox.shared("v/1.yaml", "k: v\n", ("alice", "bob"), ("carol",), ("prod",))})
    sandbox.commit()
    plan = sandbox.plan("remove", subject="bob", allow_partial=True)
    assert [one.for_whom for one in plan.waiting] == ["2 of (alice; carol; prod)"]


def test_chosen_paths_are_changed_and_the_others_are_named(teams: Sandbox) -> None:
    plan = teams.plan("remove", subject="bob", paths="a/1.*\na/2.*")
    assert plan.problems == []
    assert [file.path for file in plan.files] == ["a/1.yaml", "a/2.yaml"]
    assert {(one.path, one.kind, *one.names) for one in plan.left_out} == {
        ("c/1.yaml", "elsewhere", "bob-1"),
        ("p/1.yaml", "elsewhere", "bob-1"),
    }
    assert teams.apply(plan).ending == "partial"


def test_paths_that_hold_nothing_to_change_are_refused(teams: Sandbox) -> None:
    plan = teams.plan("remove", subject="bob", paths="nowhere/**")
    assert [one.kind for one in plan.problems] == ["nothing-rekeyed"]
    assert "a/1.yaml" in plan.problems[0].message


def test_an_interrupted_second_operator_goes_on(teams: Sandbox) -> None:
    plan = teams.plan("remove", subject="bob", allow_partial=True)
    branch = teams.apply(plan).branch
    second = teams.clone("second")
    found = second.resumed("remove", who="carol")
    assert found["ending"] == "partial"
    operation = Operation(Repository.containing(second.root), plan.operation)
    assert operation.ending == "partial"
    assert not operation.has_worktree
    assert second.resumed("remove", who="prod")["ending"] == "done"
    assert _opened(second, "bob", branch) == set()


def _judged(sandbox: Sandbox, given: Promise | None = None) -> Judgement:
    with RunbookRun(Repository.containing(sandbox.root), sandbox.keys()) as run:
        return run.verify("remove", None, given)


def test_what_waits_is_named_by_verify_with_how_to_go_on(teams: Sandbox) -> None:
    plan = teams.plan("remove", subject="bob", allow_partial=True)
    outcome = teams.apply(plan)
    told = json.loads(
        Path(Operation(Repository.containing(teams.root), plan.operation).folder, "evidence.json").read_text()
    )
    evidence = promises.of_evidence(json.dumps(told).encode(), "evidence")
    for given in (None, promises.of_plan(dump(plan), "plan"), evidence):
        found = _judged(teams, given)
        checks = {check.id: check for check in found.checks}
        assert {"c/1.yaml: waits for carol", "p/1.yaml: waits for prod"} <= set(checks["files"].notes)
        assert (checks["files"].status, checks["files"].failures) == ("unknown", [])
        assert checks["V8"].status == "unknown"
        with pytest.raises(ProofError) as raised:
            found.require_good()
        assert raised.value.hint == f"secretsync runbook remove resume {plan.operation}"
    assert outcome.ending == "partial"


def test_what_a_budget_left_waits_for_another_run(teams: Sandbox) -> None:
    plan = teams.plan("remove", subject="bob", paths="a/**")
    with RunbookRun(Repository.containing(teams.root), teams.keys()) as run:
        assert run.apply(plan, budget=1)["ending"] == "partial"
    found = _judged(teams)
    checks = {check.id: check for check in found.checks}
    assert checks["files"].notes == ["a/2.yaml: waits for another run"]
    assert checks["V8"].status == "unknown"
    assert found.failures


def test_what_the_policy_ignores_is_left_by_it_and_keeps_nothing_from_being_good(teams: Sandbox) -> None:
    teams.change_ring({"keys/policy.yaml": f"{POLICY}ignore:\n  - paths: ['c/**', 'p/**']\n    reason: examples\n"})
    plan = teams.plan("remove", subject="bob")
    assert plan.problems == []
    outcome = teams.apply(plan)
    assert outcome.ending == "partial"
    found = _judged(teams)
    assert found.failures == []
    notes = [note for check in found.checks if check.id == "V8" for note in check.notes]
    assert any("c/1.yaml: still names bob-1, and is ignored by the policy (examples)" in note for note in notes)


def test_a_plan_that_says_a_file_is_ignored_is_not_believed(teams: Sandbox) -> None:
    plan = teams.plan("remove", subject="bob", paths="a/**")
    said = [replace(one, kind="ignored", why="is ignored by the policy (mine)") for one in plan.left_out]
    teams.apply(plan)
    found = _judged(teams, promises.of_plan(dump(replace(plan, left_out=said)), "plan"))
    assert [failure[:3] for failure in found.failures] == ["V8:"]
