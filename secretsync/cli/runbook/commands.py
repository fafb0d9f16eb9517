"""`secretsync runbook SCENARIO VERB`: plan, apply, verify, resume, show and undo a change of keys over a repository."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any, Final, Literal

import typer

from secretsync import files
from secretsync.cli._options import grouped
from secretsync.cli._output import write_result
from secretsync.cli._terminal import confirm, say
from secretsync.cli.runbook import grouping, run
from secretsync.cli.runbook.options import AllowPartial, Budget, Held, OperationName, RunbookOptions
from secretsync.cli.runbook.pull_request import markdown
from secretsync.cli.runbook.verifying import export, verify
from secretsync.errors import PARTIAL, ConflictingOptionsError, ProofError
from secretsync.rotation import model, partial
from secretsync.rotation.evidence import markdown as evidence_markdown
from secretsync.rotation.model import Plan
from secretsync.rotation.parameters import Parameter
from secretsync.rotation.previewing import preview
from secretsync.rotation.scenario import SCENARIOS, Scenario, scenario_named

PROBLEMS = 1
_EXITS: Final[dict[str, int]] = {"done": 0, "partial": PARTIAL, "failed": ProofError.exit_code}

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def runbook() -> None:
    """Change keys over a whole repository: planned, on a branch of its own, proved, resumable.

    Each runbook has the verbs plan, apply, verify, evidence, resume, status and rollback.
    """


def _verbs(name: str) -> typer.Typer:
    """Return the commands of one runbook."""
    verbs = typer.Typer(
        add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, no_args_is_help=True
    )
    verbs.callback()(_described(SCENARIOS[name].summary))
    scenario = scenario_named(name)
    verbs.command("plan", help="Say what would happen to which file, and what is wrong. Nothing is written.")(
        _parametrised(_plan, scenario)
    )
    verbs.command("apply", help="Carry the plan out on a branch of its own, and prove it.")(
        _parametrised(_apply, scenario)
    )
    for verb, command in (
        ("verify", verify),
        ("evidence", export),
        ("resume", _resume),
        ("status", _status),
        ("rollback", _rollback),
    ):
        verbs.command(verb)(_bound(command, name))
    return verbs


@grouped
def _plan(
    scenario: str,
    given: dict[str, str],
    sitting: RunbookOptions,
    output: Annotated[str | None, typer.Option("--output", help="Write the plan to this file, as JSON.")] = None,
    diff: Annotated[
        bool, typer.Option("--diff", help="Show what would change: the key ring by line, files by who opens them.")
    ] = False,
    allow_partial: AllowPartial = False,
    budget: Budget = None,
) -> int:
    if diff and sitting.form == "json":
        raise ConflictingOptionsError("--diff is for people: -o text or -o markdown")
    with sitting.desk() as desk:
        plan = desk.plan(scenario_named(scenario), given, allow_partial=allow_partial)
        if budget:
            plan = replace(plan, waiting=[*plan.waiting, *partial.beyond(plan, {}, budget)])
        lines = [*preview(plan, desk.repository)] if diff else None
    if output:
        write_result(model.dump(plan), output)
    if not output or sitting.form != "json":
        write_result(_plan_in(sitting.form, plan, lines), None)
    return PROBLEMS if plan.problems else 0


def _plan_in(form: str, plan: Plan, diff: list[str] | None) -> bytes:
    if form == "json":
        return model.dump(plan)
    if form == "markdown":
        return markdown(plan, diff).encode()
    return (run.plan_text(plan) + run.lines_text(diff or ())).encode()


@grouped
def _apply(
    scenario: str,
    given: dict[str, str],
    sitting: RunbookOptions,
    plan_file: Annotated[str | None, typer.Option("--plan", help="Carry out this plan, which was reviewed.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")] = False,
    branch: Annotated[
        str, typer.Option("--branch", metavar="NAME", help="The new branch (secretsync/OPERATION unless given).")
    ] = "",
    allow_partial: AllowPartial = False,
    budget: Budget = None,
    held: Held = None,
) -> int:
    with sitting.desk(held) as desk:
        if plan_file:
            if given:
                raise ConflictingOptionsError("--plan says everything already")
            reviewed = model.parse(files.read(plan_file), plan_file)
            plan = desk.planned_again(scenario_named(scenario), reviewed, allow_partial=allow_partial)
        else:
            plan = desk.plan(scenario_named(scenario), given, allow_partial=allow_partial)
        for line in run.problem_lines(plan):
            say(line, kind="error")
        if not (yes or plan.problems):
            say(run.summary(plan))
            for note in (*plan.notes, *grouping.left_out_lines(plan.left_out), *grouping.waiting_lines(plan.waiting)):
                say(note)
            if not confirm(f"carry out plan {plan.digest[:12]}?"):
                say("nothing was changed")
                return PROBLEMS
        return _told(desk.apply(plan, branch=branch, budget=budget, stopped=run.first_interrupt()), sitting)


@grouped
def _resume(
    scenario: str,
    sitting: RunbookOptions,
    operation: OperationName = None,
    plan_file: Annotated[
        str | None, typer.Option("--plan", help="The plan it was begun by, where this clone cannot plan it again.")
    ] = None,
    budget: Budget = None,
    held: Held = None,
) -> int:
    """Go on where an operation stopped: interrupted, or partial."""
    with sitting.desk(held) as desk:
        reviewed = model.parse(files.read(plan_file), plan_file) if plan_file else None
        evidence = desk.resume(scenario, operation, reviewed=reviewed, budget=budget, stopped=run.first_interrupt())
        return _told(evidence, sitting)


@grouped
def _status(
    scenario: str,
    sitting: RunbookOptions,
    operation: OperationName = None,
    done: Annotated[
        list[int] | None, typer.Option("--done", metavar="N", help="Tick off a task, counted from 1; may be repeated.")
    ] = None,
) -> int:
    """Say how far an operation is, and what is left to people."""
    sitting.require_plain()
    with sitting.desk() as desk:
        status = desk.tick(scenario, operation, done) if done else desk.status(scenario, operation)
    write_result(run.as_json(status) if sitting.form == "json" else run.status_text(status).encode(), None)
    return 0


@grouped
def _rollback(
    scenario: str,
    sitting: RunbookOptions,
    operation: OperationName = None,
    discard: Annotated[
        bool, typer.Option("--discard", help="Give up what others committed on the branch as well.")
    ] = False,
) -> int:
    """Remove the branch of an operation that is not merged; its plan can be applied again."""
    sitting.require_plain()
    with sitting.desk() as desk:
        status = desk.roll_back(scenario, operation, discard=discard)
    write_result(run.as_json(status) if sitting.form == "json" else run.status_text(status).encode(), None)
    return 0


def _told(evidence: dict[str, Any], sitting: RunbookOptions) -> int:
    if sitting.form == "json":
        form = run.as_json(evidence)
    else:
        form = (evidence_markdown if sitting.form == "markdown" else run.evidence_text)(evidence).encode()
    write_result(form, None)
    return _EXITS[evidence["ending"]]


def _bound(command: Callable[..., int], scenario: str) -> Callable[..., int]:
    """Return a verb's command for one runbook."""

    def call(**values: Any) -> int:
        return command(scenario=scenario, **values)

    return _signed(call, command, [])


