"""A key leaked: it is retired as compromised, and every file it opened gets a new data key.

Every value that it ever opened must change at its source, which the plan lists with owners and days. With `recipient`, a new key of the same owner takes its
place in the same step. Nothing waits for the old key.
"""

from __future__ import annotations

from secretsync.keyring import Changes, RingSource
from secretsync.keyring.editing import Retirement, replace_key, retire
from secretsync.rotation.model import Task
from secretsync.rotation.parameters import Parameter, Parameters
from secretsync.rotation.scenario import Phase, Scenario, ScenarioContext, due
from secretsync.rotation.scenarios.adding import key_of
from secretsync.rotation.scenarios.removing import loses
from secretsync.rotation.scenarios.rollover import owner_of


def _replace(source: RingSource, parameters: Parameters) -> Changes:
    why = Retirement("compromised", parameters.today, parameters.day("since"))
    if parameters.recipient("recipient"):
        return replace_key(source, parameters.text("subject"), key_of(parameters), why)
    return retire(source, owner_of(source, parameters.text("subject")).name, why, key_ids={parameters.text("subject")})


def _tasks(context: ScenarioContext) -> list[Task]:
    parameters, subject = context.parameters, context.parameters.text("subject")
    owner = parameters.text("owner") or "you"
    soon = due(parameters, 1)
    return [
        Task("merge the branch, and see that the reconciler is healthy on exactly that commit", owner, soon),
        Task(
            f"take {subject} out of cluster Secrets, CI variables and laptops; keep it offline for history", owner, soon
        ),
        Task(
            "look for its use since the leak: logs of key services, clones of the repository, reads of Secrets",
            owner,
            soon,
        ),
    ]


SCENARIO = Scenario(
    name="compromised",
    summary="A key leaked: retire it, rotate what it opened, list every value to change.",
    parameters=(
        Parameter("subject", "id of the key", "name", required=True),
        Parameter("recipient", "the public key that takes its place", "recipient"),
        Parameter("key-id", "id of the new key; the old one's with the year unless given", "name"),
        Parameter("since", "the earliest day it may have leaked", "day"),
        Parameter("owner", "who answers for what no tool can do"),
        Parameter("due-days", "days for changing the values at their source", "days"),
    ),
    phases=(
        Phase("key-ring", "retire {subject} as compromised", edit=_replace),
        Phase("data-keys", "new data keys, without {subject}", operation="rotate", selects=loses),
    ),
    tasks=_tasks,
    exposes=True,
    exposure_days=1,
    urgent=True,
)
