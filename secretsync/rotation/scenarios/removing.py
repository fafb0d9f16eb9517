"""Somebody leaves: their keys go to the deny list, and every file they could open gets a new data key without them.

New recipients and the new data key are one phase: recipients alone would leave the old data key in force.
"""

from __future__ import annotations

from typing import Final

from secretsync.keyring import Changes, RingSource
from secretsync.keyring.editing import Retirement, retire
from secretsync.keyring.model import Reason
from secretsync.rotation.model import Task
from secretsync.rotation.parameters import Parameter, Parameters
from secretsync.rotation.scenario import Phase, Scenario, ScenarioContext, SurveyedFile, due

_REASONS: Final[dict[str, Reason]] = {"left": "left", "lost": "lost", "superseded": "superseded"}


def _retire(source: RingSource, parameters: Parameters) -> Changes:
    return retire(source, parameters.text("subject"), Retirement(_REASONS[parameters.text("reason")], parameters.today))


def loses(seen: SurveyedFile, _: Parameters) -> bool:
    """Whether a key that the scenario retires opens the file, or had an envelope of the data key that it has."""
    return seen.loses


def _tasks(context: ScenarioContext) -> list[Task]:
    parameters, subject = context.parameters, context.parameters.text("subject")
    owner = parameters.text("owner") or "you"
    return [
        Task(
            f"merge the branch, and close or rebase open changes that carry files {subject} could open",
            owner,
            due(parameters, 1),
        ),
        Task(f"remove {subject}'s key from other repositories, CI secrets and key services", owner, due(parameters, 2)),
        Task(
            f"remove {subject}'s access to the cluster and to the namespace of its controllers",
            owner,
            due(parameters, 1),
        ),
    ]


SCENARIO = Scenario(
    name="remove",
    summary="Take a person, cluster or service out: new data keys, and what they could read.",
    parameters=(
        Parameter("subject", "name of the person, cluster or service", "name", required=True),
        Parameter("reason", "why", "choice", default="left", choices=tuple(_REASONS)),
        Parameter("owner", "who answers for what no tool can do"),
        Parameter("due-days", "days for changing the values at their source", "days"),
    ),
    phases=(
        Phase("key-ring", "retire the keys of {subject}", edit=_retire),
        Phase("data-keys", "new data keys, without {subject}", operation="rotate", selects=loses),
    ),
    tasks=_tasks,
    exposes=True,
)
