"""Which files each phase of a plan changes, and whom they are for before and after: read off a survey, key by key."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial
from typing import NamedTuple

from secretsync.errors import ConfigError
from secretsync.keyring import KeyRing, PolicyRule
from secretsync.keyring.model import normalised
from secretsync.rotation.file_metadata import Inspected
from secretsync.rotation.model import FilePlan, LeftOut, Operation, PhasePlan, PlannedKey, Problem
from secretsync.rotation.parameters import PATHS, Parameters, is_within
from secretsync.rotation.scenario import SurveyedFile
from secretsync.rotation.sealed_planning import SealedPlan, sealed_plan
from secretsync.rotation.survey import Stage, Survey
from secretsync.sops.datakey import MasterKey


class FileSelection(NamedTuple):
    """The phases, the keys they speak of by id, files that a rule leaves to nobody, and those outside of `--paths`."""

    phases: list[PhasePlan]
    keys: dict[str, PlannedKey]
    nobody_left: list[Problem]
    elsewhere: list[LeftOut]
    sealed: SealedPlan | None


class _Candidate(NamedTuple):
    """A file that a phase selects: how it is changed, and its recipients by group before and after."""

    file: Inspected
    operation: Operation
    why: str
    rule: PolicyRule
    groups: list[list[MasterKey]]


def selected(survey: Survey, parameters: Parameters, due: Collection[str]) -> FileSelection:
    """Return what every phase changes; `due` are the paths whose data key is too old."""
    recipients: dict[str, PlannedKey] = {}
    phases, nobody_left = [], []
    chosen = partial(is_within, parameters.globs(PATHS.name))
    sealed = None
    for stage in survey.stages:
        files = []
        if stage.phase.operation == "re-seal":
            sealed = sealed_plan(survey, parameters)
            recipients[f"sealing-{sealed.spki[:16]}"] = PlannedKey("sealing", sealed.spki, parameters.text("subject"))
            files = sealed.files
        elif stage.phase.operation is not None:
            found = list(_candidates(survey, stage, stage.phase.operation, parameters, due))
            nobody_left += [one for one in found if isinstance(one, Problem)]
            for one in (one for one in found if isinstance(one, _Candidate) and chosen(one.file.path)):
                listed = {each for group in (*one.file.groups, *one.groups) for each in group}
                known = {each: planned_key(survey, each) for each in (*listed, *_former(survey, one))}
                recipients |= dict(known.values())
                files.append(_planned(one, {each: name for each, (name, _) in known.items()}))
        phases.append(_phase(stage, parameters, files))
    kept = [phase for phase in phases if phase.paths]
    return FileSelection(
        kept, dict(sorted(recipients.items())), nobody_left, list(_left(survey, phases, chosen)), sealed
    )


def _left(survey: Survey, phases: Iterable[PhasePlan], chosen: Callable[[str], bool]) -> Iterator[LeftOut]:
    """Yield the files outside of `--paths` that name a removed key, and those left to a data key that one had."""
    planned = {file.path for phase in phases for file in phase.files}
    for one in survey.files:
        why = "" if chosen(one.path) else "is outside of --paths"
        names = survey.names_of(one)
        if names and why:
            yield LeftOut(one.path, "elsewhere", why, names)
        elif not names and one.path not in planned:
            yield from survey.left_with_key(one.path, why)


def planned_key(survey: Survey, recipient: MasterKey) -> tuple[str, PlannedKey]:
    """Return the id by which a plan speaks of a recipient, and whose key it is."""
    for ring in (survey.after, survey.before):
        found = ring.find(recipient)
        if found:
            return found[1].id, PlannedKey(*normalised(found[1].master_key), found[0].name)
    gone = survey.after.find_retired(recipient)
    if gone:
        return gone.key.id, PlannedKey(*normalised(gone.key.master_key), gone.principal)
    return f"unknown-{recipient.name[:20]}", PlannedKey(*recipient)


def readers_of(ring: KeyRing, rule: PolicyRule, survey: Survey) -> list[list[MasterKey]]:
    """Return whom a rule gives a file to, by group. Raises: ConfigError: nobody is left."""
    readers = ring.readers(rule, today=survey.today)
    return [[normalised(reader.recipient) for reader in group] for group in readers]


def _candidates(
    survey: Survey, stage: Stage, operation: Operation, parameters: Parameters, due: Collection[str]
) -> Iterator[_Candidate | Problem]:
    """Yield the files that a phase selects; a problem for one whose rule leaves nobody who could read it."""
    subject = _named(survey.before, parameters.text("subject"))
    for one in survey.files:
        rule = stage.ring.rule_for(one.path)
        if rule is None or stage.phase.selects is None:
            continue
        try:
            groups = readers_of(stage.ring, rule, survey)
        except ConfigError as error:
            yield Problem(one.path, "nobody-left", error.message, error.hint or "")
            continue
        wanted = frozenset(recipient for group in groups for recipient in group)
        former = frozenset(survey.former.told.get(one.path, ()))
        seen = SurveyedFile(one.path, one.recipients, wanted, *survey.access, subject, one.path in due, former)
        if not stage.phase.selects(seen, parameters):
            continue
        if operation == "updatekeys" and one.recipients - wanted:
            why = "somebody loses the file as well, so it gets a new data key"
            yield _Candidate(one, "rotate", why, rule, groups)
        else:
            yield _Candidate(one, operation, _since_when(survey, seen), rule, groups)


def _since_when(survey: Survey, seen: SurveyedFile) -> str:
    """Say why a file is chosen that names none of the keys which go."""
    return survey.formerly(seen.path) if seen.lost and not seen.lost & seen.recipients else ""


def _former(survey: Survey, one: _Candidate) -> Collection[MasterKey]:
    return survey.former.told.get(one.file.path, ()) if one.operation == "rotate" else ()


def _planned(one: _Candidate, names: Mapping[MasterKey, str]) -> FilePlan:
    def named(groups: Iterable[Iterable[MasterKey]]) -> list[list[str]]:
        return [[names[recipient] for recipient in group] for group in groups]

    file, several = one.file, len(one.groups) > 1
    return FilePlan(
        *(file.path, file.blob, one.operation, named(file.groups), named(one.groups)),
        threshold=(one.rule.threshold or len(one.groups)) if several else 0,
        items=file.items,
        why=one.why,
    )


def _phase(stage: Stage, parameters: Parameters, files: list[FilePlan]) -> PhasePlan:
    title = stage.phase.title.format(**parameters.texts)
    edits = {path: None if data is None else data.decode() for path, data in sorted(stage.edits.items())}
    return PhasePlan(stage.phase.name, title, edits, files)


def _named(ring: KeyRing, name: str) -> frozenset[MasterKey]:
    """Return the recipients of a principal, or of a key by its id; none where there is neither."""
    found = (key for owner, key in ring.public_keys() if name in {owner.name, key.id})
    return frozenset(normalised(key.master_key) for key in found)
