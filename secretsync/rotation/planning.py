"""From a scenario and a commit to a plan: every file that changes is opened first, and all that is wrong is named.

Nothing is written. Recipients come from the key ring's policy alone; a file only says who can open it now.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from secretsync.errors import ConfigError
from secretsync.git import Repository
from secretsync.keyring import Changed, RingSource, Snapshot, load_from, lockfile
from secretsync.keyring.editing import SOPS_YAML
from secretsync.keyring.model import normalised
from secretsync.keyring.sources import FOLDER
from secretsync.rotation import census, partial, preflight
from secretsync.rotation.ageing import COMPLETE, ages
from secretsync.rotation.ageing import due as due_ages
from secretsync.rotation.ageing import notes as ageing_notes
from secretsync.rotation.exposure import Work, work
from secretsync.rotation.model import LeftOut, PhasePlan, Plan, Problem, WaitingFile
from secretsync.rotation.parameters import PATHS, Parameters, is_within
from secretsync.rotation.preflight import Expected
from secretsync.rotation.scenario import Scenario, ScenarioContext, complete, due
from secretsync.rotation.selecting import FileSelection, selected
from secretsync.rotation.survey import Setting, Stage, Survey, surveyed
from secretsync.sops.datakey import MasterKey


def snapshot(repository: Repository, commit: str) -> Snapshot:
    """Return the key ring's files in a commit."""
    with repository.reader() as reader:
        return Snapshot({path: reader.read(blob) for path, blob in repository.blobs(commit, FOLDER, SOPS_YAML).items()})


def make_plan(
    scenario: Scenario, given: Mapping[str, str], setting: Setting, *, base: str = "HEAD", how: Planning | None = None
) -> Plan:
    """Return the plan of a scenario for the commit `base`; what is wrong is in its `problems`.

    Raises:
        ConfigError: a parameter is missing; the key ring is malformed or has no policy.
        PolicyError: the ring refuses the change, as for a retired key that would come back.
        RepositoryError: there is no such commit.
    """
    parameters = complete(scenario, given, setting.now.date())
    commit = setting.repository.resolve(base)
    source: RingSource = snapshot(setting.repository, commit)
    before = load_from(source)
    if not before.policy.rules and not scenario.seals:
        raise ConfigError("no recipient policy", location="keys/policy.yaml", hint="secretsync init")
    stages = list(_stages(scenario, parameters, source))
    how = how or Planning()
    survey = surveyed(setting, commit, before, stages, exposing=scenario.exposes and how.exposing)
    return _put_together(scenario, parameters, survey, how._replace(allow_partial=how.allow_partial or scenario.urgent))


def _stages(scenario: Scenario, parameters: Parameters, source: RingSource) -> Iterable[Stage]:
    for phase in scenario.phases:
        edits = phase.edit(source, parameters) if phase.edit else {}
        source = Changed(source, edits)
        yield Stage(phase, edits, load_from(source))


def _put_together(scenario: Scenario, parameters: Parameters, survey: Survey, how: Planning) -> Plan:
    aged = _aged(survey, parameters) if scenario.ages else _Aged(frozenset(), [])
    aged = aged if how.due is None else _Aged(how.due, [])
    chosen = selected(survey, parameters, aged.due)
    exposure = _exposure(scenario, parameters, survey) if how.exposing else Work([], [])
    expected = _expected(scenario, parameters, survey, chosen)
    judged = _judged(scenario, survey, chosen, expected, how)
    sealed = chosen.sealed
    context = ScenarioContext(parameters, survey.before, survey.after)
    return Plan(
        scenario=scenario.name,
        parameters=parameters.texts,
        at=f"{survey.setting.now:%Y-%m-%dT%H:%M:%SZ}",
        base=survey.base,
        policy=[lockfile.digest(lockfile.content(ring)) for ring in (survey.before, survey.after)],
        keys=chosen.keys,
        phases=chosen.phases,
        touches=_touches(survey, expected.chosen),
        notes=[
            *preflight.notes(chosen.phases, chosen.keys),
            *(sealed.notes if sealed else []),
            *exposure.notes,
            *aged.notes,
            *_circumstances(survey),
            *_cut_off(survey),
        ],
        drift=[*preflight.drift(survey, expected), *(sealed.left if sealed else [])],
        problems=judged.problems,
        tasks=[*scenario.tasks(context), *exposure.tasks],
        left_out=judged.left_out,
        waiting=judged.waiting,
        allow_partial=how.allow_partial,
        within=survey.setting.repository.within,
    )


class Planning(NamedTuple):
    """How a plan is made. `allow_partial`: what keeps single files from being changed here is no problem, and they wait.

    `again`: it was begun, so that files may be changed already; `exposing` False leaves out what to change at its source;
    `due` are the files that are too old, where that was found before.
    """

    allow_partial: bool = False
    again: bool = False
    exposing: bool = True
    due: frozenset[str] | None = None


