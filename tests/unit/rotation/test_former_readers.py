"""Somebody lost a file earlier, and its data key stayed: their old envelope opens the newest file, until they are removed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from secretsync.errors import PlanProblemError, SecretsyncError
from secretsync.rotation.file_metadata import options_for
from secretsync.rotation.model import DATA_KEY, Plan, dump, parse
from secretsync.sops.datakey import MasterKey
from secretsync.sops.open_file import open_file
from secretsync.sops.operations import rotate_for
from secretsync.sops.recipients import update_keys
from tests.unit.rotation.repositories import NOW, POLICY, Sandbox

PATH = "dev/app.json"
NARROW = POLICY.replace("readers: [alice, bob, carol]", "readers: [alice, carol]")


def _groups(sandbox: Sandbox, readers: tuple[str, ...]) -> list[list[MasterKey]]:
    return [[MasterKey("age", sandbox.recipient(name)) for name in readers]]


def _rewrap(sandbox: Sandbox, path: str, *readers: str) -> None:
    """Give a file other recipients for the data key that it has, as `updatekeys` does."""
    data = (sandbox.root / path).read_bytes()
    options = options_for(path, data, sandbox.keys())
    sandbox.write({path: update_keys(data, _groups(sandbox, readers), options, now=NOW).data})


def _rotate(sandbox: Sandbox, path: str, *readers: str) -> None:
    """Give a file a new data key."""
    data = (sandbox.root / path).read_bytes()
    opened = open_file(data, options_for(path, data, sandbox.keys()))
    sandbox.write({path: rotate_for(opened, _groups(sandbox, readers), now=NOW).data})


@pytest.fixture
def moved(sandbox: Sandbox) -> Sandbox:
    """Return a repository where bob lost the files of one rule: one by recipients alone, one with a new data key."""
    _rewrap(sandbox, PATH, "alice", "carol")
    _rotate(sandbox, "dev/app.env", "alice", "carol")
    sandbox.change_ring({"keys/policy.yaml": NARROW})
    return sandbox


def _beginning(sandbox: Sandbox) -> str:
    return sandbox.git("rev-list", "--max-parents=0", "HEAD")


def _spliced(sandbox: Sandbox) -> bytes:
    """Return the newest file with the envelopes of the first."""
    old = sandbox.git("show", f"{_beginning(sandbox)}:{PATH}").encode()
    new = (sandbox.root / PATH).read_bytes()
    parts = [(data.index(b'"age": ['), data.index(b"]", data.index(b'"age": ['))) for data in (old, new)]
    return new[: parts[1][0]] + old[parts[0][0] : parts[0][1]] + new[parts[1][1] :]


def _why(plan: Plan) -> dict[str, str]:
    return {file.path: file.why for file in plan.files if file.why}


def test_a_removal_ends_the_data_key_of_a_file_that_lost_the_key_before(moved: Sandbox) -> None:
    open_file(_spliced(moved), options_for(PATH, b"", moved.keys("bob")))
    plan = moved.plan("remove", subject="bob")
    assert plan.problems == []
    assert _why(plan) == {PATH: f"bob-1 had an envelope of this data key in commit {_beginning(moved)[:12]}"}
    assert [(file.operation, file.removed) for file in plan.files if file.path == PATH] == [("rotate", [])]
    assert "dev/app.env" not in {file.path for file in plan.files}
    outcome = moved.apply(plan, held=("bob",))
    assert {check.id: check.status for check in outcome.checks}["V8"] == "passed"
    assert outcome.ending == "done"
    moved.merge(outcome)
    with pytest.raises(SecretsyncError):
        open_file(_spliced(moved), options_for(PATH, b"", moved.keys("bob")))


@pytest.mark.parametrize("scenario", ["compromised", "expiring", "migrate"])
def test_so_does_whatever_takes_a_key_out(moved: Sandbox, scenario: str) -> None:
    stage = ""
    if scenario != "compromised":
        stage = "retire"
        dual = moved.plan("expiring", subject="bob-1", stage="dual", recipient=moved.recipient("dave"))
        moved.merge(moved.apply(dual))
    plan = moved.plan(scenario, subject="bob-1", stage=stage) if stage else moved.plan(scenario, subject="bob-1")
    assert _why(plan) == {PATH: f"bob-1 had an envelope of this data key in commit {_beginning(moved)[:12]}"}


def test_a_copy_under_another_name_has_the_data_key_too(moved: Sandbox) -> None:
    moved.git("mv", PATH, "dev/moved.json")
    moved.commit()
    assert set(_why(moved.plan("remove", subject="bob"))) == {"dev/moved.json"}


def test_a_removal_of_whom_no_file_names_any_more_changes_those_files_and_checks_them(sandbox: Sandbox) -> None:
    for path in ("dev/app.json", "dev/app.env"):
        _rewrap(sandbox, path, "alice", "carol")
    for path in ("prod/db.yaml", "prod/api.yaml"):
        _rotate(sandbox, path, "alice", "prod")
    sandbox.change_ring({"keys/policy.yaml": POLICY.replace(" bob,", "")})
    plan = sandbox.plan("remove", subject="bob")
    assert plan.problems == []
    assert sorted(file.path for file in plan.files) == ["dev/app.env", "dev/app.json"]
    assert set(plan.removed_keys()) == {"bob-1"}
    outcome = sandbox.apply(plan)
    assert {check.id: check.status for check in outcome.checks}["V8"] == "passed"


def test_what_does_not_open_here_waits_and_the_plan_is_the_same_for_who_opens_it(moved: Sandbox) -> None:
    ours, theirs = (moved.plan("remove", who=who, allow_partial=True, subject="bob") for who in ("prod", "carol"))
    assert ours.digest == theirs.digest
    assert [one.path for one in ours.waiting] == [PATH]
    outcome = moved.apply(ours, who="prod")
    assert outcome.ending == "partial"
    (row,) = (check for check in outcome.checks if check.id == "V8")
    assert row.status == "unknown"
    assert any(note.startswith(f"{PATH}: bob-1 had an envelope of this data key in commit") for note in row.notes)
    assert {check["id"]: check["status"] for check in moved.resumed("remove")["checks"]}["V8"] == "passed"


def test_a_version_that_only_another_ref_has_is_told_and_keeps_it_from_being_done(sandbox: Sandbox) -> None:
    sandbox.git("switch", "-q", "-c", "draft")
    sandbox.write({"dev/new.json": sandbox.encrypt("dev/new.json", '{"a": "long-enough"}\n', "alice", "bob", "carol")})
    sandbox.commit()
    _rewrap(sandbox, "dev/new.json", "alice", "carol")
    newest = (sandbox.root / "dev/new.json").read_bytes()
    sandbox.git("checkout", "-q", "--", ".")
    sandbox.git("switch", "-q", "main")
    sandbox.write({"dev/new.json": newest})
    sandbox.commit()
    plan = sandbox.plan("remove", subject="bob")
    assert plan.problems == []
    assert [(one.path, one.kind, one.names) for one in plan.left_out] == [("dev/new.json", DATA_KEY, ["bob-1"])]
    assert "had an envelope of this data key at another ref" in plan.left_out[0].why
    outcome = sandbox.apply(plan)
    assert outcome.ending == "partial"
    assert {check.id: check.status for check in outcome.checks}["V8"] == "unknown"


def test_a_shallow_clone_says_what_it_cannot_know(moved: Sandbox) -> None:
    plan = moved.clone("shallow", "--depth=1").plan("remove", subject="bob")
    assert PATH not in {file.path for file in plan.files}
    assert any("may have the data key that it had: git fetch --unshallow" in note for note in plan.notes)


def test_where_history_is_cut_off_resume_names_that_and_takes_the_plan_itself(moved: Sandbox) -> None:
    """There nobody sees that bob had an envelope, so that planning comes to another plan."""
    for subject in ("one", "two", "three"):
        moved.git("commit", "-q", "--allow-empty", "-m", subject)
    plan = moved.plan("remove", subject="bob")
    branch = moved.apply(plan).branch
    shallow = moved.clone("shallow", "--depth=3", "--no-single-branch")
    with pytest.raises(PlanProblemError, match="comes to") as refused:
        shallow.resumed("remove")
    assert refused.value.hint is not None
    assert "git fetch --unshallow" in refused.value.hint
    assert "--plan FILE" in refused.value.hint
    assert branch not in shallow.git("branch", "--list")
    assert shallow.resumed("remove", reviewed=parse(dump(plan), "plan.json"))["ending"] == "done"


def test_resume_takes_no_other_plan(moved: Sandbox) -> None:
    plan = moved.plan("remove", subject="bob")
    branch = moved.apply(plan).branch
    other = replace(plan, parameters={"subject": "carol"})
    for clone in (moved, moved.clone("second")):
        with pytest.raises(PlanProblemError, match="and the operation was begun by"):
            clone.resumed("remove", name=plan.operation, reviewed=other)
    assert branch not in clone.git("branch", "--list")
    with pytest.raises(PlanProblemError, match="is a plan of runbook remove"):
        moved.resumed("align", reviewed=plan)
