"""Carrying out a plan: a worktree, then phase by phase the edits and files, the proof, and one commit.

Every step is in the journal before it is done, and what to do next follows from journal and disk alone; carrying out
and resuming are therefore the same function. The user's working tree is never touched.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Final, Literal, NamedTuple, TypeAlias

from secretsync import files
from secretsync.errors import (
    ChangedFileError,
    InterruptedRunError,
    MissingFileError,
    PlanProblemError,
    ProofError,
    RepositoryError,
)
from secretsync.git import Repository, Worktree, blob_id, branches
from secretsync.processes import Pool
from secretsync.rotation import verification
from secretsync.rotation.file_worker import FileTask, Proof, blob_of
from secretsync.rotation.journal import Operation, OperationLock, boot
from secretsync.rotation.model import FilePlan, PhasePlan, Plan
from secretsync.rotation.survey import Progress
from secretsync.rotation.verification import Check

Ending: TypeAlias = Literal["done", "failed"]
"""How a run ends that was not broken off."""

NOTHING: Final = ""
"""Stands for the blob id of a file that is not there."""

OP_TRAILER, PHASE_TRAILER = "Secretsync-Op", "Secretsync-Phase"


class Controls(NamedTuple):
    """What a run obeys and tells: whether to stop after the file at hand, and how far it is."""

    stopped: Callable[[], bool]
    progress: Progress


class PlannedWrite(NamedTuple):
    """One file to write: its blob before (NOTHING where there is none) and what makes its new bytes (None: it goes)."""

    path: str
    before: str
    file: FilePlan | None
    data: bytes | None


class ApplyOutcome(NamedTuple):
    """What carrying out came to: the branch, its commits by phase, and all checks."""

    branch: str
    commits: dict[str, str]
    checks: list[Check]

    @property
    def ending(self) -> Ending:
        """Whether all of it was done and holds: a branch on which a check failed is not to be merged."""
        return "failed" if verification.failed(self.checks) else "done"


def apply(plan: Plan, operation: Operation, repository: Repository, pool: Pool, controls: Controls) -> ApplyOutcome:
    """Begin an operation and carry it out.

    Raises:
        PlanProblemError: the plan has problems, or nothing to do.
        OperationRunningError: another one is at work.
        RepositoryError: it was begun before (resume it), or git refuses.
        ProofError: a check failed; nothing of that phase is committed.
        InterruptedRunError: it was told to stop.
    """
    if plan.problems:
        first = plan.problems[0]
        more = f", and {len(plan.problems) - 1} more" if len(plan.problems) > 1 else ""
        raise PlanProblemError(f"{first.path or 'the plan'}: {first.message}{more}", hint=first.hint or None)
    if not plan.phases:
        raise PlanProblemError("nothing to do")
    with OperationLock(repository, operation.name):
        if operation.exists and not operation.has("rolled-back"):
            raise RepositoryError(f"operation {operation.name!r} was begun", hint=_command(plan, "resume", operation))
        branches.require_free(repository, operation.new_branch)
        Worktree(repository, operation.tree, operation.new_branch).require_able(plan.base)
        operation.begin(plan)
        return _Run(plan, operation, repository, pool, controls).carry_out()


def resume(operation: Operation, repository: Repository, pool: Pool, controls: Controls) -> ApplyOutcome:
    """Carry an operation on from where it stopped; one that is done is proved again. Raises: as `apply`."""
    plan = operation.plan()
    with OperationLock(repository, operation.name):
        if operation.has("rolled-back"):
            raise RepositoryError(
                f"operation {operation.name!r} was rolled back",
                hint=f"{_command(plan, 'apply')} --plan {shlex.quote(operation.plan_file)}",
            )
        return _Run(plan, operation, repository, pool, controls).carry_out()


class _Run:
    def __init__(
        self, plan: Plan, operation: Operation, repository: Repository, pool: Pool, controls: Controls
    ) -> None:
        self._plan = plan
        self._operation = operation
        self._repository = repository
        self._pool = pool
        self._controls = controls
        self._worktree = Worktree(repository, operation.tree, operation.branch)
        self._checks: list[Check] = []
        self._now = datetime.fromisoformat(plan.at)
        self._certificate = plan.parameters.get("certificate", "")

    def carry_out(self) -> ApplyOutcome:
        """Do what is not done yet."""
        committed = self._committed()
        if len(committed) < len(self._plan.phases):
            self._prepare(any_committed=bool(committed))
        for phase in self._plan.phases:
            if phase.name not in committed:
                self._write(phase)
                self._prove(phase, folder=self._operation.tree)
                committed[phase.name] = self._commit(phase)
            else:
                self._prove(phase, folder="")
        tip = self._worktree.tip()
        self._checks.append(verification.removed_are_gone(self._repository, self._plan, tip))
        outcome = ApplyOutcome(self._operation.branch, committed, verification.merged(self._checks))
        if self._operation.ending != outcome.ending:
            self._operation.record(outcome.ending, commit=tip)
        self._worktree.remove()
        return outcome

    def _committed(self) -> dict[str, str]:
        """Return the commits of the phases that are done, which the branch itself tells."""
        entries = self._worktree.commits(self._plan.base)
        return {
            entry.trailer(PHASE_TRAILER): entry.commit
            for entry in entries
            if entry.trailer(OP_TRAILER) == self._operation.name
        }

    def _prepare(self, *, any_committed: bool) -> None:
        """Make the worktree, or clean up the one that a crash left."""
        if self._operation.has("worktree") and os.path.isdir(self._operation.tree):
            self._worktree.sweep()
            if not self._operation.has("worktree", boot=boot()):
                self._refill()
            for name in files.walk(self._operation.tree):
                if os.path.basename(name).startswith(files.TEMPORARY_PREFIX):
                    files.remove_below(self._operation.tree, name)
            return
        if any_committed:
            raise RepositoryError(
                "the worktree of the operation is gone", location=self._operation.tree, hint="roll back, and plan anew"
            )
        self._worktree.create(self._plan.base, [path for phase in self._plan.phases for path in phase.paths])
        self._operation.record("worktree", path=self._operation.tree, boot=boot())

    def _refill(self) -> None:
        """Fill the worktree again: the machine was started anew, and nobody knows what of it had reached the disk."""
        self._worktree.refill(path for phase in self._plan.phases for path in phase.paths)
        self._operation.record("worktree", path=self._operation.tree, boot=boot())

    def _write(self, phase: PhasePlan) -> None:
        """Write every file of a phase that is not written yet."""
        known = [record for record in self._operation.records() if record.get("phase") == phase.name]
        written: dict[str, set[str]] = {}
        for record in known:
            if record["event"] == "file":
                written.setdefault(record["path"], set()).add(record["after"])
        todo = list(self._targets(phase))
        if written:
            todo = [target for target in todo if self._is_due(target, written.get(target.path, set()))]
        planned = [
            FileTask(one.file, self._plan.keys, self._operation.tree, self._now, self._certificate)
            for one in todo
            if one.file
        ]
        contents: Iterator[bytes] = self._pool.map("change", planned, key=blob_of)
        for number, target in enumerate(todo, 1):
            self._put(phase, target, next(contents) if target.file else target.data)
            self._controls.progress(number, len(todo))
            if self._controls.stopped():
                raise InterruptedRunError(
                    f"stopped after {number} of {len(todo)} files", hint=_command(self._plan, "resume", self._operation)
                )

    def _targets(self, phase: PhasePlan) -> Iterable[PlannedWrite]:
        names = self._repository.blobs(self._plan.base, *phase.edits) if phase.edits else {}
        for path, text in phase.edits.items():
            yield PlannedWrite(path, names.get(path, NOTHING), None, None if text is None else text.encode())
        for file in phase.files:
            yield PlannedWrite(file.path, file.blob, file, None)

    def _is_due(self, target: PlannedWrite, written: set[str]) -> bool:
        """Decide from disk and journal: as before, it is due; as we wrote it, it is done; anything else is not ours.

        Raises:
            ChangedFileError: somebody else changed the file.
        """
        now = self._present(target)
        if now == target.before:
            return True
        if now in written:
            return False
        raise ChangedFileError(
            "is neither what the plan started from nor what was written",
            location=os.path.join(self._operation.tree, target.path),
            hint=_command(self._plan, "rollback", self._operation),
        )

    def _present(self, target: PlannedWrite) -> str:
        try:
            data = files.read(os.path.join(self._operation.tree, target.path))
        except MissingFileError:
            return NOTHING
        return blob_id(data, self._plan.base)

    def _put(self, phase: PhasePlan, target: PlannedWrite, data: bytes | None) -> None:
        """Record what will be there, and put it there."""
        if target.file is None:  # of any other, the process that changed it has seen that it is as planned
            self._is_due(target, set())
        after = NOTHING if data is None else blob_id(data, self._plan.base)
        record = {"phase": phase.name, "path": target.path, "before": target.before, "after": after}
        self._operation.record("file", durable=False, **record)
        if data is None:
            files.remove_below(self._operation.tree, target.path)
        else:
            files.write_below(self._operation.tree, target.path, data, durable="nothing")

    def _prove(self, phase: PhasePlan, *, folder: str) -> None:
        """Check what was written, and refuse to go on where a check fails."""
        paths = [file.path for file in phase.files]
        blobs = {} if folder else self._repository.blobs(self._worktree.tip(), *paths)
        tasks = [
            Proof(file, self._plan.keys, folder, blobs.get(file.path, NOTHING), self._now, self._certificate)
            for file in phase.files
        ]
        verdicts = []
        for number, verdict in enumerate(self._pool.map("prove", tasks, key=blob_of), 1):
            verdicts.append(verdict)
            self._controls.progress(number, len(tasks))
        checks = verification.judged(phase.files, verdicts)
        self._checks += checks
        failed = verification.failed(checks)
        statuses = {check.id: check.status for check in checks}
        self._operation.record("proved", phase=phase.name, checks=statuses)
        if failed:
            raise ProofError(
                f"{failed[0].id}: {failed[0].failures[0]}", hint=_command(self._plan, "rollback", self._operation)
            )

    def _commit(self, phase: PhasePlan) -> str:
        commit = self._worktree.commit(phase.paths, _message(self._plan, self._operation, phase))
        self._operation.record("commit", phase=phase.name, commit=commit)
        return commit


def _message(plan: Plan, operation: Operation, phase: PhasePlan) -> str:
    """Return the commit's message with the trailers that later answer how old a data key is, and why."""
    removed = sorted({name for file in phase.files for name in file.removed})
    added = sorted({name for file in phase.files for name in file.added})
    rotated = sum(file.operation == "rotate" for file in phase.files)
    trailers = {
        OP_TRAILER: operation.name,
        PHASE_TRAILER: phase.name,
        "Secretsync-Plan": f"sha256:{plan.digest}",
        "Secretsync-Recipients-Removed": ", ".join(removed),
        "Secretsync-Recipients-Added": ", ".join(added),
        "Secretsync-Datakey-Rotated": str(rotated or ""),
    }
    lines = [f"{name}: {value}" for name, value in trailers.items() if value]
    return f"secrets: {phase.title}\n\n" + "\n".join(lines) + "\n"


def _command(plan: Plan, verb: str, operation: Operation | None = None) -> str:
    return f"secretsync runbook {plan.scenario} {verb}{f' {operation.name}' if operation else ''}"
