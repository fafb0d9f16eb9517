"""From a scenario and a commit to a plan: every file that changes is opened first, and all that is wrong is named.

Nothing is written. Recipients come from the key ring's policy alone; a file only says who can open it now.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from secretsync.errors import ConfigError, SecretsyncError
from secretsync.git import Repository
from secretsync.keyring import Changed, KeyRing, RingSource, Snapshot, load_from, lockfile
from secretsync.keyring.editing import SOPS_YAML
from secretsync.keyring.model import normalised
from secretsync.keyring.sources import FOLDER
from secretsync.rotation import preflight
from secretsync.rotation.ageing import ages
from secretsync.rotation.ageing import due as due_ages
from secretsync.rotation.ageing import notes as ageing_notes
from secretsync.rotation.exposure import Work, work
from secretsync.rotation.file_metadata import Inspected
from secretsync.rotation.model import FilePlan, Operation, PhasePlan, Plan, PlannedKey, Problem
from secretsync.rotation.parameters import Parameters
from secretsync.rotation.scenario import Scenario, ScenarioContext, SurveyedFile, complete, due
from secretsync.rotation.sealed_planning import sealed_plan
from secretsync.rotation.survey import Setting, Stage, Survey, survey_files
from secretsync.secrecy import SecretBytes
from secretsync.sops.datakey import MasterKey


def snapshot(repository: Repository, commit: str) -> Snapshot:
    """Return the key ring's files in a commit."""
    with repository.reader() as reader:
        return Snapshot({path: reader.read(blob) for path, blob in repository.blobs(commit, FOLDER, SOPS_YAML).items()})


def make_plan(scenario: Scenario, given: Mapping[str, str], setting: Setting, *, base: str = "HEAD") -> Plan:
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
    looked = survey_files(setting, commit, exposing=scenario.exposes)
    files = [one.inspected for one in looked]
    versions = {(one.inspected.path, one.inspected.blob): one.versions for one in looked}
    survey = Survey(setting, commit, before, stages, files, versions)
    return _Planner(scenario, parameters, survey).plan()


def _stages(scenario: Scenario, parameters: Parameters, source: RingSource) -> Iterable[Stage]:
    for phase in scenario.phases:
        edits = phase.edit(source, parameters) if phase.edit else {}
        source = Changed(source, edits)
        yield Stage(phase, edits, load_from(source))


