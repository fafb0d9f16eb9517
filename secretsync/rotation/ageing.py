"""How old data keys are, as Git tells: since the commit in which no ciphertext of a file survived, else since its first.

`lastmodified` and `created_at` do not answer this (an edit moves the one, `updatekeys` the other); without such a
commit the age is an estimate and says so. Commit dates are self-declared.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from secretsync.errors import ConfigError
from secretsync.git import ObjectReader, Repository
from secretsync.git.history import FileChange
from secretsync.keyring import KeyRing
from secretsync.sops.recognition import ciphertexts


class Age(NamedTuple):
    """Since when a file has its data key; `estimated` where only its first commit tells."""

    path: str
    since: datetime
    commit: str
    estimated: bool


def ages(repository: Repository, commit: str, paths: Iterable[str]) -> list[Age]:
    """Return the age of the data key of each file, the oldest first."""
    wanted = set(paths)
    changes: dict[str, list[FileChange]] = {}
    for change in repository.history.changes(commit, wanted):
        changes.setdefault(change.path, []).append(change)
    with repository.reader() as reader:
        found = [_age(reader, path, versions) for path, versions in changes.items()]
    return sorted(found, key=lambda age: (age.since, age.path))


def _age(reader: ObjectReader, path: str, versions: list[FileChange]) -> Age:
    for change in versions:
        old, new = _values(reader, change.before), _values(reader, change.after)
        if old and new and not old & new:
            return Age(path, datetime.fromisoformat(change.date), change.commit, estimated=False)
        if not old:
            return Age(path, datetime.fromisoformat(change.date), change.commit, estimated=change is not versions[0])
    last = versions[-1]
    return Age(path, datetime.fromisoformat(last.date), last.commit, estimated=True)


def _values(reader: ObjectReader, blob: str) -> set[bytes]:
    return ciphertexts(reader.read(blob)) if blob.strip("0") else set()


def due(
    found: list[Age], ring: KeyRing, now: datetime, *, max_age: int | None = None, budget: int | None = None
) -> list[Age]:
    """Return the files whose data key is older than `max_age` days or the policy's, the oldest first, at most `budget`.

    Raises:
        ConfigError: nothing says how old is too old.
    """
    limit = timedelta(days=max_age) if max_age else ring.policy.max_datakey_age
    if limit is None:
        raise ConfigError(
            "the policy has no max_datakey_age", location="keys/policy.yaml", hint="or give --max-age DAYS"
        )
    return [one for one in found if now - one.since > limit][:budget]
