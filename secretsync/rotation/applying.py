"""Carrying out a plan: a worktree, then phase by phase the edits and files, the proof, and one commit.

Every step is in the journal before it is done, and what to do next follows from the branch, the journal and the disk;
carrying out and resuming are therefore the same function. What is done, the commits of the branch say, whoever made
them. The user's working tree is never touched.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, NamedTuple, TypeAlias

from secretsync.errors import PlanProblemError, ProofError, RepositoryError
from secretsync.git import Repository, Worktree, branches, checked_out
from secretsync.processes import Pool
from secretsync.rotation import partial, trailers, verification
from secretsync.rotation.file_worker import Proof, blob_of
from secretsync.rotation.journal import Operation, OperationLock
from secretsync.rotation.model import FilePlan, LeftOut, PhasePlan, Plan, WaitingFile
from secretsync.rotation.proving import Verdict
from secretsync.rotation.trailers import OP_TRAILER, PHASE_TRAILER
from secretsync.rotation.verification import Check
from secretsync.rotation.writing import NOTHING, Controls, Writer, command

Ending: TypeAlias = Literal["done", "partial", "failed"]
"""How a run ends that was not broken off: all is done; somebody else, or some file, is left; a check failed."""


class ApplyOutcome(NamedTuple):
    """What carrying out came to: the branch, its last commit of each phase, and all checks.

    `made` are all commits, in order, with their phases; `waiting` and `open_still` are what is left.
    """

    branch: str
    commits: dict[str, str]
    checks: list[Check]
    made: list[tuple[str, str]]
    waiting: list[WaitingFile]
    open_still: list[LeftOut]

    @property
    def ending(self) -> Ending:
        """Whether all of it was done and holds: a branch on which a check failed is not to be merged."""
        if verification.failed(self.checks):
            return "failed"
        return "partial" if self.waiting or self.open_still else "done"


def apply(
    plan: Plan,
    operation: Operation,
    repository: Repository,
    pool: Pool,
    controls: Controls,
    *,
    budget: int | None = None,
) -> ApplyOutcome:
    """Begin an operation and carry it out, no more than `budget` files of it.

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
            raise RepositoryError(f"operation {operation.name!r} was begun", hint=command(plan, "resume", operation))
        branches.require_free(repository, operation.new_branch)
        Worktree(repository, operation.tree, operation.new_branch).require_able(plan.base)
        operation.begin(plan)
        return _Run(plan, operation, repository, pool, controls).carry_out(budget)


def resume(
    operation: Operation,
    repository: Repository,
    pool: Pool,
    controls: Controls,
    *,
    plan: Plan | None = None,
    budget: int | None = None,
) -> ApplyOutcome:
    """Carry an operation on from where it stopped, by no more than `budget` files; one that is done is proved again.

    `plan` is the same plan, made again with the keys of whoever goes on, so that it says what waits for others.
    Raises: as `apply`.
    """
    plan = plan or operation.plan()
    with OperationLock(repository, operation.name):
        if operation.has("rolled-back"):
            raise RepositoryError(
                f"operation {operation.name!r} was rolled back",
                hint=f"{command(plan, 'apply')} --plan {shlex.quote(operation.plan_file)}",
            )
        return _Run(plan, operation, repository, pool, controls).carry_out(budget)


