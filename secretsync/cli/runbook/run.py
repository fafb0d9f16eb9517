"""What the verbs of `runbook` share: the repository and keys they work with, and results as text for people."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, Literal, TypeAlias

import typer

from secretsync import age, files
from secretsync.cli._backups import unsealing_keys
from secretsync.cli._manifests import placed
from secretsync.cli._terminal import ask_secret, say, show_progress
from secretsync.cli.runbook import grouping
from secretsync.errors import one_line
from secretsync.git import Repository
from secretsync.keyring import discovery
from secretsync.keyring.reading import POLICY
from secretsync.letters import counted
from secretsync.masterkeys import MasterKeys
from secretsync.rotation.model import FilePlan, LeftOut, Plan, WaitingFile
from secretsync.rotation.partial import BEYOND
from secretsync.rotation.run import RunbookRun

Form: TypeAlias = Annotated[Literal["text", "json"], typer.Option("--format", "-o", help="How to write the result.")]
"""The option of every verb that has a result."""

GitDir: TypeAlias = Annotated[
    str | None, typer.Option("--git-dir", metavar="DIR", help="A bare repository, which nothing else names.")
]
"""The option of every verb that reads history and needs no files beside it."""

RingFolder: TypeAlias = Annotated[
    str,
    typer.Option("--repository", "-C", help="A folder of the repository; the nearest key ring at or above it counts."),
]
"""The option of whatever looks at the files of a key ring in commits."""


def repository_of(folder: str, git_dir: str | None) -> Repository:
    """Return the repository that holds `folder`, or the one in `git_dir`, seen from there.

    Where the key ring of `folder` lies below the root, the repository is seen from there. Raises: RepositoryError.
    """
    if git_dir is not None:
        return Repository.at(os.path.join(folder, git_dir))
    return with_ring(Repository.read_in(folder), folder)


def with_ring(repository: Repository, folder: str) -> Repository:
    """Return the repository as seen from the key ring that commands on `keys` would take in `folder`."""
    place, root = discovery.root_of(os.path.realpath(folder)), Path(os.path.realpath(repository.root))
    if root in place.parents and (place / POLICY).exists():
        return repository.below(place.relative_to(root).as_posix())
    return repository


def within(repository: Repository) -> dict[str, str]:
    """Return the folder that paths start from, for a machine; nothing for the root."""
    return {"within": repository.within} if repository.within else {}


def begun(
    repository: Repository, held: Sequence[str], private_keys: Sequence[str], *, allow_demo_keys: bool
) -> RunbookRun:
    """Return what the verbs work with: the keys of this machine, and those in files named on the command line."""
    keys = MasterKeys(os.environ, prompt=ask_secret, allow_demo_keys=allow_demo_keys)
    identities = [one for path in held for one in age.parse_identities(files.read(path).decode("utf-8", "replace"))]
    unsealing = [key for path in private_keys for key in placed(path, lambda data: unsealing_keys(data, keys))]
    return RunbookRun(repository, keys, held=identities, unsealing=unsealing, progress=show_progress, tell=say)


def first_interrupt() -> Callable[[], bool]:
    """Return whether somebody interrupted, from now on: the run stops after the file at hand, a second one ends it."""
    interrupted = False

    def stop(_: int, __: FrameType | None) -> None:
        nonlocal interrupted
        interrupted = True
        signal.signal(signal.SIGINT, signal.default_int_handler)
        say("finishing the file at hand")

    signal.signal(signal.SIGINT, stop)
    return lambda: interrupted


def as_json(values: dict[str, Any]) -> bytes:
    """Return a result for a machine."""
    return (json.dumps(values, indent=2) + "\n").encode()


def plan_text(plan: Plan) -> str:
    """Return a plan for people: what happens, what is wrong, what is left to do."""
    return lines_text(_plan_lines(plan))


def summary(plan: Plan) -> str:
    """Return a plan in one line."""
    counts = [
        f"{phase.title}: {counted(len(phase.edits), 'key ring file')}, {counted(len(phase.files), 'encrypted file')}"
        for phase in plan.phases
    ]
    return f"{plan.operation}: {'; '.join(counts) or 'nothing to do'}"


def problem_lines(plan: Plan) -> Iterator[str]:
    """Yield the problems of a plan as sentences."""
    return grouping.problem_lines(plan.problems)


def _plan_lines(plan: Plan) -> Iterator[str]:
    yield f"plan {plan.digest[:12]} of {plan.operation}"
    yield f"from commit {plan.base[:12]}"
    if plan.phases:
        yield f"in all: {grouping.changes(plan)}"
    for number, phase in enumerate(plan.phases, 1):
        yield ""
        yield f"phase {number}: {phase.title}"
        for path, text in phase.edits.items():
            yield f"  {'remove' if text is None else 'write':<10} {path}"
        for line, file in grouping.file_lines(phase):
            yield f"  {line}"
            yield from _item_lines(file) if file else ()
    if not plan.phases:
        yield "nothing to do"
    yield ""
    yield from (f"note: {note}" for note in grouping.note_lines(plan.notes))
    if plan.touches:
        files, touches = counted(plan.touches, "file"), f"{plan.touches} touch{'' if plan.touches == 1 else 'es'}"
        yield f"note: to open {files} takes a person or another machine: expect {touches}"
    yield from (f"left as it is: {each}" for each in grouping.note_lines(plan.drift))
    yield from grouping.left_out_lines(plan.left_out)
    yield from grouping.waiting_lines(plan.waiting)
    yield from grouping.first_lines([*_task_lines([asdict(task) for task in plan.tasks])], "task")
    yield from (f"problem: {line}" for line in problem_lines(plan))
    yield "nothing is written yet; " + (
        "solve the problems first" if plan.problems else f"carry it out with: secretsync runbook {plan.scenario} apply"
    )


def _item_lines(file: FilePlan) -> Iterator[str]:
    for item in file.sealed:
        how = "from its old key" if item.opened else "not compared"
        said = f", {'as in' if item.opened else 'from'} {', '.join(item.sources)}" if item.sources else ""
        yield f"             {item.secret} {item.key or '(spec.data)'}: {item.scope}, for {item.cluster}, {how}{said}"


def _task_lines(tasks: list[dict[str, str]]) -> Iterator[str]:
    if tasks:
        yield "what no tool can do:"
    yield from (f"  until {task['due']}  {task['owner']}: {task['what']}" for task in tasks)


def evidence_text(values: dict[str, Any]) -> str:
    """Return what an operation came to, for people."""
    lines = [
        f"{values['operation']}: {values['ending']} in {values['seconds']} s, {counted(len(values['files']), 'file')}"
    ]
    lines += check_lines(values["checks"])
    lines += [f"note: {note}" for note in grouping.note_lines(values["notes"])]
    lines += [f"left as it is: {each}" for each in grouping.note_lines(values["drift"])]
    lines += grouping.left_out_lines([LeftOut(**one) for one in values["left_out"]])
    lines += grouping.waiting_lines([_waiting(one) for one in values["waiting"]])
    lines += [*_task_lines(values["tasks"]), f"evidence: {os.path.join(values['folder'], 'evidence.md')}"]
    lines.append(_ending(values))
    return lines_text(lines)


def check_lines(checks: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the checks for people, each with what it found."""
    width = max((len(check["id"]) for check in checks), default=0)
    for check in checks:
        yield f"  {check['id']:<{width}} {check['status']:<15} {check['checked']:>7}  {check['title']}"
        yield from (f"{'':<{width + 3}}{note}" for note in (*check["failures"], *check["notes"]))


