"""What is wrong with a plan, and what a reader of it should know: files out of policy, keys that came back, dirt.

Problems keep a plan from being applied; drift and notes do not.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Final, NamedTuple

from secretsync.errors import ConfigError, IntegrityError, NoIdentityMatchError, SecretsyncError
from secretsync.git import Repository
from secretsync.git.history import REGULAR
from secretsync.keyring import KeyRing
from secretsync.keyring.model import normalised
from secretsync.letters import counted
from secretsync.masterkeys import MasterKeys
from secretsync.masterkeys.kinds import KINDS
from secretsync.rotation.file_metadata import Inspected
from secretsync.rotation.model import FilePlan, LeftOut, PhasePlan, PlannedKey, Problem
from secretsync.rotation.survey import Survey
from secretsync.secrecy import SecretBytes
from secretsync.sops.datakey import MasterKey

_LARGE_ENVELOPE: Final = 4.4  # KB of one post-quantum age envelope in a SOPS file; measured


class Expected(NamedTuple):
    """What is asked of the files. `chosen` are changed, `concerned` are no business of others; the flags excuse recipients."""

    chosen: frozenset[str]
    concerned: frozenset[str]
    retired: bool = False
    unknown: bool = False


def to_files(survey: Survey, expected: Expected) -> list[Problem]:
    """Return what is wrong with the encrypted files that the plan is about."""
    found: list[Problem] = []
    for one in survey.files:
        if one.path not in expected.concerned:
            continue
        if _has_no_rule(survey, one):
            hint = "add a rule to keys/policy.yaml, name it under ignore there, or remove the file"
            found.append(Problem(one.path, "no-rule", f"{_NO_RULE}{_naming(survey.names_of(one))}", hint))
        found += _strangers(survey, one, expected)
        if one.error is not None and (one.path in expected.chosen or not one.groups):
            problem = unopened(one.path, one.error)
            found.append(replace(problem, message=f"{problem.message}{_naming(list(one.named))}"))
    return found


_NO_RULE: Final = "is encrypted, and no rule of the policy matches it"


def _has_no_rule(survey: Survey, one: Inspected) -> bool:
    return bool(survey.after.policy.rules) and survey.after.rule_for(one.path) is None


def _naming(names: Sequence[str]) -> str:
    return f"; it names {', '.join(names)}" if names else ""


def to_left_out(left_out: Iterable[LeftOut]) -> list[Problem]:
    """Return a problem for everything that a removed key may open, and that is no file which can be given a new data key."""
    hints = {
        "missing": "git fetch --refetch --no-filter",
        "quoted": "solve what keeps it from being read, remove it, or name it under ignore in keys/policy.yaml",
        "rules": "git rm it: the policy and the .sops.yaml at the root say who reads what",
    }
    return [
        Problem(one.path, one.kind, f"{one.why}{_naming(one.names)}", hints[one.kind])
        for one in left_out
        if one.is_open and one.kind in hints
    ]


def to_links(repository: Repository, base: str, phases: list[PhasePlan]) -> list[Problem]:
    """Return a problem for every link in the commit that an edit would be written through, or that stands in its place."""
    edited = {path for phase in phases for path in phase.edits}
    entries = repository.entries(base, *sorted({path.split("/", 1)[0] for path in edited})) if edited else {}
    places = {path for path, entry in entries.items() if entry.mode not in REGULAR}
    message = "is a symbolic link or submodule, and nothing is written through one"
    return [
        Problem(place, "linked", message, "put a folder or file there, and commit it")
        for place in sorted(places)
        if any(path == place or path.startswith(f"{place}/") for path in edited)
    ]


def to_closing(survey: Survey, phases: list[PhasePlan], keys: Mapping[str, PlannedKey]) -> list[Problem]:
    """Return a problem for every file that loses the last key that is here: what is written could not be proved.

    Files with key groups are left to the proof: they need a quorum, which may be elsewhere.
    """
    usable: dict[str, bool] = {}
    closed = {one.path for one in survey.files if one.error is not None}

    def at_hand(name: str) -> bool:
        if name not in usable:
            usable[name] = _opens(keys[name], survey.setting.keys)
        return usable[name]

    hint = "add the private half of one to SOPS_AGE_KEY_FILE, or let its holder run this"
    message = "no key that it is encrypted for afterwards is here, so the result could not be proved"
    return [
        Problem(file.path, "nobody-here", message, hint)
        for phase in phases
        for file in phase.files
        if file.operation == "rotate" and file.removed and len(file.after) == 1 and file.path not in closed
        if not any(map(at_hand, file.after[0]))
    ]


def _opens(key: PlannedKey, held: MasterKeys) -> bool:
    try:
        return bool(held.unwrap(key.kind, held.wrap(key.kind, key.recipient, SecretBytes(os.urandom(32)))))
    except SecretsyncError:
        return False


def to_recipients(survey: Survey, files: Iterable[FilePlan], keys: Mapping[str, PlannedKey]) -> dict[str, Problem]:
    """Wrap random bytes for every recipient that gets an envelope; return those, by id, who cannot be reached."""
    found = {}
    for name in sorted({name for file in files for name in needed(file)}):
        key = keys[name]
        try:
            survey.setting.keys.wrap(key.kind, key.recipient, SecretBytes(os.urandom(32)))
        except SecretsyncError as error:
            message = f"{name} of {key.principal}: {error}"
            found[name] = Problem("", "recipient-unusable", message, error.hint or "")
    return found


def needed(file: FilePlan) -> list[str]:
    """Return the ids of the keys that get a new envelope of a file."""
    if file.operation == "re-seal":
        return []
    return file.added if file.operation == "updatekeys" else [one for group in file.after for one in group]


def to_dirt(repository: Repository, paths: Iterable[str]) -> list[Problem]:
    """Return a problem for every file of the plan with changes that are not committed."""
    hint = "commit or stash it: the plan starts from the last commit"
    return [Problem(path, "dirty", "has changes that are not committed", hint) for path in repository.dirty(paths)]


def drift(survey: Survey, expected: Expected) -> list[str]:
    """Return what differed from policy before and is left as it is: a rotation is no repair of everything."""
    found: list[str] = []
    for one in survey.files:
        if one.path in expected.chosen:
            continue
        if one.path not in expected.concerned:
            found += [f"{one.path}: {_NO_RULE}"] * _has_no_rule(survey, one)
            if one.error is not None and (not one.groups or isinstance(one.error, IntegrityError)):
                problem = unopened(one.path, one.error)
                found.append(f"{one.path}: is damaged: {problem.message}")
        found += [f"{one.path}: {difference}" for difference in differences(one, survey.after, today=survey.today)]
    return found


def differences(one: Inspected, ring: KeyRing, *, today: date) -> Iterator[str]:
    """Yield how a file differs from its rule: recipients, threshold, selector."""
    rule = ring.rule_for(one.path)
    if rule is None:
        return
    try:
        groups = ring.readers(rule, today=today)
    except ConfigError:
        return
    wanted = {normalised(reader.recipient) for group in groups for reader in group}
    yield from sorted(f"{ring.label(each)} opens it, and is not in the policy" for each in one.recipients - wanted)
    yield from sorted(f"{ring.label(each)} is missing" for each in wanted - one.recipients)
    if rule.selector and one.selector != (rule.selector.kind, rule.selector.pattern):
        yield f"its selector is {one.selector[0]} {one.selector[1]!r}, and the rule's is another"


def notes(phases: list[PhasePlan], keys: Mapping[str, PlannedKey]) -> list[str]:
    """Return what a reviewer should know of the changes that follow."""
    files = [file for phase in phases for file in phase.files]
    rotated = [file for file in files if file.operation == "rotate"]
    found = []
    if rotated:
        items = sum(file.items for file in rotated)
        found.append(
            "a new data key re-seals what render seals from it, which shows once in sealed output: "
            f"{counted(items, 'item')} of {counted(len(rotated), 'file')}; revealed output stays byte-identical"
        )
    heavy = [name for name, key in keys.items() if _is_post_quantum(key)]
    growing = [file for file in files if set(file.added) & set(heavy)]
    if growing:
        found.append(f"each new post-quantum recipient adds {_LARGE_ENVELOPE} KB to {counted(len(growing), 'file')}")
    found += _mixed(phases, keys)
    return found


def _is_post_quantum(key: PlannedKey) -> bool:
    kind = KINDS.get(key.kind)  # none for a sealing key
    return kind is not None and kind.is_post_quantum(key.recipient)


def _mixed(phases: list[PhasePlan], keys: Mapping[str, PlannedKey]) -> list[str]:
    def strong(names: Iterable[str]) -> set[bool]:
        return {_is_post_quantum(keys[name]) for name in names}

    weakened = [
        file.path
        for phase in phases
        for file in phase.files
        if strong(one for group in file.before for one in group) == {True} and False in strong(file.added)
    ]
    return [f"{path}: had post-quantum recipients only, and gets a classical one" for path in weakened]


def _strangers(survey: Survey, one: Inspected, expected: Expected) -> Iterator[Problem]:
    for recipient in sorted(one.recipients - survey.access.lost):
        if survey.before.find(recipient) or survey.after.find(recipient):
            continue
        gone = survey.before.find_retired(recipient)
        if expected.retired if gone else expected.unknown:
            continue
        where = _origin(survey, one.path, recipient)
        if gone:
            message = f"{gone.key.id} of {gone.principal}, retired on {gone.retired_at}, opens it again{where}"
            yield Problem(one.path, "retired-recipient", message, "secretsync runbook align plan")
        else:
            message = f"{recipient.kind} {recipient.name[:60]} opens it, and the key ring does not know it{where}"
            hint = "keys add makes it known; secretsync runbook align plan --unknown drop takes it out"
            yield Problem(one.path, "unknown-recipient", message, hint)


def _origin(survey: Survey, path: str, recipient: MasterKey) -> str:
    """Say which commit brought a recipient into a file."""
    entry = survey.setting.repository.history.introduced(survey.base, path, recipient.name.encode())
    return f" (since {entry.commit[:12]} by {entry.author})" if entry else ""


def unopened(path: str, error: SecretsyncError) -> Problem:
    """Return the problem that a file is which does not open."""
    kind = "unreadable"
    if isinstance(error, NoIdentityMatchError):
        kind = "cannot-open"
    elif isinstance(error, IntegrityError):
        kind = "damaged"
    return Problem(
        path, kind, f"{error.location}: {error.message}" if error.location else error.message, error.hint or ""
    )
