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
from secretsync.rotation.evidence import markdown
from secretsync.rotation.promises import Promise
from secretsync.rotation.signatures import signers_of_file


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
    allowed_signers: Annotated[
        str | None,
        typer.Option(
            "--allowed-signers", help="Who may sign evidence, as for ssh-keygen; the key ring says it otherwise."
        ),
    ] = None,
    git_dir: GitDir = None,
    held: Held = None,
) -> int:
    """Judge a commit by what the operation promised: after a merge, squash or rebase, here or in another clone."""
    sitting.require_plain()
    if allowed_signers and not evidence:
        raise ConflictingOptionsError("--allowed-signers says who may sign --evidence, and there is none")
    signers = signers_of_file(allowed_signers) if allowed_signers else None
    with sitting.looking(git_dir, held) as desk:
        judgement = desk.verify(scenario, operation, _promised(plan, evidence), at=at, signers=signers)
    values = judgement.values()
    write_result(run.as_json(values) if sitting.form == "json" else _text(values).encode(), None)
    judgement.require_good()
    return 0


@grouped
def export(
    scenario: str,
    sitting: RunbookOptions,
    operation: OperationName = None,
    output: Annotated[str | None, typer.Option("--output", help="Write the evidence to this file, as JSON.")] = None,
    git_dir: GitDir = None,
) -> int:
    """Give the evidence away, signed where git has a signing key: for people as Markdown, to a file as JSON."""
    with sitting.looking(git_dir) as desk:
        found = desk.evidence(scenario, operation)
    is_json = sitting.form == "json" or output is not None
    write_result(run.as_json(found) if is_json else markdown(found).encode(), output)
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
    lines = [f"{values['operation']}: commit {values['commit'][:12]} {word}"]
    lines += [f"  brought in by {one['commit'][:12]} of {one['author']}" for one in values["brought_in"]]
    return run.lines_text([*lines, *run.check_lines(values["checks"])])
