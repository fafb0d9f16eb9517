"""Which operation is gone on with, and its plan: one that was begun here, or one that only a branch tells of.

Where others have a part in it, the plan is made again with the keys that are here, so that it says what waits for whom.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from secretsync.errors import PlanProblemError, RepositoryError, beginning
from secretsync.git import Repository, branches
from secretsync.rotation import adopting
from secretsync.rotation.adopting import Adopted
from secretsync.rotation.ageing import COMPLETE
from secretsync.rotation.journal import Operation, operations
from secretsync.rotation.model import Plan, require_of
from secretsync.rotation.planning import Planning, make_plan
from secretsync.rotation.promises import is_of
from secretsync.rotation.scenario import scenario_named
from secretsync.rotation.survey import Setting


def begun_here(repository: Repository, scenario: str, name: str | None) -> Operation | None:
    """Return the operation that was begun in this clone, the latest of a runbook unless it is named; None for none."""
    for each in reversed(operations(repository)):
        operation = Operation(repository, each)
        if name == each or (name is None and is_of(operation.plan(), scenario, repository)):
            return operation
    return None


def nothing_begun(scenario: str, name: str | None) -> RepositoryError:
    """Return the error that there is no such operation here."""
    what = f"no operation {name!r}" if name else f"no operation of runbook {scenario}"
    hint = f"git fetch brings the branch of one that was begun elsewhere; then: secretsync runbook {scenario} resume"
    return RepositoryError(f"{what} was begun here", hint=hint)


def begun_elsewhere(repository: Repository, scenario: str, adopted: Adopted) -> RepositoryError:
    """Return the error that an operation stands on a branch here, and was begun in another clone."""
    name, tip = adopted.told.operation, adopted.tip[:12]
    return RepositoryError(
        f"operation {name!r} was begun elsewhere, and stands on branch {adopted.branch!r} at {tip}",
        location=repository.root,
        hint=f"to judge it: secretsync runbook {scenario} verify; to go on with it here: secretsync runbook {scenario} resume",
    )


def resumed(
    setting: Setting, scenario: str, name: str | None, tell: Callable[[str], None], reviewed: Plan | None = None
) -> tuple[Operation, Plan]:
    """Return the operation to go on with, and its plan; one that others work on as well is planned with our keys.

    `reviewed` is the plan as a file holds it: it names the operation, and stands where history here is cut off, so that
    planning cannot give it again.

    Raises:
        RepositoryError: no operation was begun here, and no branch carries one.
        PlanProblemError: what the branch says is not what planning gives, or was begun by another plan than `reviewed`.
    """
    if reviewed is not None:
        require_of(scenario, reviewed)
        name = name or reviewed.operation
    operation = begun_here(setting.repository, scenario, name)
    if operation is None:
        return _adopted(setting, scenario, name, tell, reviewed)
    plan = operation.plan()
    _require_same(plan.digest, reviewed)
    setting = setting.below(plan.within)
    if not plan.allow_partial or operation.has("rolled-back"):
        return operation, plan
    tips = branches.tips(setting.repository, operation.branch)
    if tip := adopting.furthest(setting.repository, operation.branch, tips.values()):
        adopting.brought_up(setting.repository, operation.branch, tip)
    fresh = _made_again(setting, plan.scenario, plan.parameters, (plan.base, plan.at, plan.digest), plan)
    return operation, replace(fresh, tasks=plan.tasks)


def _require_same(digest: str, reviewed: Plan | None) -> None:
    if reviewed is not None and reviewed.digest != digest:
        raise PlanProblemError(f"its digest is {reviewed.digest[:12]}, and the operation was begun by {digest[:12]}")


def _adopted(
    setting: Setting, scenario: str, name: str | None, tell: Callable[[str], None], reviewed: Plan | None
) -> tuple[Operation, Plan]:
    """Begin here what a branch carries."""
    repository = setting.repository
    adopted = adopting.found(repository, scenario, name)
    if adopted is None:
        raise nothing_begun(scenario, name)
    told = adopted.told
    _require_same(told.digest, reviewed)
    setting = setting.below(told.within)
    repository.require_committer()
    adopting.require_known(repository, adopted)
    begun = (repository.resolve(told.base), told.made, told.digest)
    try:
        plan = _made_again(setting, scenario, told.parameters, begun, None)
    except PlanProblemError:
        if reviewed is None:
            raise
        plan = reviewed
    adopting.brought_up(repository, adopted.branch, adopted.tip)
    operation = Operation(repository, plan.operation, branch=adopted.branch)
    operation.begin(plan)
    tell(f"going on with {plan.operation} from branch {adopted.branch}")
    return operation, plan


def told_by_branch(setting: Setting, scenario: str, name: str | None) -> tuple[Plan, str] | None:
    """Return the plan that a branch carries, made again, and that branch; nothing is written, and None for none.

    Raises:
        RepositoryError: the branch made up where it starts.
        PlanProblemError: what it says is not what planning gives.
    """
    repository = setting.repository
    adopted = adopting.found(repository, scenario, name)
    if adopted is None:
        return None
    adopting.require_known(repository, adopted)
    told = adopted.told
    setting = setting.below(told.within)
    begun = (repository.resolve(told.base), told.made, told.digest)
    return _made_again(setting, scenario, told.parameters, begun, None, exposing=False), adopted.branch


def _made_again(
    setting: Setting,
    scenario: str,
    given: Mapping[str, str],
    begun: tuple[str, str, str],
    known: Plan | None,
    *,
    exposing: bool = True,
) -> Plan:
    """Make a plan again that was begun: `begun` is its base, its instant and its digest, `known` the plan where it is here.

    Raises:
        PlanProblemError: it comes out as another plan.
    """
    base, made, digest = begun
    runbook = scenario_named(scenario)
    due = frozenset(file.path for file in known.files) if known and runbook.ages else None
    how = Planning(allow_partial=True, again=True, exposing=exposing and known is None, due=due)
    found = make_plan(runbook, given, setting._replace(now=_instant(made)), base=base, how=how)
    if found.digest != digest:
        message = (
            f"planning {scenario} from commit {base[:12]} comes to {found.digest[:12]}, and begun was {digest[:12]}"
        )
        raise PlanProblemError(message, hint=_other_plan(setting.repository))
    return found


def _other_plan(repository: Repository) -> str:
    """Return what to do where planning gives another plan: where history is cut off, fewer former readers are known."""
    if repository.is_shallow() or repository.left_out():
        return f"this clone has not all of the history: {COMPLETE}; or give the plan itself: --plan FILE"
    return "go on where it was begun, with the release that it was begun with"


def _instant(text: str) -> datetime:
    """Return the instant of a plan. Raises: PlanProblemError: whoever wrote it down made it up."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise PlanProblemError(f"{beginning(text)!r} is no instant at which a plan was made") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