def _ending(values: dict[str, Any]) -> str:
    branch, failed = values["branch"], [check["id"] for check in values["checks"] if check["status"] == "failed"]
    if failed:
        return f"branch {branch} is not to be merged: {', '.join(failed)} failed"
    if values["ending"] == "partial":
        resume = f"secretsync runbook {values['scenario']} resume {values['operation']}"
        return f"branch {branch} is partial: {_left(values)}" + (f"; go on with: {resume}" * bool(values["waiting"]))
    return f"branch {branch} is ready: git merge --ff-only {branch}"


def _left(values: dict[str, Any]) -> str:
    """Return what keeps an operation from being done, in a few words."""
    remain = sum(one["why"] == BEYOND for one in values["waiting"])
    waiting = len(values["waiting"]) - remain
    still = sum(LeftOut(**one).is_open for one in values["left_out"])
    told = [f"{counted(waiting, 'file')} {'waits' if waiting == 1 else 'wait'} for somebody else"] * bool(waiting)
    told += [f"{counted(remain, 'file')} {'remains' if remain == 1 else 'remain'} for another run"] * bool(remain)
    told += [
        f"a removed key may still open {counted(still, 'file')} that {'is' if still == 1 else 'are'} left out"
    ] * bool(still)
    return ", and ".join(told)


def _waiting(values: dict[str, Any]) -> WaitingFile:
    return WaitingFile(values["path"], values["readers"], values["needed"], values["why"])


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
    return lines_text([*lines, *_ticked_lines(values["tasks"])])


def _ticked_lines(tasks: list[dict[str, str]]) -> Iterator[str]:
    """Yield the tasks with the numbers by which they are ticked off."""
    if tasks:
        yield f"what no tool can do ({sum(bool(task['done']) for task in tasks)} of {len(tasks)} done):"
    for number, (task, line) in enumerate(zip(tasks, [*_task_lines(tasks)][1:], strict=True), 1):
        yield f"  {number:>3} [{'x' if task['done'] else ' '}]{line}"


def lines_text(lines: Iterable[str]) -> str:
    """Return the lines as one text; names of files come from strangers, and must not steer a terminal."""
    return "".join(f"{one_line(line)}\n" for line in lines)
