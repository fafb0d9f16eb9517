"""Whether the key ring of some commit has what a plan put into it, and whether what follows from a ring follows from it.

A ring that others changed honestly before or since is no fault: then the edits are made again on the ring they met,
and of the present one it is asked that nothing which the plan did was taken back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from typing import Final, NamedTuple

from secretsync.errors import SecretsyncError
from secretsync.git import Repository
from secretsync.keyring import Changed, Changes, KeyRing, PublicKey, RingSource, load_from
from secretsync.keyring import ruleset as rules
from secretsync.keyring.drift import drift
from secretsync.keyring.editing import SOPS_YAML
from secretsync.keyring.lockfile import fingerprint
from secretsync.keyring.model import normalised
from secretsync.keyring.sources import FOLDER
from secretsync.rotation.planning import snapshot
from secretsync.rotation.promises import Promise
from secretsync.rotation.scenario import complete, scenario_named
from secretsync.rotation.signatures import Signers, signers_in
from secretsync.sops.recognition import spellings

RING, RULES = "ring", "rules"


class RingJudgement(NamedTuple):
    """The ring of the judged commit, None where it does not read, and what is wrong with it and with `.sops.yaml`."""

    ring: KeyRing | None
    failures: list[str]
    generated: list[str]


def planned_ring(repository: Repository, promise: Promise) -> KeyRing:
    """Return the ring as the plan leaves it. Raises: ConfigError."""
    return load_from(Changed(snapshot(repository, promise.plan.base), _changes(promise)))


def signers(repository: Repository, promise: Promise) -> Signers:
    """Return who may sign evidence: by the ring at the base, as far as the line of first parents of HEAD has it.

    What came to HEAD by a merge has no say, and neither has a base that evidence only claims.
    Raises: ConfigError where that ring does not read.
    """
    head, _ = repository.head()
    commit = repository.history.fork(head, promise.plan.base) if head else ""
    if not commit:
        return Signers("nobody: no commit of the plan's history is here")
    source = snapshot(repository, commit)
    return signers_in(load_from(source), planned_ring(repository, promise), source, f"the ring of {commit[:12]}")


def judge_ring(repository: Repository, promise: Promise, commit: str, now: datetime) -> RingJudgement:
    """Judge the ring of a commit."""
    base, source = snapshot(repository, promise.plan.base), snapshot(repository, commit)
    try:
        before, planned = load_from(base), planned_ring(repository, promise)
        ring = load_from(source)
        days = _days(repository, promise, commit, now)
        known = set() if promise.edits else _drift(before, base, days)
        found = _drift(ring, source, days) - known
    except SecretsyncError as error:
        return RingJudgement(None, [f"the key ring does not read: {error}"], [])
    failures = [*_taken_back(before, planned, ring), *_named(repository, promise, commit, before, planned)]
    generated = sorted(text for rule, text in found if rule == rules.GENERATED_DRIFT.id)
    failures += sorted(text for rule, text in found if rule != rules.GENERATED_DRIFT.id)
    return RingJudgement(ring, failures, generated)


def edited_otherwise(repository: Repository, promise: Promise, before: str, after: str) -> list[str]:
    """Return what is neither as planned, nor what the plan's edits make of the ring that they met in `before`."""
    if not promise.edits:
        return []
    source = snapshot(repository, after)
    texts = {path: None if text is None else text.encode() for path, text in promise.edits.items()}
    other = sorted(path for path, data in texts.items() if source.read(path) != data)
    if not other:
        return []
    try:
        if load_from(source) == load_from(_edited(snapshot(repository, before), promise)):
            return []
    except SecretsyncError:
        pass
    return [f"{path}: is neither as planned nor what the plan's edits make of the key ring before" for path in other]


def _edited(source: RingSource, promise: Promise) -> RingSource:
    """Return another ring with the edits of a scenario made again. Raises: ConfigError, PolicyError and the like."""
    plan = promise.plan
    scenario = scenario_named(plan.scenario)
    parameters = complete(scenario, plan.parameters, date.fromisoformat(plan.at[:10]))
    for phase in scenario.phases:
        source = Changed(source, phase.edit(source, parameters) if phase.edit else {})
    return source


def _changes(promise: Promise) -> Changes:
    return {path: None if text is None else text.encode() for path, text in promise.edits.items()}


def _days(repository: Repository, promise: Promise, commit: str, now: datetime) -> list[date]:
    """Return the days for which `.sops.yaml` may have been generated: today's, the commit's and the plan's."""
    (entry,) = repository.history.entries([commit])
    made = [now, datetime.fromisoformat(entry.date), promise.plan.moment]
    return [one.astimezone(UTC).date() for one in made]


def _drift(ring: KeyRing, source: RingSource, days: Iterable[date]) -> set[tuple[str, str]]:
    """Return what does not follow from a ring on any of some days, each with its rule."""
    found = [{(one.rule, f"{one.file}: {one.message}") for one in drift(ring, source, day)} for day in days]
    return set.intersection(*found)


def _taken_back(before: KeyRing, planned: KeyRing, ring: KeyRing) -> Iterator[str]:
    """Yield what the plan did to the ring and is not so any more."""
    retired = {fingerprint(one.key) for one in ring.retired}
    for one in planned.retired:
        if fingerprint(one.key) not in retired:
            yield f"keys/retired/{one.principal}.yaml: {one.key.id} is not on the deny list"
    old, wanted, present = _by_fingerprint(before), _by_fingerprint(planned), _by_fingerprint(ring)
    for name in old.keys() - wanted.keys():
        if name in present:
            yield f"keys/: {present[name].id} was taken out, and is in the ring again"
    for name in wanted.keys() - old.keys():
        if name not in present and name not in retired:
            yield f"keys/: {wanted[name].id} was added, and is not in the ring"
    former = {pin.cluster: pin.spki_sha256 for pin in before.policy.sealing}
    pins = {pin.cluster: pin.spki_sha256 for pin in ring.policy.sealing}
    for pin in planned.policy.sealing:
        if pin.spki_sha256 != former.get(pin.cluster) and pins.get(pin.cluster) in {None, former.get(pin.cluster)}:
            yield f"keys/policy.yaml: the certificate of {pin.cluster} is not pinned"


def _named(repository: Repository, promise: Promise, commit: str, before: KeyRing, planned: KeyRing) -> Iterator[str]:
    """Yield the files that name a key which the plan retired and took out of no file, so that V8 does not ask for it."""
    asked = {key.recipient for key in promise.plan.removed_keys().values()}
    for one in planned.retired:
        name = normalised(one.key.master_key)
        if before.find_retired(name) is None and name.name not in asked:
            found = repository.files_of([commit], name.name.encode(), but_not=(FOLDER, SOPS_YAML), spellings=spellings)
            for path in found.get(commit, []):
                yield f"{path}: names {one.key.id}, which was retired"


def _by_fingerprint(ring: KeyRing) -> dict[str, PublicKey]:
    return {fingerprint(key): key for _, key in ring.public_keys()}


TITLES: Final = {
    RING: "the key ring has the plan's edits, and its lock agrees",
    RULES: ".sops.yaml is what the key ring says",
}
"""What the two checks say."""