class _Aged(NamedTuple):
    """The files whose data key is too old, within the budget, and what to know of the others."""

    due: frozenset[str]
    notes: list[str]


def _aged(survey: Survey, parameters: Parameters) -> _Aged:
    setting = survey.setting
    found = ages(setting.repository, survey.base, [one.path for one in survey.files], setting.keys)
    budget, days = parameters.number("budget"), parameters.number("max-age")
    late = due_ages(found, survey.before, setting.now, max_age=days, budget=budget)
    return _Aged(frozenset(age.path for age in late), ageing_notes(found))


def _exposure(scenario: Scenario, parameters: Parameters, survey: Survey) -> Work:
    """Return what to change at its source, because whoever goes could read it at any time."""
    if not (scenario.exposes and survey.access.lost):
        return Work([], [])
    day = due(parameters, scenario.exposure_days)
    return work(survey.setting, survey.base, survey.access.lost, survey.versions, day, survey.before.policy)


def _expected(scenario: Scenario, parameters: Parameters, survey: Survey, chosen: FileSelection) -> Expected:
    """Return which files the plan is about: those that it changes and those that name a removed key, within `--paths`.

    A runbook that mends is about all of them, since who can read is then the question.
    """
    changed = frozenset(file.path for phase in chosen.phases for file in phase.files)
    globs = parameters.globs(PATHS.name)
    concerned = {
        one.path
        for one in survey.files
        if is_within(globs, one.path) and (scenario.mends or one.path in changed or survey.names_of(one))
    }
    unknown = parameters.text("unknown") == "drop" or scenario.urgent
    return Expected(changed, frozenset(concerned), retired=scenario.mends or scenario.urgent, unknown=unknown)


class _Judged(NamedTuple):
    problems: list[Problem]
    left_out: list[LeftOut]
    waiting: list[WaitingFile]


def _judged(scenario: Scenario, survey: Survey, chosen: FileSelection, expected: Expected, how: Planning) -> _Judged:
    """Return what keeps the plan from being carried out, and what waits or is left as it is."""
    phases, keys = chosen.phases, chosen.keys
    files = [file for phase in phases for file in phase.files]
    left_out = [*survey.left_out, *chosen.elsewhere]
    unusable = preflight.to_recipients(survey, files, keys)
    of_files = [
        *preflight.to_files(survey, expected),
        *(one for one in chosen.nobody_left if one.path in expected.concerned),
        *preflight.to_closing(survey, phases, keys),
        *preflight.to_left_out(left_out),
    ]
    of_all = [*(chosen.sealed.problems if chosen.sealed else []), *_to_places(survey, phases, how)]
    if how.allow_partial:
        told = partial.divided(survey, files, [*of_files, *partial.of_recipients(files, unusable)])
        if how.again or not files or len(told.waiting) < len({file.path for file in files}):
            problems = [*told.problems, *of_all]
            left_out += told.left_out
            problems += partial.nothing_rekeyed(survey, files, left_out) if not (problems or how.again) else []
            return _Judged(problems, left_out, told.waiting)
    of_files = [*of_files, *unusable.values()]
    problems = [*(of_files if scenario.seals or how.allow_partial else partial.hinted(of_files)), *of_all]
    return _Judged(problems or partial.nothing_rekeyed(survey, files, left_out), left_out, [])


def _to_places(survey: Survey, phases: list[PhasePlan], how: Planning) -> list[Problem]:
    """Return what stands in the way where the plan is carried out."""
    repository = survey.setting.repository
    found = preflight.to_links(repository, survey.base, phases)
    return (
        found if how.again else [*found, *preflight.to_dirt(repository, [path for one in phases for path in one.paths])]
    )


def _circumstances(survey: Survey) -> list[str]:
    """Return what is special about the clone, and what the policy of the commit ignores."""
    ignored = [f"the policy ignores {each}" for each in survey.before.policy.ignore]
    return [*census.kind_of_clone(survey.setting.repository), *ignored]


def _cut_off(survey: Survey) -> Iterator[str]:
    """Yield what to know where history may hide that a removed key had the data key of a file that does not name it."""
    repository = survey.setting.repository
    if survey.access.lost and (repository.is_shallow() or repository.left_out()):
        yield f"a file whose recipients lost a key before what is here may have the data key that it had: {COMPLETE}"


def _touches(survey: Survey, chosen: frozenset[str]) -> int:
    """Return how many files need a person or another machine to be opened: none of our own silent keys opens them."""
    here = {normalised(MasterKey(*one)) for one in survey.setting.keys.silent()}
    return sum(1 for one in survey.files if one.path in chosen and not one.recipients & here)
