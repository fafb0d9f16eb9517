"""What an auditor asks for afterwards: who, when, from which plan, what each file was and is, and what was proved.

One JSON document is the source; the Markdown says the same to people.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from secretsync import files
from secretsync.errors import FormatError, RepositoryError, one_line
from secretsync.git import Repository
from secretsync.rotation.applying import ApplyOutcome
from secretsync.rotation.indented_json import indented
from secretsync.rotation.journal import Operation
from secretsync.rotation.model import DATA_KEY, FilePlan, Plan
from secretsync.rotation.promises import PLANNED, document

VERSION: Final = 1
_FILE: Final = "evidence.json"


def gather(plan: Plan, operation: Operation, outcome: ApplyOutcome, repository: Repository) -> dict[str, Any]:
    """Return the evidence of an operation as plain JSON values."""
    records = operation.records()
    entries = {
        entry.commit: entry
        for entry in repository.log(repository.resolve(f"refs/heads/{outcome.branch}"), without=plan.base)
    }
    after = repository.blobs(next(iter(entries))) if entries else {}
    began, ended = records[0]["at"], records[-1]["at"]
    return {
        "version": VERSION,
        "operation": operation.name,
        "scenario": plan.scenario,
        "parameters": plan.parameters,
        "plan": {"digest": plan.digest, "made": plan.at, "base": plan.base, "policy": plan.policy},
        "began": began,
        "ended": ended,
        "seconds": int((datetime.fromisoformat(ended) - datetime.fromisoformat(began)).total_seconds()),
        "ending": outcome.ending,
        "branch": outcome.branch,
        "commits": [
            {"phase": phase, "commit": commit, "author": entries[commit].author if commit in entries else ""}
            for phase, commit in outcome.made
        ],
        "files": [_file(file, after.get(file.path, "")) for file in plan.files],
        "keys": {name: asdict(key) for name, key in plan.keys.items()},
        "checks": [asdict(check) for check in outcome.checks],
        "drift": plan.drift,
        "left_out": [asdict(one) for one in plan.left_out],
        "waiting": [{**asdict(one), "for": one.for_whom} for one in outcome.waiting],
        "notes": plan.notes,
        "tasks": [asdict(task) for task in plan.tasks],
        PLANNED: document(plan),
    }


def _file(file: FilePlan, after: str) -> dict[str, Any]:
    return {
        "path": file.path,
        "operation": file.operation,
        "blob_before": file.blob,
        "blob_after": after,
        "keys_before": file.before,
        "keys_after": file.after,
        "items": file.items,
        "sealed": [asdict(item) for item in file.sealed],
    }


def _left_lines(evidence: dict[str, Any]) -> Iterator[str]:
    """Yield what was not changed: for whom files wait, what is left as it is, and what is special about the clone."""
    if evidence["waiting"] or evidence["left_out"] or evidence["notes"] or evidence["drift"]:
        yield ""
        yield "Left as it is, and to be known:"
        yield ""
    for one in evidence["waiting"]:
        yield f"- {_code(one['path'])} waits for {one['for']}: {one['why']}"
    for one in evidence["left_out"]:
        names = [] if one["kind"] == DATA_KEY else one["names"]
        yield f"- {_code(one['path'])} {one['why']}{'; it names ' + ', '.join(names) if names else ''}"
    yield from (f"- {note}" for note in (*evidence["drift"], *evidence["notes"]))


def write(evidence: dict[str, Any], folder: str) -> str:
    """Write `evidence.json` and `evidence.md` into a folder and return the path of the first."""
    path = os.path.join(folder, _FILE)
    files.write_atomic(path, indented(evidence), 0o600)
    files.write_atomic(os.path.join(folder, "evidence.md"), markdown(evidence).encode(), 0o600)
    return path


def read(operation: Operation) -> dict[str, Any]:
    """Return the evidence of an operation; what was written before evidence held the whole plan is completed.

    Raises:
        RepositoryError: there is none.
        FormatError: it is damaged.
    """
    plan, path = operation.plan(), os.path.join(operation.folder, _FILE)
    if not os.path.exists(path):
        hint = f"secretsync runbook {plan.scenario} resume {operation.name}"
        raise RepositoryError(f"operation {operation.name!r} has no evidence yet", hint=hint)
    try:
        found: dict[str, Any] = json.loads(files.read(path))
    except ValueError:
        raise FormatError("is not evidence", location=path) from None
    return {PLANNED: document(plan), **found}


def markdown(evidence: dict[str, Any]) -> str:
    """Return the evidence for people; names of files come from strangers, and make no line or heading of their own."""
    return "".join(f"{one_line(line)}\n" for line in _lines(evidence))


def _lines(evidence: dict[str, Any]) -> Iterator[str]:
    yield f"# {evidence['operation']}"
    yield ""
    yield f"Runbook `{evidence['scenario']}`, begun {evidence['began']}, ended {evidence['ended']}: {evidence['ending']}."
    yield f"Plan `{evidence['plan']['digest']}` from commit `{evidence['plan']['base']}`."
    yield ""
    yield "| phase | commit | author |"
    yield "|---|---|---|"
    for commit in evidence["commits"]:
        yield f"| {commit['phase']} | `{commit['commit'][:12]}` | {commit['author']} |"
    yield ""
    yield "| check | what it says | status | looked at |"
    yield "|---|---|---|---:|"
    for check in evidence["checks"]:
        yield f"| {check['id']} | {check['title']} | {check['status']} | {check['checked']} |"
    for check in evidence["checks"]:
        for note in (*check["failures"], *check["notes"]):
            yield from ("", f"{check['id']}: {note}")
    yield ""
    yield f"{len(evidence['files'])} files:"
    yield ""
    for file in evidence["files"]:
        lost = [
            key for group in file["keys_before"] for key in group if not any(key in one for one in file["keys_after"])
        ]
        yield f"- {_code(file['path'])}: {file['operation']}{', without ' + ', '.join(lost) if lost else ''}"
    yield from _left_lines(evidence)
    if evidence["tasks"]:
        yield ""
        yield "What no tool can do:"
        yield ""
        yield from (f"- [ ] {task['what']} ({task['owner']}, until {task['due']})" for task in evidence["tasks"])


def _code(text: str) -> str:
    """Return a code span, whose fence is longer than any row of backticks in it."""
    fence = "`"
    while fence in text:
        fence += "`"
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"
