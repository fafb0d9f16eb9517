"""A sealing key was renewed: its certificate is pinned, and items sealed for older keys are sealed anew, in place.

Old keys stay loaded in the controller until nothing needs them; a renewal retires nothing by itself.
"""

from __future__ import annotations

from datetime import UTC, datetime, time

from secretsync.keyring import Changes, Source
from secretsync.keyring.editing import pin
from secretsync.rotation.model import Task
from secretsync.rotation.scenario import Context, Parameter, Parameters, Phase, Scenario, due, today


def _pin(source: Source, parameters: Parameters) -> Changes:
    moment = datetime.combine(today(parameters), time(12), UTC)
    return pin(source, parameters["subject"], parameters["certificate"].encode(), now=moment)


def _tasks(context: Context) -> list[Task]:
    owner = context.parameters.get("owner") or "you"
    return [
        Task(
            "keep a tested backup of all sealing keys: secretsync sealing-keys backup",
            owner,
            due(context.parameters, 1),
        ),
        Task("after the merge, see that the live encryptedData equals Git", owner, due(context.parameters, 2)),
    ]


SCENARIO = Scenario(
    name="reseal",
    summary="A sealing key was renewed: pin its certificate, seal older items anew in place.",
    parameters=(
        Parameter("subject", "name of the cluster", required=True),
        Parameter("certificate", "file with the new sealing certificate", required=True, is_file=True),
        Parameter("paths", "only files that this glob matches", default="**"),
        Parameter("owner", "who answers for what no tool can do"),
        Parameter("due-days", "days for what no tool can do"),
    ),
    phases=(
        Phase("key-ring", "pin the sealing certificate of {subject}", edit=_pin),
        Phase("items", "seal anew for {subject}", operation="re-seal"),
    ),
    tasks=_tasks,
    seals=True,
)
