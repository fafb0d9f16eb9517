"""What the verbs of `runbook` share: the repository and keys they work with, and results as text for people."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from types import FrameType, TracebackType
from typing import Annotated, Any, Final, Literal, Self, TypeAlias

import typer

from secretsync import age, files
from secretsync.cli._terminal import ask_secret, say, show_progress
from secretsync.errors import PlanProblemError, RepositoryError, one_line
from secretsync.git import Repository
from secretsync.masterkeys import MasterKeys
from secretsync.processes import Pool
from secretsync.rotation import applying, evidence
from secretsync.rotation.applying import ApplyOutcome, Controls
from secretsync.rotation.file_worker import FileWork
from secretsync.rotation.journal import Operation, operations
from secretsync.rotation.model import Plan
from secretsync.rotation.planning import Setting, make_plan
from secretsync.rotation.scenario import Scenario
from secretsync.sealed import privatekeys

Form: TypeAlias = Annotated[Literal["text", "json"], typer.Option("--format", "-o", help="How to write the result.")]
"""The option of every verb that has a result."""

GitDir: TypeAlias = Annotated[
    str | None, typer.Option("--git-dir", metavar="DIR", help="A bare repository, which nothing else names.")
]
"""The option of every verb that reads history and needs no files beside it."""

_SHOWN: Final = 12


def repository_of(folder: str, git_dir: str | None) -> Repository:
    """Return the repository that holds `folder`, or the one in `git_dir`, seen from there. Raises: RepositoryError."""
    return Repository.containing(folder) if git_dir is None else Repository.at(os.path.join(folder, git_dir))


class RunbookRun:
    """The repository, the keys, and processes to share the work; use it as a context."""

    def __init__(
        self, folder: str, held: Sequence[str], private_keys: Sequence[str] = (), *, allow_demo_keys: bool
    ) -> None:
        self.repository = Repository.containing(folder)
        self._keys = MasterKeys(os.environ, prompt=ask_secret, allow_demo_keys=allow_demo_keys)
        identities = [one for path in held for one in age.parse_identities(files.read(path).decode("utf-8", "replace"))]
        unsealing = [key for path in private_keys for key in privatekeys.load(files.read(path))]
        self._pool = Pool(FileWork(self.repository, self._keys, held=identities, unsealing=unsealing))
        self._stopped = False

    def __enter__(self) -> Self:
        self._pool.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        self._pool.__exit__(kind, error, frames)

    def plan(self, scenario: Scenario, given: Mapping[str, str], *, now: datetime | None = None) -> Plan:
        """Make a plan from HEAD."""
        moment = (now or datetime.now(UTC)).replace(microsecond=0)
        setting = Setting(self.repository, self._keys, self._pool, moment, show_progress)
        return make_plan(scenario, given, setting)

    def planned_again(self, scenario: Scenario, reviewed: Plan) -> Plan:
        """Make a reviewed plan again, from HEAD as it is now.

        Raises:
            PlanProblemError: it would do something else than what was reviewed.
        """
        if reviewed.scenario != scenario.name:
            raise PlanProblemError(f"is a plan of runbook {reviewed.scenario}")
        plan = self.plan(scenario, reviewed.parameters, now=datetime.fromisoformat(reviewed.at))
        if plan.problems or plan.digest == reviewed.digest:
            return plan
        moved = sorted(
            {file.path for file in plan.files if file not in reviewed.files}
            | {file.path for file in reviewed.files if file not in plan.files}
        )
        if (
            moved
            or plan.policy != reviewed.policy
            or [one.edits for one in plan.phases] != [one.edits for one in reviewed.phases]
        ):
            named = ", ".join(moved[:_SHOWN]) or "keys/"
            raise PlanProblemError(
                f"changed since the plan was made: {named}", hint=f"secretsync runbook {scenario.name} plan"
            )
        say(f"the base moved to {plan.base[:12]}, and no file of the plan with it")
        return plan

    def apply(self, plan: Plan) -> dict[str, Any]:
        """Carry a plan out and return the evidence."""
        operation = Operation(self.repository, plan.operation)
        return self._done(operation, applying.apply(plan, operation, self.repository, self._pool, self._controls()))

    def resume(self, scenario: str, name: str | None, *, only_if_done: bool = False) -> dict[str, Any]:
        """Carry an operation on, or prove it again where it is done."""
        operation = self._operation(scenario, name)
        if only_if_done and not operation.has("done"):
            raise RepositoryError(
                f"operation {operation.name!r} is not done",
                hint=f"secretsync runbook {scenario} resume {operation.name}",
            )
        return self._done(operation, applying.resume(operation, self.repository, self._pool, self._controls()))

    def status(self, scenario: str, name: str | None) -> dict[str, Any]:
        """Return how far an operation is."""
        operation = self._operation(scenario, name)
        plan, records = operation.plan(), operation.records()
        events = [record["event"] for record in records]
        paths = {file.path for file in plan.files}
        written = paths.intersection(one["path"] for one in records if one["event"] == "file")
        state = next((word for word in ("rolled-back", "done") if word in events), "unfinished")
        return {
            "version": 1,
            "operation": operation.name,
            "state": state,
            "branch": operation.branch,
            "base": plan.base,
            "files": {"planned": len(plan.files), "written": len(written)},
            "commits": {one["phase"]: one["commit"] for one in records if one["event"] == "commit"},
            "folder": operation.folder,
            "tasks": [asdict(task) for task in plan.tasks],
        }

    def roll_back(self, scenario: str, name: str | None) -> dict[str, Any]:
        """Undo an operation and return its status."""
        operation = self._operation(scenario, name)
        applying.roll_back(operation, self.repository)
        return self.status(scenario, operation.name)

    def _done(self, operation: Operation, outcome: ApplyOutcome) -> dict[str, Any]:
        found = evidence.gather(operation.plan(), operation, outcome, self.repository)
        evidence.write(found, operation.folder)
        return {**found, "folder": operation.folder}

    def _operation(self, scenario: str, name: str | None) -> Operation:
        known = operations(self.repository)
        if name is not None:
            return Operation(self.repository, name)
        for each in reversed(known):
            operation = Operation(self.repository, each)
            if operation.plan().scenario == scenario:
                return operation
        raise RepositoryError(f"no operation of runbook {scenario} was begun here")

    def _controls(self) -> Controls:
        """Return controls that the first interrupt stops, after the file at hand; the second ends the process."""

        def stop(_: int, __: FrameType | None) -> None:
            self._stopped = True
            signal.signal(signal.SIGINT, signal.default_int_handler)
            say("finishing the file at hand")

        signal.signal(signal.SIGINT, stop)
        return Controls(lambda: self._stopped, show_progress)


def as_json(values: dict[str, Any]) -> bytes:
    """Return a result for a machine."""
    return (json.dumps(values, indent=2) + "\n").encode()


def plan_text(plan: Plan) -> str:
    """Return a plan for people: what happens, what is wrong, what is left to do."""
    return _text(_plan_lines(plan))


def summary(plan: Plan) -> str:
    """Return a plan in one line."""
    counts = [
        f"{phase.title}: {len(phase.edits)} key ring files, {len(phase.files)} encrypted files" for phase in plan.phases
    ]
    return f"{plan.operation}: {'; '.join(counts) or 'nothing to do'}"


def problem_lines(plan: Plan) -> Iterator[str]:
    """Yield each problem as a sentence."""
    for problem in plan.problems:
        yield f"{problem.path or 'keys/'}: {problem.message}{f' (hint: {problem.hint})' if problem.hint else ''}"


def _plan_lines(plan: Plan) -> Iterator[str]:
    yield f"plan {plan.digest[:12]} of {plan.operation}"
    yield f"from commit {plan.base[:12]}"
    for number, phase in enumerate(plan.phases, 1):
        yield ""
        yield f"phase {number}: {phase.title}"
        for path, text in phase.edits.items():
            yield f"  {'remove' if text is None else 'write':<10} {path}"
        for file in phase.files:
            change = [f"+{name}" for name in file.added] + [f"-{name}" for name in file.removed]
            yield f"  {file.operation:<10} {file.path}  {' '.join(change)}{f'  ({file.why})' if file.why else ''}"
    if not plan.phases:
        yield "nothing to do"
    yield ""
    yield from (f"note: {note}" for note in plan.notes)
    if plan.touches:
        yield f"note: {plan.touches} files need a person or another machine to be opened: expect {plan.touches} touches"
    yield from (f"left as it is: {each}" for each in plan.drift)
    yield from _task_lines([asdict(task) for task in plan.tasks])
    yield from (f"problem: {line}" for line in problem_lines(plan))
    yield "nothing is written yet; " + (
        "solve the problems first" if plan.problems else f"carry it out with: secretsync runbook {plan.scenario} apply"
    )


def _task_lines(tasks: list[dict[str, str]]) -> Iterator[str]:
    if tasks:
        yield "what no tool can do:"
    yield from (f"  until {task['due']}  {task['owner']}: {task['what']}" for task in tasks)


def evidence_text(values: dict[str, Any]) -> str:
    """Return what an operation came to, for people."""
    lines = [f"{values['operation']}: done in {values['seconds']} s, {len(values['files'])} files"]
    for check in values["checks"]:
        lines.append(f"  {check['id']:<4} {check['status']:<15} {check['checked']:>7}  {check['title']}")
        lines += [f"       {note}" for note in (*check["failures"], *check["notes"])]
    lines += [*_task_lines(values["tasks"]), f"evidence: {os.path.join(values['folder'], 'evidence.md')}"]
    lines.append(f"branch {values['branch']} is ready: git merge --ff-only {values['branch']}")
    return _text(lines)


def status_text(values: dict[str, Any]) -> str:
    """Return a status for people."""
    counts = values["files"]
    lines = [
        f"{values['operation']}: {values['state']}",
        f"  branch  {values['branch']}",
        f"  base    {values['base'][:12]}",
    ]
    lines += [f"  commit  {commit[:12]} {phase}" for phase, commit in values["commits"].items()]
    lines.append(f"  files   {counts['written']} of {counts['planned']} written")
    return _text([*lines, *_task_lines(values["tasks"])])


def _text(lines: Iterable[str]) -> str:
    """Return the lines as one text; names of files come from strangers, and must not steer a terminal."""
    return "".join(f"{one_line(line)}\n" for line in lines)
