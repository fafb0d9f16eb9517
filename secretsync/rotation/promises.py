"""What an operation promised, from wherever it is known: its journal here, a plan, or evidence from another clone.

The judged commit has no say in it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Final, TypeAlias

from secretsync.errors import FormatError, RepositoryError
from secretsync.git import Repository, blob_id
from secretsync.rotation.journal import Operation, operations
from secretsync.rotation.model import FilePlan, Plan, parse, values_of

PLANNED: Final = "planned"
"""The field of evidence that holds the whole plan."""

_JUDGED: Final = ("done", "partial", "failed")
"""Endings after which there is something to judge."""

_ANOTHER_RUN: Final = "another run"
_NOT_EVIDENCE: Final = "is not the evidence of an operation"


Told: TypeAlias = Callable[[str, "str | None"], "tuple[Plan, str] | None"]
"""Says of a runbook and the name of an operation which plan a branch carries, and which branch that is."""


class Promise:
    """A plan, the name and branch of carrying it out, and the blobs that were written, where that is known.

    `written` has every blob that a phase wrote at a path, the last one last; an empty text where the path goes.
    `waiting` says for whom a file waits, as long as it is as before.
    """

    def __init__(
        self,
        plan: Plan,
        name: str,
        branch: str,
        *,
        origin: str,
        written: Mapping[str, list[str]],
        evidence: dict[str, Any] | None = None,
    ) -> None:
        """Take all of it; `origin` is where it is said."""
        self.plan = plan
        self.name = name
        self.branch = branch
        self.origin = origin
        self.written = written
        self.waiting = {one.path: one.for_whom for one in plan.waiting}
        self.evidence = evidence

    @cached_property
    def files(self) -> dict[str, FilePlan]:
        """The encrypted files that change, by path."""
        return {file.path: file for file in self.plan.files}

    @cached_property
    def edits(self) -> dict[str, str | None]:
        """The key ring files that change, as they are at the end."""
        return {path: text for phase in self.plan.phases for path, text in phase.edits.items()}

    @cached_property
    def texts(self) -> dict[str, set[str]]:
        """The blobs that an edited path is in one phase or another; empty where it goes."""
        found: dict[str, set[str]] = {}
        for phase in self.plan.phases:
            for path, text in phase.edits.items():
                blob = "" if text is None else blob_id(text.encode(), self.plan.base)
                found.setdefault(path, set()).add(blob)
        return found

    @property
    def paths(self) -> set[str]:
        """Every path that the operation changes."""
        return {*self.edits, *self.files}

    def last(self, path: str) -> str:
        """Return the blob that an encrypted file is at the end; empty where that is not known."""
        return self.written.get(path, [""])[-1]


def promise_of(
    repository: Repository, scenario: str, name: str | None, given: Promise | None, elsewhere: Told
) -> Promise:
    """Return what an operation promised, as a plan or evidence says (`given`), as this clone knows, or as a branch says.

    Raises:
        FormatError: what is given is of another runbook or operation.
        RepositoryError: this clone does not know it, or it is not done.
    """
    if given is None:
        found = begun_here(repository, scenario, name)
        if found is None and (told := elsewhere(scenario, name)):
            plan, branch = told
            # On the branch that is checked out others work as well.
            own = "" if repository.head()[1] == f"refs/heads/{branch}" else branch
            found = Promise(plan, plan.operation, own, origin=f"branch {branch}", written={})
        if found is None:
            subject = f"no operation {name!r}" if name else f"no operation of runbook {scenario}"
            hint = f"secretsync runbook {scenario} verify --plan FILE, or --evidence FILE of where it was carried out"
            raise RepositoryError(f"{subject} was begun here", hint=hint)
        return found
    if given.plan.scenario != scenario:
        raise FormatError(f"is of runbook {given.plan.scenario}", location=given.origin)
    if name not in {None, given.name}:
        raise FormatError(f"is of operation {given.name}", location=given.origin)
    return given


def is_of(plan: Plan, scenario: str, repository: Repository) -> bool:
    """Whether a plan is of a runbook, and of the key ring that the repository is seen from."""
    return plan.scenario == scenario and plan.within == repository.within


def begun_here(repository: Repository, scenario: str, name: str | None) -> Promise | None:
    """Return what an operation of this clone promised, the latest of a runbook unless it is named; None for none.

    Raises:
        RepositoryError: it is not done.
    """
    names = operations(repository)
    for each in [name] if name in names else reversed(names) if name is None else ():
        operation = Operation(repository, str(each))
        plan = operation.plan()
        if name is None and not is_of(plan, scenario, repository):
            continue
        if operation.ending not in _JUDGED:
            verb = "plan" if operation.ending else f"resume {operation.name}"
            message = f"operation {operation.name!r} {'was rolled back' if operation.ending else 'is not done'}"
            raise RepositoryError(message, hint=f"secretsync runbook {plan.scenario} {verb}")
        written: dict[str, list[str]] = {}
        for record in operation.records():
            if record["event"] == "file":
                written.setdefault(record["path"], []).append(record["after"])
        promise = Promise(plan, operation.name, operation.branch, origin="", written=written)
        promise.waiting = _left(plan, written) if operation.ending == "partial" else {}
        return promise
    return None


def _left(plan: Plan, written: Mapping[str, list[str]]) -> dict[str, str]:
    """Return the files that a partial operation did not write, with whom they wait for."""
    known = {one.path: one.for_whom for one in plan.waiting}
    return {file.path: known.get(file.path, _ANOTHER_RUN) for file in plan.files if file.path not in written}


def of_plan(data: bytes, path: str) -> Promise:
    """Return what a plan file promises. Raises: FormatError."""
    plan = parse(data, path)
    return Promise(plan, plan.operation, f"secretsync/{plan.operation}", origin=path, written={})


def of_evidence(data: bytes, path: str) -> Promise:
    """Return what evidence promises, which is no proof of anything yet.

    Raises:
        FormatError: it is no evidence, was made before evidence held the plan, or its plan was edited.
    """
    try:
        values: dict[str, Any] = json.loads(data)
        planned, name, branch = values.get(PLANNED), str(values["operation"]), str(values["branch"])
        written = {
            str(one["path"]): [str(one["blob_after"])]
            for one in values["files"]
            if one["blob_after"] != one.get("blob_before")
        }
        waiting = {str(one["path"]): str(one["for"]) for one in values.get("waiting", [])}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise FormatError(_NOT_EVIDENCE, location=path, hint="secretsync runbook SCENARIO evidence") from None
    if planned is None:
        hint = "export it where the operation was carried out: secretsync runbook SCENARIO evidence"
        raise FormatError("does not hold the plan", location=path, hint=hint)
    plan = parse(json.dumps(planned).encode(), path)
    promise = Promise(plan, name, branch, origin=path, written=written, evidence=values)
    promise.waiting = waiting
    return promise


def document(plan: Plan) -> dict[str, Any]:
    """Return the whole plan as evidence holds it."""
    found: dict[str, Any] = json.loads(json.dumps(values_of(plan)))
    return found
