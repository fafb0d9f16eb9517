"""A plan as data: what would happen to which file and why, fit for review and for a digest that names it.

It holds public material only: paths, blob ids, key ids, recipients. The same plan has the same JSON and the same digest.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from typing import Any, Final, Literal, TypeAlias

from secretsync.errors import FormatError, PlanProblemError
from secretsync.rotation.indented_json import indented
from secretsync.sops.datakey import MasterKey

VERSION: Final = 1

Operation: TypeAlias = Literal["updatekeys", "rotate", "re-seal"]
"""What happens to a file: new recipients for the data key it has; a new data key; items for another sealing key."""


@dataclass(frozen=True, slots=True)
class PlannedKey:
    """A recipient that the plan speaks of by its id."""

    kind: str
    recipient: str
    principal: str = ""

    @property
    def master_key(self) -> MasterKey:
        """The key as sops files name it."""
        return MasterKey(self.kind, self.recipient)


@dataclass(frozen=True, slots=True)
class PlannedItem:
    """A sealed item to seal anew: its number in the file, what it is, under which scope, and for which cluster.

    `opened`: a private key opened it. `sources` are the SOPS files that say the same, or, where none did,
    what to seal.
    """

    number: int
    secret: str
    key: str
    scope: str
    cluster: str
    opened: bool
    sources: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class FilePlan:
    """One file: its blob in the base commit, the operation, and its key ids by group before and after.

    `sealed` are the items that are sealed anew; `sources` the SOPS files, with their blobs, that they are compared with.
    """

    path: str
    blob: str
    operation: Operation
    before: list[list[str]]
    after: list[list[str]]
    threshold: int
    items: int
    why: str = ""
    sources: dict[str, str] = field(default_factory=dict)
    sealed: list[PlannedItem] = field(default_factory=list)

    @property
    def removed(self) -> list[str]:
        """The key ids that lose the file."""
        kept = {one for group in self.after for one in group}
        return [one for group in self.before for one in group if one not in kept]

    @property
    def added(self) -> list[str]:
        """The key ids that gain the file."""
        known = {one for group in self.before for one in group}
        return [one for group in self.after for one in group if one not in known]


@dataclass(frozen=True, slots=True)
class PhasePlan:
    """One commit: key ring files as they will be (None: gone), and encrypted files with what happens to them."""

    name: str
    title: str
    edits: dict[str, str | None] = field(default_factory=dict)
    files: list[FilePlan] = field(default_factory=list)

    @property
    def paths(self) -> list[str]:
        """Every path the phase writes."""
        return [*self.edits, *(one.path for one in self.files)]


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a plan cannot be applied: where, which kind of trouble, and what helps."""

    path: str
    kind: str
    message: str
    hint: str = ""