class _Planner:
    def __init__(self, scenario: Scenario, parameters: Parameters, survey: Survey) -> None:
        self._scenario = scenario
        self._parameters = parameters
        self._survey = survey
        self._today = survey.setting.now.date()
        self._keys: dict[str, PlannedKey] = {}
        self._problems: list[Problem] = []
        self._notes: list[str] = []
        self._left: list[str] = []
        old, new = _recipients(survey.before), _recipients(survey.after)
        self._lost, self._gained = old - new, new - old
        self._subject = _named(survey.before, parameters.text("subject"))
        self._ageless: list[str] = []
        self._due = self._old() if scenario.ages else set()

    def plan(self) -> Plan:
        """Put the plan together."""
        survey, setting = self._survey, self._survey.setting
        exposure = self._exposure()
        phases = [phase for phase in map(self._phase, survey.stages) if phase.paths]
        context = ScenarioContext(self._parameters, survey.before, survey.after)
        chosen = {file.path for phase in phases for file in phase.files}
        expected = preflight.Expected(self._lost, self._scenario.mends, self._parameters.text("unknown") == "drop")
        self._problems += preflight.to_files(survey, chosen, expected)
        self._problems += self._unusable(phases)
        self._problems += preflight.to_closing(survey, phases, self._keys)
        self._problems += preflight.to_links(setting.repository, survey.base, phases)
        self._problems += preflight.to_dirt(setting.repository, [path for one in phases for path in one.paths])
        return Plan(
            scenario=self._scenario.name,
            parameters=self._parameters.texts,
            at=f"{setting.now:%Y-%m-%dT%H:%M:%SZ}",
            base=survey.base,
            policy=[lockfile.digest(lockfile.content(ring)) for ring in (survey.before, survey.after)],
            keys=dict(sorted(self._keys.items())),
            phases=phases,
            touches=self._touches(chosen),
            notes=[*preflight.notes(phases, self._keys), *self._notes, *exposure.notes, *self._ageless],
            drift=[*preflight.drift(survey, chosen, today=self._today), *self._left],
            problems=self._problems,
            tasks=[*self._scenario.tasks(context), *exposure.tasks],
        )

    def _old(self) -> set[str]:
        """Return the files whose data key is too old, within the budget."""
        survey, setting = self._survey, self._survey.setting
        found = ages(setting.repository, survey.base, [one.path for one in survey.files], setting.keys)
        self._ageless = ageing_notes(found)
        budget, days = self._parameters.number("budget"), self._parameters.number("max-age")
        return {age.path for age in due_ages(found, survey.before, setting.now, max_age=days, budget=budget)}

    def _exposure(self) -> Work:
        """Return what to change at its source, because whoever goes could read it at any time."""
        survey, setting = self._survey, self._survey.setting
        if not (self._scenario.exposes and self._lost):
            return Work([], [])
        day = due(self._parameters, self._scenario.exposure_days)
        return work(setting.repository, setting.pool, survey.base, self._lost, survey.versions, day)

    def _phase(self, stage: Stage) -> PhasePlan:
        title = stage.phase.title.format(**self._parameters.texts)
        edits = {path: None if data is None else data.decode() for path, data in sorted(stage.edits.items())}
        files = []
        if stage.phase.operation == "re-seal":
            files = self._sealed_files()
        elif stage.phase.operation is not None:
            files = [
                planned for one in self._survey.files if (planned := self._file(stage, stage.phase.operation, one))
            ]
        return PhasePlan(stage.phase.name, title, edits, files)

    def _sealed_files(self) -> list[FilePlan]:
        """Return the files with SealedSecrets that the plan seals anew."""
        found = sealed_plan(self._survey, self._parameters)
        self._keys[f"sealing-{found.spki[:16]}"] = PlannedKey("sealing", found.spki, self._parameters.text("subject"))
        self._problems += found.problems
        self._notes += found.notes
        self._left += found.left
        return found.files

    def _file(self, stage: Stage, operation: Operation, one: Inspected) -> FilePlan | None:
        """Return the plan for a file that the phase selects; a problem where policy has no readers for it."""
        rule = stage.ring.rule_for(one.path)
        if rule is None:
            return None  # an objection of its own
        try:
            readers = stage.ring.readers(rule, today=self._today)
        except ConfigError as error:
            self._problems.append(Problem(one.path, "nobody-left", error.message, error.hint or ""))
            return None
        groups = [[normalised(reader.recipient) for reader in group] for group in readers]
        wanted = frozenset(recipient for group in groups for recipient in group)
        seen = SurveyedFile(
            one.path, one.recipients, wanted, self._lost, self._gained, self._subject, one.path in self._due
        )
        if stage.phase.selects is None or not stage.phase.selects(seen, self._parameters):
            return None
        why = ""
        if operation == "updatekeys" and one.recipients - wanted:
            operation, why = "rotate", "somebody loses the file as well, so it gets a new data key"
        threshold = (rule.threshold or len(groups)) if len(groups) > 1 else 0
        return FilePlan(
            *(one.path, one.blob, operation),
            before=[[self._id(recipient) for recipient in group] for group in one.groups],
            after=[[self._id(recipient) for recipient in group] for group in groups],
            threshold=threshold,
            items=one.items,
            why=why,
        )

    def _id(self, recipient: MasterKey) -> str:
        """Return the id of a recipient, and remember whose it is."""
        for ring in (self._survey.after, self._survey.before):
            found = ring.find(recipient)
            if found:
                self._keys[found[1].id] = PlannedKey(*normalised(found[1].master_key), found[0].name)
                return found[1].id
        gone = self._survey.after.find_retired(recipient)
        if gone:
            self._keys[gone.key.id] = PlannedKey(*normalised(gone.key.master_key), gone.principal)
            return gone.key.id
        name = f"unknown-{recipient.name[:20]}"
        self._keys[name] = PlannedKey(*recipient)
        return name

    def _unusable(self, phases: list[PhasePlan]) -> list[Problem]:
        """Wrap random bytes for every recipient that gets an envelope: who cannot be reached is found now."""
        needed = {
            name
            for phase in phases
            for file in phase.files
            if file.operation != "re-seal"
            for name in (
                file.added if file.operation == "updatekeys" else [one for group in file.after for one in group]
            )
        }
        found = []
        for name in sorted(needed):
            key = self._keys[name]
            try:
                self._survey.setting.keys.wrap(key.kind, key.recipient, SecretBytes(os.urandom(32)))
            except SecretsyncError as error:
                found.append(Problem("", "recipient-unusable", f"{name} of {key.principal}: {error}", error.hint or ""))
        return found

    def _touches(self, chosen: set[str]) -> int:
        """Return how many files need a person or another machine to be opened: none of our own silent keys opens them."""
        here = {normalised(MasterKey(*one)) for one in self._survey.setting.keys.silent()}
        return sum(1 for one in self._survey.files if one.path in chosen and not one.recipients & here)


def _recipients(ring: KeyRing) -> frozenset[MasterKey]:
    return frozenset(normalised(key.master_key) for _, key in ring.public_keys())


def _named(ring: KeyRing, name: str) -> frozenset[MasterKey]:
    """Return the recipients of a principal, or of a key by its id; none where there is neither."""
    found = (key for owner, key in ring.public_keys() if name in {owner.name, key.id})
    return frozenset(normalised(key.master_key) for key in found)
