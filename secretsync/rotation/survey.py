"""What a plan is made from: the ring before, after each phase, and every encrypted file of one commit.

It is looked at once; the plan (`planning`) and what is wrong with it (`preflight`) are both read off the result.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple, TypeAlias

from secretsync.git import Repository
from secretsync.keyring import Changes, KeyRing
from secretsync.masterkeys import MasterKeys
from secretsync.processes import Pool
from secretsync.rotation.file_metadata import Inspected, marked_files
from secretsync.rotation.file_worker import Look, Looked
from secretsync.rotation.gathering import Known
from secretsync.rotation.scenario import Phase

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


class Stage(NamedTuple):
    """One phase with the ring as it is once its edits are in."""

    phase: Phase
    edits: Changes
    ring: KeyRing


class Survey(NamedTuple):
    """Everything that a plan and what is wrong with it are made from."""

    setting: Setting
    base: str
    before: KeyRing
    stages: list[Stage]
    files: list[Inspected]
    versions: Known

    @property
    def after(self) -> KeyRing:
        """The ring at the end."""
        return self.stages[-1].ring if self.stages else self.before


def survey_files(setting: Setting, commit: str, *, exposing: bool) -> list[Looked]:
    """Open every encrypted file of a commit in memory and return what each says of itself, sorted by path."""
    tasks = [Look(path, blob, exposing) for path, blob in marked_files(setting.repository, commit).items()]
    found: list[Looked] = []
    for number, one in enumerate(setting.pool.map("inspect", tasks, key=lambda task: task.blob), 1):
        setting.progress(number, len(tasks))
        if one is not None:
            found.append(one)
    return found