def _parametrised(command: Callable[..., int], scenario: Scenario) -> Callable[..., int]:
    """Return a verb's command that takes the scenario's parameters: `subject` as argument, the others as options."""
    parameters = [_parameter(one) for one in scenario.every_parameter]
    names = {one.name.replace("-", "_"): one.name for one in scenario.every_parameter}
    public = [one.name for one in scenario.every_parameter if one.kind == "file"]

    def call(**values: Any) -> int:
        given = {names[name]: _text(value) for name in names if (value := values.pop(name, None))}
        given |= {name: files.read(given[name]).decode("utf-8", "replace") for name in public if name in given}
        return command(scenario=scenario.name, given=given, **values)

    return _signed(call, command, parameters)


def _text(value: str | list[str]) -> str:
    """Return the text of a parameter; what may be given several times is one line each."""
    return value if isinstance(value, str) else "\n".join(value)


def _signed(call: Callable[..., int], command: Callable[..., int], more: list[inspect.Parameter]) -> Callable[..., int]:
    taken = {"scenario", "given", *(one.name for one in more)}  # a runbook's own budget is for its plan
    own = [one for name, one in inspect.signature(command).parameters.items() if name not in taken]
    call.__doc__ = command.__doc__
    call.__signature__ = inspect.Signature([*more, *own])  # type: ignore[attr-defined]  # inspect's own hook
    return call


def _parameter(one: Parameter) -> inspect.Parameter:
    name = one.name.replace("-", "_")
    told = f"{one.help}{f' ({one.default} unless given)' if one.default else ''}"
    told = f"{told[:1].upper()}{told[1:]}."
    kind: Any = Literal[one.choices] if one.choices else list[str] if one.kind == "globs" else str
    if one.name == "subject":
        info: Any = typer.Argument(metavar="SUBJECT", help=told, callback=_checked(one))
    else:
        info = typer.Option(one.option, help=told, callback=_checked(one))
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind | None, info]
    )


def _checked(one: Parameter) -> Callable[[str | list[str] | None], str | list[str] | None]:
    """Return a callback that refuses what is not of the parameter's kind before a repository is looked at."""

    def callback(value: str | list[str] | None) -> str | list[str] | None:
        if value not in (None, []) and one.kind != "file":
            one.parse(_text(value or ""))
        return value

    return callback


def _described(text: str) -> Callable[[], None]:
    def callback() -> None: ...

    callback.__doc__ = text
    return callback


for _name in SCENARIOS:
    app.add_typer(_verbs(_name), name=_name, help=SCENARIOS[_name].summary)
