"""What the commits of an operation say of it: enough to make its plan again, in a clone that has nothing but them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final, NamedTuple

from secretsync.git import LogEntry
from secretsync.rotation.model import FilePlan, PhasePlan, Plan

OP_TRAILER, PHASE_TRAILER = "Secretsync-Op", "Secretsync-Phase"
_PLAN, _RUNBOOK, _PARAMETERS = "Secretsync-Plan", "Secretsync-Runbook", "Secretsync-Parameters"
_MADE, _BASE, _WAITING = "Secretsync-Plan-Made", "Secretsync-Plan-Base", "Secretsync-Files-Waiting"
_WITHIN: Final = "Secretsync-Within"
_HASH: Final = "sha256:"


class Told(NamedTuple):
    """What a commit says of its operation, and of the plan: none of it is believed before it is made again."""

    operation: str
    scenario: str
    parameters: dict[str, str]
    made: str
    base: str
    digest: str
    within: str = ""


def message(plan: Plan, phase: PhasePlan, files: Sequence[FilePlan], waiting: int) -> str:
    """Return the message of a commit of `files`, with trailers that later answer how old a data key is, and why."""
    removed = sorted({name for file in files for name in file.removed})
    added = sorted({name for file in files for name in file.added})
    rotated = sum(file.operation == "rotate" for file in files)
    trailers = {
        OP_TRAILER: plan.operation,
        PHASE_TRAILER: phase.name,
        _PLAN: f"{_HASH}{plan.digest}",
        _RUNBOOK: plan.scenario,
        _PARAMETERS: json.dumps(plan.parameters, sort_keys=True),
        _MADE: plan.at,
        _BASE: plan.base,
        _WITHIN: json.dumps(plan.within) if plan.within else "",
        "Secretsync-Recipients-Removed": ", ".join(removed),
        "Secretsync-Recipients-Added": ", ".join(added),
        "Secretsync-Datakey-Rotated": str(rotated or ""),
        _WAITING: str(waiting or ""),
    }
    lines = [f"{name}: {value}" for name, value in trailers.items() if value]
    return f"secrets: {phase.title}\n\n" + "\n".join(lines) + "\n"


def told(entry: LogEntry) -> Told | None:
    """Return what a commit says of its operation; None where it is of none, or says too little to make the plan again."""
    found = [entry.trailer(name) for name in (OP_TRAILER, _RUNBOOK, _MADE, _BASE, _PLAN)]
    try:
        parameters = json.loads(entry.trailer(_PARAMETERS) or "null")
        within = json.loads(entry.trailer(_WITHIN) or '""')
    except (ValueError, RecursionError):
        return None
    is_named = isinstance(parameters, dict) and all(isinstance(each, str) for each in parameters.values())
    if not (is_named and isinstance(within, str) and all(found)):
        return None
    operation, scenario, made, base, digest = found
    return Told(operation, scenario, parameters, made, base, digest.removeprefix(_HASH), within)
