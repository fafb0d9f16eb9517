"""What `secretsync runbook` does, a program does without the command line: nothing is printed, and Typer is not loaded."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from secretsync.errors import PlanProblemError, RepositoryError
from secretsync.git import Repository
from secretsync.rotation import model
from secretsync.rotation.run import RunbookRun
from secretsync.rotation.scenario import scenario_named
from tests.unit.rotation.repositories import Sandbox

PROGRAM = """
import json, os, sys
from secretsync.git import Repository
from secretsync.masterkeys import MasterKeys
from secretsync.rotation.run import RunbookRun
from secretsync.rotation.scenario import scenario_named

with RunbookRun(Repository.containing("."), MasterKeys(os.environ)) as run:
    plan = run.plan(scenario_named("remove"), {"subject": "bob"})
    evidence = run.apply(plan)
    status = run.status("remove", None)
assert "typer" not in sys.modules
json.dump([len(plan.files), evidence["branch"], status["state"]], sys.stdout)
"""


def test_a_program_plans_applies_and_asks_the_status_without_typer(sandbox: Sandbox, tmp_path: Path) -> None:
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "SOPS_AGE_KEY_FILE": str(sandbox.key_file("alice"))}
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=sandbox.root, env=environ, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    files, branch, state = json.loads(ended.stdout)
    assert (files, state) == (4, "done")
    assert sandbox.git("rev-parse", "--verify", branch)


def test_a_reviewed_plan_is_made_again_and_what_moved_is_told(sandbox: Sandbox) -> None:
    told: list[str] = []
    scenario = scenario_named("remove")
    with RunbookRun(Repository.containing(sandbox.root), sandbox.keys(), tell=told.append) as run:
        plan = run.plan(scenario, {"subject": "bob"})
        reviewed = model.parse(model.dump(plan), "plan.json")
        assert run.planned_again(scenario, reviewed).digest == plan.digest
        assert told == []
        sandbox.write({"README.md": "Another shop.\n"})
        base = sandbox.commit()
        run.planned_again(scenario, reviewed)
        assert told == [f"the base moved to {base[:12]}, and no file of the plan with it"]
        with pytest.raises(PlanProblemError, match="is a plan of runbook remove"):
            run.planned_again(scenario_named("align"), reviewed)
        with pytest.raises(RepositoryError, match="no operation of runbook remove"):
            run.status("remove", None)
