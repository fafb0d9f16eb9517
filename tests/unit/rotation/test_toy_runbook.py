"""A runbook that a test adds to the table is planned, applied and proved like any other: no other module knows it."""

from __future__ import annotations

import pytest

from secretsync.errors import ConfigError
from secretsync.rotation.scenario import SCENARIOS, scenario_named
from tests.toys import runbook as toy
from tests.unit.rotation.repositories import Sandbox


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the table its row."""
    monkeypatch.setitem(SCENARIOS, toy.NAME, toy.ENTRY)


def test_it_is_planned_applied_and_proved(sandbox: Sandbox) -> None:
    plan = sandbox.plan(toy.NAME, word="app")
    assert {(file.path, file.operation) for file in plan.files} == {
        ("dev/app.env", "rotate"),
        ("dev/app.json", "rotate"),
    }
    outcome = sandbox.apply(plan)
    assert {check.status for check in outcome.checks} <= {"passed", "unknown", "not applicable"}
    sandbox.merge(outcome)
    assert sandbox.git("log", "-1", "--format=%s").endswith("new data keys for app")
    assert sandbox.text("dev/app.json", "carol")


def test_what_it_needs_is_asked_for(sandbox: Sandbox) -> None:
    with pytest.raises(ConfigError, match="runbook rename-day needs 'word': what the names of the files hold"):
        sandbox.plan(toy.NAME)


@pytest.mark.parametrize("name", SCENARIOS)
def test_help_says_of_a_runbook_what_it_says_of_itself(name: str) -> None:
    scenario = scenario_named(name)
    assert (scenario.name, scenario.summary) == (name, SCENARIOS[name].summary)
