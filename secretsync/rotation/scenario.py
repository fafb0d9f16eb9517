"""What a scenario is: phases in order, each an edit of the key ring, an operation on selected files, or both.

A scenario is a declaration; planning, applying, proving and undoing are the engine's and the same for all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final, NamedTuple, TypeAlias

from secretsync.errors import ConfigError
from secretsync.keyring import Changes, KeyRing, RingSource
from secretsync.late import load
from secretsync.rotation.model import Operation, Task
from secretsync.rotation.parameters import PATHS, Parameter, Parameters, Value
from secretsync.sops.datakey import MasterKey


class SurveyedFile(NamedTuple):
    """One SOPS file of the base commit, as planning sees it: who can open it, who should, before and after the edits."""

    path: str
    recipients: frozenset[MasterKey]
    wanted: frozenset[MasterKey]
    lost: frozenset[MasterKey]
    """Recipients of keys that the scenario takes out of the ring."""
    gained: frozenset[MasterKey]
    """Recipients of keys that the scenario brings into the ring."""
    subject: frozenset[MasterKey] = frozenset()
    """Recipients of the principal or key that the scenario is about."""
    due: bool = False
    """Whether its data key is among those that have to go."""
    former: frozenset[MasterKey] = frozenset()
    """Recipients in `lost` that had an envelope of its data key, and that it does not name any more."""

    @property
    def loses(self) -> bool:
        """Whether a key that the scenario takes out of the ring opens it, or ever had its data key."""
        return bool(self.lost & (self.recipients | self.former))


class ScenarioContext(NamedTuple):
    """What a scenario's own words may draw on."""

    parameters: Parameters
    before: KeyRing
    after: KeyRing


Edit: TypeAlias = Callable[[RingSource, Parameters], Changes]
Selects: TypeAlias = Callable[[SurveyedFile, Parameters], bool]


class Phase(NamedTuple):
    """One commit. `title` is its subject, where `{subject}` and other parameters are filled in."""

    name: str
    title: str
    edit: Edit | None = None
    operation: Operation | None = None
    selects: Selects | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """A runbook.

    `exposes`: whoever loses access could read values, so the plan lists which must change at their source,
    within `exposure_days`. `mends`: recipients that should not be there are what it is for. `ages`: files are chosen by
    the age of their data key. `urgent`: what opens is changed at once, and the rest waits for who opens it. `seals`: it is about SealedSecrets, and needs no recipient policy.
    """

    name: str
    summary: str
    phases: tuple[Phase, ...]
    parameters: tuple[Parameter, ...] = ()
    tasks: Callable[[ScenarioContext], list[Task]] = field(default=lambda _: [])
    exposes: bool = False
    exposure_days: int = 7
    mends: bool = False
    ages: bool = False
    seals: bool = False
    urgent: bool = False

    @property
    def every_parameter(self) -> tuple[Parameter, ...]:
        """Its own parameters, and those of every runbook."""
        return (*self.parameters, PATHS)


class ScenarioEntry(NamedTuple):
    """What is known of a runbook before it is loaded: `module:name` of its scenario, and what help says of it."""

    place: str
    summary: str


SCENARIOS: Final[dict[str, ScenarioEntry]] = {
    "add": ScenarioEntry(
        "secretsync.rotation.scenarios.adding:SCENARIO",
        "Give a person, cluster or service access to what the policy says.",
    ),
    "remove": ScenarioEntry(
        "secretsync.rotation.scenarios.removing:SCENARIO",
        "Take a person, cluster or service out: new data keys, and what they could read.",
    ),
    "compromised": ScenarioEntry(
        "secretsync.rotation.scenarios.compromised:SCENARIO",
        "A key leaked: retire it, rotate what it opened, list every value to change.",
    ),
    "expiring": ScenarioEntry(
        "secretsync.rotation.scenarios.expiring:SCENARIO",
        "A key ends soon: a new one follows it, or its owner extended it.",
    ),
    "migrate": ScenarioEntry(
        "secretsync.rotation.scenarios.migrating:SCENARIO", "Move from one kind of key to another, in two stages."
    ),
    "align": ScenarioEntry(
        "secretsync.rotation.scenarios.aligning:SCENARIO", "Give every file exactly the recipients of the policy."
    ),
    "reseal": ScenarioEntry(
        "secretsync.rotation.scenarios.resealing:SCENARIO",
        "A sealing key was renewed: pin its certificate, seal older items anew in place.",
    ),
    "age-out": ScenarioEntry(
        "secretsync.rotation.scenarios.ageing_out:SCENARIO", "Give the files with the oldest data keys new ones."
    ),
}
"""The runbooks by name, in the order of help."""


def scenario_named(name: str) -> Scenario:
    """Return a scenario. Raises: ConfigError for a name that is none."""
    entry = SCENARIOS.get(name)
    if entry is None:
        raise ConfigError(f"no runbook {name!r}", hint=f"there are {', '.join(SCENARIOS)}")
    scenario: Scenario = load(entry.place)
    return scenario


def complete(scenario: Scenario, given: Mapping[str, str], today: date) -> Parameters:
    """Return the parameters as values, with defaults filled in; a plan that is made again brings its own day.

    Raises:
        ConfigError: one is missing or unknown.
        ParameterError: one is not of its kind.
        PolicyError: one is a private key.
    """
    known = {one.name: one for one in scenario.every_parameter}
    for name in given:
        if name not in {*known, "today"}:
            raise ConfigError(f"runbook {scenario.name} takes no {name!r}")
    texts: dict[str, str] = {}
    values: dict[str, Value] = {}
    for name, one in known.items():
        text = given.get(name) or one.default
        if not text and one.required:
            raise ConfigError(f"runbook {scenario.name} needs {name!r}: {one.help}")
        if text:
            texts[name], values[name] = text, one.parse(text)
    day = Parameter("today", "the day of the plan", "day").parse(given["today"]) if "today" in given else today
    assert isinstance(day, date)
    return Parameters(texts, values, day)


def due(parameters: Parameters, days: int) -> str:
    """Return the day until which something has to be done."""
    wanted = parameters.number("due-days")
    return (parameters.today + timedelta(days=days if wanted is None else wanted)).isoformat()
