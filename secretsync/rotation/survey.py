"""What a plan is made from: the ring before, after each phase, and every file of one commit that may matter.

It is looked at once; the plan (`planning`) and what is wrong with it (`preflight`) are both read off the result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import NamedTuple, TypeAlias

from secretsync.git import Repository
from secretsync.keyring import Changes, KeyRing
from secretsync.keyring.model import normalised
from secretsync.masterkeys import MasterKeys
from secretsync.processes import Pool
from secretsync.rotation import census
from secretsync.rotation.file_metadata import Inspected
from secretsync.rotation.file_worker import Look, Looked
from secretsync.rotation.former_readers import FormerReaders, Leavers, former_readers
from secretsync.rotation.gathering import Known
from secretsync.rotation.model import DATA_KEY, LeftOut, PlannedKey
from secretsync.rotation.scenario import Phase
from secretsync.sops.datakey import MasterKey

Progress: TypeAlias = Callable[[int, int], None]
"""Who wants to know how many of how many files are done."""


def unshown(done: int, total: int) -> None:
    """Show nothing."""


class Setting(NamedTuple):
    """What planning works with: the repository, keys, processes, the clock, and who wants to know how far it is."""

    repository: Repository
    keys: MasterKeys
    pool: Pool
    now: datetime
    progress: Progress = unshown

    def below(self, within: str) -> Setting:
        """Return the same for the key ring in a folder of the repository. Raises: RepositoryError."""
        return self._replace(repository=self.repository.below(within))


class Stage(NamedTuple):
    """One phase with the ring as it is once its edits are in."""

    phase: Phase
    edits: Changes
    ring: KeyRing


class MovedRecipients(NamedTuple):
    """Recipients of keys that the edits of all stages take out of the ring, and of those that they bring into it."""

    lost: frozenset[MasterKey]
    gained: frozenset[MasterKey]


class Survey(NamedTuple):
    """Everything that a plan and what is wrong with it are made from.

    `files` are the SOPS files that the ring looks after, `left_out` what is no such file, or is ignored.
    """

    setting: Setting
    base: str
    before: KeyRing
    stages: list[Stage]
    access: MovedRecipients
    files: list[Inspected]
    left_out: list[LeftOut]
    versions: Known
    former: FormerReaders = FormerReaders({}, {})

    @property
    def after(self) -> KeyRing:
        """The ring at the end."""
        return self.stages[-1].ring if self.stages else self.before

    @property
    def today(self) -> date:
        """The day by which keys are usable or not."""
        return self.setting.now.date()

    def names_of(self, file: Inspected) -> list[str]:
        """Return the ids of the removed keys that a file is for or, where it does not say, that stand in it."""
        return sorted({*file.named, *(self.before.label(one) for one in file.recipients & self.access.lost)})

    def left_with_key(self, path: str, why: str = "") -> list[LeftOut]:
        """Return a file that is left though a removed key had its data key, as what is left out; none for any other."""
        found = self.former.told.get(path) or self.former.told_here.get(path)
        if not found:
            return []
        told = self.formerly(path, found)
        names = sorted(self.before.label(one) for one in found)
        return [LeftOut(path, DATA_KEY, f"{why}, and {told}" if why else told, names)]

    def formerly(self, path: str, found: Mapping[MasterKey, str] | None = None) -> str:
        """Say which removed keys had an envelope of a file's data key, and where; nothing where none did."""
        readers = found or self.former.told.get(path, {})
        told = {self.before.label(one): commit for one, commit in readers.items()}
        return ", ".join(
            f"{name} had an envelope of this data key {f'in commit {told[name][:12]}' if told[name] else 'at another ref'}"
            for name in sorted(told)
        )


def surveyed(setting: Setting, commit: str, before: KeyRing, stages: Sequence[Stage], *, exposing: bool) -> Survey:
    """Look at every file of a commit, and open in memory what is encrypted and not ignored, in the order of the paths."""
    after = stages[-1].ring if stages else before
    old, new = _recipients(before), _recipients(after)
    access = MovedRecipients(old - new, new - old)
    keys = census.texts_of({before.label(one): PlannedKey(*one) for one in access.lost})
    taken = census.taken(setting.repository, commit, keys)
    policy = before.policy
    tasks = [Look(path, blob, exposing, policy.ignored(path) is not None, keys) for path, blob in taken.files.items()]
    looked: list[Looked] = []
    left_out = [replace(one, names=sorted(keys)) if one.kind == "missing" else one for one in taken.left_out]
    for number, one in enumerate(setting.pool.map("inspect", tasks, key=lambda task: task.blob), 1):
        setting.progress(number, len(tasks))
        if isinstance(one, Looked):
            looked.append(one)
        elif one is not None:
            left_out.append(one)
    survey = Survey(setting, commit, before, [*stages], access, [one.inspected for one in looked], [], {})
    leavers = Leavers(access.lost, keys)
    former = former_readers(setting.repository, commit, survey.files, leavers, setting.keys)
    survey = survey._replace(former=former)
    ignored = [
        census.ignored(file.path, entry.reason, survey.names_of(file))
        for file in survey.files
        if (entry := policy.ignored(file.path))
    ]
    ignored += [
        left
        for file in survey.files
        if (entry := policy.ignored(file.path))
        for left in survey.left_with_key(file.path, census.ignored(file.path, entry.reason, []).why)
    ]
    return survey._replace(
        files=[file for file in survey.files if policy.ignored(file.path) is None],
        left_out=sorted([*census.ignoring(policy, left_out), *ignored], key=lambda one: (one.kind, one.path)),
        versions={(one.inspected.path, one.inspected.blob): one.versions for one in looked},
    )


def _recipients(ring: KeyRing) -> frozenset[MasterKey]:
    return frozenset(normalised(key.master_key) for _, key in ring.public_keys())
