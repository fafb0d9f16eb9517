"""A sealing key was renewed: its certificate is pinned, and items sealed for older keys are sealed anew, in place.

Old keys stay loaded in the controller until nothing needs them; a renewal retires nothing by itself.
"""

from __future__ import annotations

from secretsync.keyring import Changes, RingSource
from secretsync.keyring.editing import pin
from secretsync.keyring.sealing import end_of
from secretsync.rotation.model import Task
from secretsync.rotation.parameters import Parameter, Parameters
from secretsync.rotation.scenario import Phase, Scenario, ScenarioContext, due


def _pin(source: RingSource, parameters: Parameters) -> Changes:
    certificate = parameters.text("certificate").encode()
    return pin(source, parameters.text("subject"), certificate, now=end_of(parameters.today))


def _tasks(context: ScenarioContext) -> list[Task]:
    owner = context.parameters.text("owner") or "you"
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
        Parameter("subject", "name of the cluster", "name", required=True),
        Parameter("certificate", "file with the new sealing certificate", "file", required=True),
        Parameter("plaintext-from", "SOPS files that items are compared with, with commas between them"),
        Parameter("owner", "who answers for what no tool can do"),
        Parameter("due-days", "days for what no tool can do", "days"),
    ),
    phases=(
        Phase("key-ring", "pin the sealing certificate of {subject}", edit=_pin),
        Phase("items", "seal anew for {subject}", operation="re-seal"),
    ),
    tasks=_tasks,
    seals=True,
)
