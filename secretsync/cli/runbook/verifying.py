"""`runbook NAME verify`: a commit judged by what an operation promised; nothing is written."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from secretsync import files
from secretsync.cli._options import grouped
from secretsync.cli._output import write_result
from secretsync.cli.runbook import run
from secretsync.cli.runbook.options import Held, OperationName, RunbookOptions
from secretsync.cli.runbook.run import GitDir
from secretsync.errors import ConflictingOptionsError
from secretsync.rotation import promises
from secretsync.rotation.promises import Promise


@grouped
def verify(
    scenario: str,
    sitting: RunbookOptions,
    operation: OperationName = None,
    at: Annotated[
        str,
        typer.Option("--at", metavar="COMMIT", help="What to judge; the operation's branch, or HEAD, unless given."),
    ] = "",
    plan: Annotated[str | None, typer.Option("--plan", help="A plan file that says what was promised.")] = None,
    evidence: Annotated[str | None, typer.Option("--evidence", help="Evidence that says what was promised.")] = None,
    git_dir: GitDir = None,
    held: Held = None,
) -> int:
    """Judge a commit by what the operation promised: after a merge, squash or rebase, here or in another clone."""
    with sitting.looking(git_dir, held) as desk:
        judgement = desk.verify(scenario, operation, _promised(plan, evidence), at=at)
    values = judgement.values()
    write_result(run.as_json(values) if sitting.form == "json" else _text(values).encode(), None)
    judgement.require_good()
    return 0


def _promised(plan: str | None, evidence: str | None) -> Promise | None:
    if plan and evidence:
        raise ConflictingOptionsError("evidence holds the plan: give either --plan or --evidence")
    if plan:
        return promises.of_plan(files.read(plan), plan)
    return promises.of_evidence(files.read(evidence), evidence) if evidence else None


def _text(values: dict[str, Any]) -> str:
    """Return a judgement for people."""
    word = "keeps what it promised" if values["good"] else "does not keep what it promised"
    return run.lines_text(
        [f"{values['operation']}: commit {values['commit'][:12]} {word}", *run.check_lines(values["checks"])]
    )