DATA_KEY: Final = "data-key"
"""The kind of a file that is left out and names no removed key, though one had an envelope of the data key that it has."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file that is left as it is, or cannot be looked at, and why; `names` are keys of the removal that it still names.

    Of kind `mention` it holds no ciphertext, so that those keys open nothing there; of kind `data-key` it named them once.
    """

    path: str
    kind: str
    why: str
    names: list[str] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Whether a removed key may open it still."""
        return bool(self.names) and self.kind != "mention"


@dataclass(frozen=True, slots=True)
class WaitingFile:
    """A file of the plan that is not changed by whoever carries it out here, with the principals who can open it.

    `readers` are those of each key group, of which `needed` have to come together.
    """

    path: str
    readers: list[list[str]]
    needed: int
    why: str

    @property
    def for_whom(self) -> str:
        """Who can change it, in words."""
        groups = [" or ".join(names) for names in self.readers if names]
        if len(groups) < 2:
            return "".join(groups) or "nobody in the key ring"
        return f"{self.needed} of ({'; '.join(groups)})"


@dataclass(frozen=True, slots=True)
class Task:
    """What no tool can do: who has to, and until when (a day)."""

    what: str
    owner: str
    due: str


@dataclass(frozen=True)
class Plan:
    """All of it. `base` is a commit id, `at` an instant (RFC 3339), `policy` the digests of the policy before and after.

    `within` is the folder of the repository that all paths start from; empty for its root.
    Once made it is not changed, in its lists and mappings neither: the digest is taken once.
    """

    scenario: str
    parameters: dict[str, str]
    at: str
    base: str
    policy: list[str]
    keys: dict[str, PlannedKey]
    phases: list[PhasePlan]
    touches: int = 0
    notes: list[str] = field(default_factory=list)
    drift: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    waiting: list[WaitingFile] = field(default_factory=list)
    allow_partial: bool = False
    within: str = ""

    @cached_property
    def digest(self) -> str:
        """SHA-256, 64 hex digits, over the canonical JSON of what is done: not of what is said about it."""
        told = ("touches", "notes", "drift", "problems", "tasks", "left_out", "waiting", "allow_partial")
        done = {name: value for name, value in _fields(self).items() if name not in told}
        canonical = json.dumps(done, sort_keys=True, separators=(",", ":"), default=_fields)
        return sha256(canonical.encode()).hexdigest()

    @cached_property
    def moment(self) -> datetime:
        """The instant at which it was made: results hold no other time, so that they can be made again."""
        return datetime.fromisoformat(self.at)

    @property
    def certificate(self) -> str:
        """The certificate, PEM, that items are sealed anew for; empty where none are."""
        return self.parameters.get("certificate", "")

    @property
    def operation(self) -> str:
        """The name of carrying it out: day, scenario, subject, and the start of the digest."""
        subject = self.parameters.get("subject", "")
        return "-".join(
            part for part in (self.at[:10].replace("-", ""), self.scenario, subject, self.digest[:8]) if part
        )

    @property
    def files(self) -> list[FilePlan]:
        """Every encrypted file that changes."""
        return [one for phase in self.phases for one in phase.files]

    def removed_keys(self) -> dict[str, PlannedKey]:
        """Return the keys that lose at least one file, or had its data key without being named in it any more."""
        listed = {one for file in self.files for group in (*file.before, *file.after) for one in group}
        former = {name: key for name, key in self.keys.items() if name not in listed and key.kind != "sealing"}
        return {one: self.keys[one] for file in self.files for one in file.removed if one in self.keys} | former


def require_of(scenario: str, plan: Plan) -> None:
    """Make sure that a plan is one of a runbook. Raises: PlanProblemError."""
    if plan.scenario != scenario:
        raise PlanProblemError(f"is a plan of runbook {plan.scenario}")


def dump(plan: Plan) -> bytes:
    """Return the plan file."""
    return indented(values_of(plan))


def values_of(plan: Plan) -> dict[str, Any]:
    """Return all that the plan file says."""
    head = {"version": VERSION, "operation": plan.operation, "digest": plan.digest}
    values = asdict(plan)
    if not plan.within:
        del values["within"]
    return {**head, **values}


def parse(data: bytes, path: str) -> Plan:
    """Read a plan file.

    Raises:
        FormatError: it is no plan of this version, or was edited.
    """
    try:
        values: dict[str, Any] = json.loads(data)
        version, recorded = values.pop("version"), values.pop("digest")
        values.pop("operation")
        if version != VERSION:
            raise FormatError(f"is a plan of version {version!r}", location=path)
        plan = _plan(values)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise FormatError("is not a plan", location=path, hint="secretsync runbook SCENARIO plan") from None
    if plan.digest != recorded:
        raise FormatError("was edited: its digest does not match", location=path, hint="make a new plan")
    return plan


def _fields(value: Any) -> dict[str, Any]:
    """Return the fields of one part of a plan, as they are: `asdict` would copy all that is below them."""
    found = {name: getattr(value, name) for name in value.__dataclass_fields__}
    if isinstance(value, FilePlan) and not value.sealed:
        del found["sealed"]  # plans made before there were any are the same plans
    if isinstance(value, Plan) and not value.within:
        del found["within"]
    return found


def _file(values: dict[str, Any]) -> FilePlan:
    return FilePlan(**{**values, "sealed": [PlannedItem(**one) for one in values.get("sealed", [])]})


def _plan(values: dict[str, Any]) -> Plan:
    phases = [
        PhasePlan(each["name"], each["title"], each["edits"], [_file(one) for one in each["files"]])
        for each in values.pop("phases")
    ]
    keys = {name: PlannedKey(**one) for name, one in values.pop("keys").items()}
    problems = [Problem(**one) for one in values.pop("problems")]
    tasks = [Task(**one) for one in values.pop("tasks")]
    left_out = [LeftOut(**one) for one in values.pop("left_out", [])]
    waiting = [WaitingFile(**one) for one in values.pop("waiting", [])]
    values |= {"problems": problems, "tasks": tasks, "left_out": left_out, "waiting": waiting}
    return Plan(phases=phases, keys=keys, **values)