class _Due(NamedTuple):
    """What of a phase is to be written, what somebody committed before, and whether its edits are due."""

    files: list[FilePlan]
    committed: list[FilePlan]
    edits: bool


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
        self._writer = Writer(plan, operation, repository, pool, controls)
        self._checks: list[Check] = []

    def carry_out(self, budget: int | None) -> ApplyOutcome:
        """Do what is not done yet, and can be done here, and no more than `budget` files of it."""
        if budget is not None:
            remain = partial.beyond(self._plan, self._blobs(self._plan.files), budget)
            self._plan = replace(self._plan, waiting=[*self._plan.waiting, *remain])
        made, is_prepared = self._made(), False
        for phase in self._plan.phases:
            due = self._due(phase, [name for name, _ in made])
            if due.files or due.edits:
                if not is_prepared:
                    self._writer.prepare(self._worktree)
                    is_prepared = True
                self._writer.write(phase, due.files, edits=due.edits)
            self._prove(phase, due)
            if due.files or due.edits:
                made.append((phase.name, self._commit(phase, due)))
        plan = replace(self._plan, waiting=self._waiting())
        tip = self._worktree.tip()
        self._checks.append(verification.removed_are_gone(self._repository, plan, tip))
        open_still = [one for one in plan.left_out if one.is_open]
        checks = verification.merged(self._checks)
        outcome = ApplyOutcome(self._operation.branch, dict(made), checks, made, plan.waiting, open_still)
        self._follow(tip)
        if self._operation.ending != outcome.ending:
            self._operation.record(outcome.ending, commit=tip)
        self._worktree.remove()
        return outcome

    def _follow(self, tip: str) -> None:
        """Bring the files of whoever has the branch checked out along."""
        if not branches.holders(self._repository, self._operation.branch):
            return
        paths = [path for phase in self._plan.phases for path in phase.paths]
        commits = [self._plan.base, *(entry.commit for entry in self._worktree.commits(self._plan.base)), tip]
        trees = [self._repository.blobs(commit, *paths) for commit in commits]
        earlier = {path: {blobs.get(path, NOTHING) for blobs in trees} for path in paths}
        checked_out.follow(self._repository, self._operation.branch, paths, earlier)

    def _made(self) -> list[tuple[str, str]]:
        """Return the commits of the operation with their phases, which the branch itself tells."""
        entries = self._worktree.commits(self._plan.base)
        return [
            (entry.trailer(PHASE_TRAILER), entry.commit)
            for entry in entries
            if entry.trailer(OP_TRAILER) == self._operation.name
        ]

    def _due(self, phase: PhasePlan, made: Sequence[str]) -> _Due:
        """Return what of a phase is to be done here: of one that was committed, the files that are as before."""
        waiting = {one.path for one in self._plan.waiting}
        if phase.name not in made:
            return _Due([file for file in phase.files if file.path not in waiting], [], edits=bool(phase.edits))
        blobs = self._blobs(phase.files)
        as_before = [file for file in phase.files if blobs.get(file.path) == file.blob]
        committed = [file for file in phase.files if blobs.get(file.path) != file.blob]
        return _Due([file for file in as_before if file.path not in waiting], committed, edits=False)

    def _waiting(self) -> list[WaitingFile]:
        """Return the files that wait and that nobody committed meanwhile."""
        blobs = self._blobs(self._plan.files if self._plan.waiting else [])
        before = {file.path: file.blob for file in self._plan.files}
        return [one for one in self._plan.waiting if blobs.get(one.path) == before[one.path]]

    def _blobs(self, files: Sequence[FilePlan]) -> dict[str, str]:
        if not files:
            return {}
        tip = self._worktree.tip()
        return self._repository.blobs(tip, *(file.path for file in files)) if tip else {}

    def _prove(self, phase: PhasePlan, due: _Due) -> None:
        """Check what was written and what was committed before, and refuse to go on where a check fails."""
        blobs = self._blobs(due.committed)
        gone = [file for file in due.committed if file.path not in blobs]
        files = [*due.files, *(file for file in due.committed if file.path in blobs)]
        if not (files or gone or due.edits):
            return
        verdicts: list[list[Verdict]] = []
        tasks = [*self._proofs(due.files, self._operation.tree, {}), *self._proofs(files[len(due.files) :], "", blobs)]
        for number, verdict in enumerate(self._pool.map("prove", tasks, key=blob_of), 1):
            verdicts.append(verdict)
            self._controls.progress(number, len(tasks))
        verdicts += [[Verdict("V1", 1, [f"{file.path}: is not on the branch any more"])] for file in gone]
        checks = verification.judged([*files, *gone], verdicts)
        self._checks += checks
        failed = verification.failed(checks)
        statuses = {check.id: check.status for check in checks}
        self._operation.record("proved", phase=phase.name, checks=statuses)
        if failed:
            raise ProofError(
                f"{failed[0].id}: {failed[0].failures[0]}", hint=command(self._plan, "rollback", self._operation)
            )

    def _proofs(self, files: Sequence[FilePlan], folder: str, blobs: dict[str, str]) -> list[Proof]:
        keys, now, certificate = self._plan.keys, self._plan.moment, self._plan.certificate
        return [
            Proof(file, keys, folder, blobs.get(file.path, NOTHING), now, certificate, by_others=not folder)
            for file in files
        ]

    def _commit(self, phase: PhasePlan, due: _Due) -> str:
        paths = [*(phase.edits if due.edits else ()), *(file.path for file in due.files)]
        left = {file.path for file in phase.files} - {file.path for file in (*due.files, *due.committed)}
        text = trailers.message(self._plan, phase, due.files, len(left))
        commit = self._worktree.commit(paths, text)
        self._operation.record("commit", phase=phase.name, commit=commit)
        return commit
