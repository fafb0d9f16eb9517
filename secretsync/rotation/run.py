"""The verbs of every runbook over one repository: plan, apply, verify, resume, status, roll back, as a program calls them.

Nothing is asked or printed here, and no signal is caught: whoever calls gives the keys, and says when to stop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Self

from secretsync.age.protocol import Identity
from secretsync.errors import PlanProblemError, SecretsyncError
from secretsync.git import Repository
from secretsync.masterkeys import MasterKeys
from secretsync.processes import Pool
from secretsync.rotation import adopting, applying, evidence, rolling_back, signatures, tasks
from secretsync.rotation.applying import ApplyOutcome
from secretsync.rotation.file_judging import JudgingWork
from secretsync.rotation.journal import Operation
from secretsync.rotation.judging import Judge, Judgement, judged_commit
from secretsync.rotation.model import Plan, require_of
from secretsync.rotation.planning import Planning, make_plan
from secretsync.rotation.promises import Promise, promise_of
from secretsync.rotation.resuming import begun_elsewhere, begun_here, nothing_begun, resumed, told_by_branch
from secretsync.rotation.scenario import Scenario
from secretsync.rotation.signatures import Signers
from secretsync.rotation.survey import Progress, Setting, unshown
from secretsync.rotation.writing import Controls
from secretsync.sealed.privatekeys import UnsealingKey

_SHOWN: Final = 12


def _never() -> bool:
    return False


def _untold(_: str) -> None:
    """Tell nobody."""


class RunbookRun:
    """The repository, the keys, and processes to share the work; use it as a context.

    `held` are identities of keys that must open nothing any more, `unsealing` the private sealing keys at hand.
    `tell` takes a line that a person should see and that is no problem, `progress` how many of how many files are done.
    """

    def __init__(
        self,
        repository: Repository,
        keys: MasterKeys,
        *,
        held: Iterable[Identity] = (),
        unsealing: Sequence[UnsealingKey] = (),
        progress: Progress = unshown,
        tell: Callable[[str], None] = _untold,
    ) -> None:
        self.repository = repository
        self._keys = keys
        self._pool = Pool(JudgingWork(repository, keys, held=held, unsealing=unsealing))
        self._progress = progress
        self._tell = tell

    def __enter__(self) -> Self:
        self._pool.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        self._pool.__exit__(kind, error, frames)

    def plan(
        self, scenario: Scenario, given: Mapping[str, str], *, allow_partial: bool = False, now: datetime | None = None
    ) -> Plan:
        """Make a plan from HEAD; `allow_partial`: files that cannot be changed here wait for somebody else."""
        moment = (now or datetime.now(UTC)).replace(microsecond=0)
        return make_plan(scenario, given, self._setting(moment), how=Planning(allow_partial))

    def stand_in(self, within: str) -> None:
        """See the repository from now on from the folder that a plan starts from. Raises: RepositoryError."""
        self.repository = self.repository.below(within)

    def _setting(self, moment: datetime) -> Setting:
        return Setting(self.repository, self._keys, self._pool, moment, self._progress)

    def planned_again(self, scenario: Scenario, reviewed: Plan, *, allow_partial: bool = False) -> Plan:
        """Make a reviewed plan again, from HEAD as it is now.

        Raises:
            PlanProblemError: it would do something else than what was reviewed.
        """
        require_of(scenario.name, reviewed)
        self.stand_in(reviewed.within)
        partial, made = allow_partial or reviewed.allow_partial, datetime.fromisoformat(reviewed.at)
        plan = self.plan(scenario, reviewed.parameters, allow_partial=partial, now=made)
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
        if replace(reviewed, base=plan.base).digest != plan.digest:
            edited = [name for name in {**plan.keys, **reviewed.keys} if plan.keys.get(name) != reviewed.keys.get(name)]
            what = f": {', '.join(sorted(edited)[:_SHOWN])} is not what the key ring says" if edited else ""
            raise PlanProblemError(
                f"the plan was edited, and would do something else{what}",
                hint=f"secretsync runbook {scenario.name} plan",
            )
        self._tell(f"the base moved to {plan.base[:12]}, and no file of the plan with it")
        return plan

    def apply(
        self, plan: Plan, *, branch: str = "", budget: int | None = None, stopped: Callable[[], bool] = _never
    ) -> dict[str, Any]:
        """Carry a plan out on `branch`, `budget` files of it, and return the evidence; `stopped` is asked after each.

        Raises: as `applying.apply`.
        """
        controls = Controls(stopped, self._progress)
        self.stand_in(plan.within)
        operation = Operation(self.repository, plan.operation, branch=branch)
        outcome = applying.apply(plan, operation, self.repository, self._pool, controls, budget=budget)
        return self._done(operation, outcome)

    def verify(
        self,
        scenario: str,
        name: str | None,
        promise: Promise | None = None,
        *,
        at: str = "",
        signers: Signers | None = None,
    ) -> Judgement:
        """Judge a commit, or the operation's branch, or else HEAD, by what the operation promised; nothing is written.

        `promise` is what a plan or evidence says of it; without one, this clone has to know. `signers` may sign the
        evidence in place of those whom the key ring names.

        Raises:
            RepositoryError: nobody here knows the operation, it is not done, or there is no such commit.
            FormatError: the plan or evidence is of another one.
        """
        setting = self._setting(datetime.now(UTC))
        found = promise_of(
            self.repository, scenario, name, promise, lambda runbook, one: told_by_branch(setting, runbook, one)
        )
        self.stand_in(found.plan.within)
        commit, standing = judged_commit(self.repository, found, at)
        judge = Judge(self.repository, self._pool, datetime.now(UTC), self._progress)
        return judge.judge(found, commit, standing=standing, signers=signers)

    def evidence(self, scenario: str, name: str | None) -> dict[str, Any]:
        """Return the evidence of an operation as it was written, signed now where it was not and a key is configured.

        Raises:
            RepositoryError: there is none, or signing fails.
        """
        operation = self._operation(scenario, name)
        found = evidence.read(operation)
        return found if signatures.SIGNATURE in found else signatures.sign(found, self.repository)

    def resume(
        self,
        scenario: str,
        name: str | None,
        *,
        reviewed: Plan | None = None,
        budget: int | None = None,
        stopped: Callable[[], bool] = _never,
    ) -> dict[str, Any]:
        """Carry an operation on by `budget` files, or prove it again where it is done. Raises: as `applying.apply`.

        `reviewed` is its plan where a file holds it; see `resuming.resumed`.
        """
        controls = Controls(stopped, self._progress)
        operation, plan = resumed(self._setting(datetime.now(UTC)), scenario, name, self._tell, reviewed)
        self.stand_in(plan.within)
        outcome = applying.resume(operation, self.repository, self._pool, controls, plan=plan, budget=budget)
        return self._done(operation, outcome, plan)

    def status(self, scenario: str, name: str | None) -> dict[str, Any]:
        """Return how far an operation is."""
        operation = self._operation(scenario, name)
        plan, records = operation.plan(), operation.records()
        paths = {file.path for file in plan.files}
        written = paths.intersection(one["path"] for one in records if one["event"] == "file")
        return {
            "version": 1,
            "operation": operation.name,
            "state": operation.ending or "unfinished",
            "branch": operation.branch,
            "base": plan.base,
            "files": {"planned": len(plan.files), "written": len(written)},
            "commits": {one["phase"]: one["commit"] for one in records if one["event"] == "commit"},
            "folder": operation.folder,
            "tasks": [{**asdict(task), "done": done} for task, done in tasks.ticked(plan, operation)],
        }

    def tick(self, scenario: str, name: str | None, numbers: Iterable[int]) -> dict[str, Any]:
        """Note that people have done some tasks of an operation, counted from 1, and return its status.

        Raises:
            ConfigError: there is no such task.
        """
        operation = self._operation(scenario, name)
        tasks.tick(operation.plan(), operation, numbers)
        return self.status(scenario, operation.name)

    def roll_back(self, scenario: str, name: str | None, *, discard: bool = False) -> dict[str, Any]:
        """Undo an operation and return its status. Raises: as `rolling_back.roll_back`."""
        operation = self._operation(scenario, name)
        self.stand_in(operation.plan().within)
        outcome = rolling_back.roll_back(operation, self.repository, discard=discard)
        for entry in outcome.discarded:
            self._tell(f"discarded {entry.commit[:12]} {entry.subject!r} by {entry.author}")
        if outcome.discarded:
            self._tell(f"for a while they come back by: git branch NAME {outcome.tip[:12]}")
        for remote in outcome.published:
            self._tell(f"{remote} is still there; remove it with: git push {remote.replace('/', ' --delete ', 1)}")
        return self.status(scenario, operation.name)

    def _done(self, operation: Operation, outcome: ApplyOutcome, plan: Plan | None = None) -> dict[str, Any]:
        found = evidence.gather(plan or operation.plan(), operation, outcome, self.repository)
        try:
            found = signatures.sign(found, self.repository)
        except SecretsyncError as error:
            self._tell(f"the evidence is not signed: {error}")
        evidence.write(found, operation.folder)
        return {**found, "folder": operation.folder}

    def _operation(self, scenario: str, name: str | None) -> Operation:
        found = begun_here(self.repository, scenario, name)
        if found is not None:
            return found
        adopted = adopting.found(self.repository, scenario, name)
        raise begun_elsewhere(self.repository, scenario, adopted) if adopted else nothing_begun(scenario, name)
