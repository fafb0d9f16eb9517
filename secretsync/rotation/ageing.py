"""How old data keys are, as Git tells: since the first commit with a version of any file under that data key.

`lastmodified` and `created_at` do not answer this (an edit moves the one, `updatekeys` the other). Where nothing shows
that a version has the data key of the one before, it counts as new; unless a key at hand opened both, that is an
estimate and says so. Where history is cut off the age is unknown. Commit dates are self-declared.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from secretsync.errors import ConfigError
from secretsync.git import Repository
from secretsync.git.history import Arrival
from secretsync.keyring import KeyRing
from secretsync.masterkeys import MasterKeys
from secretsync.rotation.lineage import Lineage
from secretsync.sops.recognition import FOUND_BY, spellings

COMPLETE: Final = "git fetch --unshallow, or in a partial clone git fetch --refetch --no-filter"
"""What completes the history of a clone."""


class Age(NamedTuple):
    """Since when a file has its data key, None where history is cut off or the file does not read; `estimated`: another may have been the same."""

    path: str
    since: datetime | None
    commit: str
    estimated: bool


def ages(repository: Repository, commit: str, paths: Iterable[str], keys: MasterKeys | None = None) -> list[Age]:
    """Return the age of the data key of each file of a commit, the oldest first, then the unknown ones."""
    blobs = repository.blobs(commit)
    history = repository.history.arrivals(commit)
    missing = repository.left_out()
    with repository.reader() as reader:
        names = dict.fromkeys(one.after for one in history if one.after not in missing)
        marked = {
            blob for blob, is_marked in zip(names, reader.holding(names, FOUND_BY, spellings), strict=True) if is_marked
        }
        lineage = Lineage(reader, keys)
        arrivals = [one for one in history if one.after in marked]
        for one in arrivals:
            lineage.add(one.after, one.path)
        lineage.unwrap()
    judge = _Ages(repository, lineage, arrivals, missing)
    return sorted((judge.age(path, blobs[path]) for path in paths), key=_order)


def _order(age: Age) -> tuple[bool, float, str]:
    return age.since is None, age.since.timestamp() if age.since else 0, age.path


class _Ages:
    def __init__(
        self, repository: Repository, lineage: Lineage, arrivals: list[Arrival], missing: frozenset[str]
    ) -> None:
        self._lineage = lineage
        self._missing = missing
        self._cut_off = repository.cut_off()
        self._arrivals: defaultdict[str, list[Arrival]] = defaultdict(list)
        for one in reversed(arrivals):
            if one.after in lineage:
                self._arrivals[lineage.root(one.after)].append(one)
        commits = dict.fromkeys(one.commit for some in self._arrivals.values() for one in some)
        self._dates = {
            entry.commit: datetime.fromisoformat(entry.date) for entry in repository.history.entries(commits)
        }

    def age(self, path: str, blob: str) -> Age:
        """Return the age of the data key of a file."""
        arrivals = self._arrivals[self._lineage.root(blob)] if blob in self._lineage else []
        if not arrivals:
            return Age(path, None, "", estimated=False)
        first = min(arrivals, key=lambda one: self._dates[one.commit])
        if self._is_cut_off(arrivals, first):
            return Age(path, None, "", estimated=False)
        return Age(path, self._dates[first.commit], first.commit, self._is_estimated(first))

    def _is_cut_off(self, arrivals: list[Arrival], first: Arrival) -> bool:
        """Whether the data key may have been there before the first commit that is known to have it."""
        if any(one.commit in self._cut_off for one in arrivals):
            return True
        return bool(self._missing) and (first.before in self._missing or not first.before.strip("0"))

    def _is_estimated(self, first: Arrival) -> bool:
        lineage = self._lineage
        if first.before not in lineage:
            return False
        return not (lineage.opens(first.before) and lineage.opens(first.after))


def due(
    found: list[Age], ring: KeyRing, now: datetime, *, max_age: int | None = None, budget: int | None = None
) -> list[Age]:
    """Return the files whose data key is older than `max_age` days or the policy's, the oldest first, at most `budget`.

    Files of unknown age are not among them: see `unknown`.

    Raises:
        ConfigError: nothing says how old is too old.
    """
    limit = timedelta(days=max_age) if max_age else ring.policy.max_datakey_age
    if limit is None:
        raise ConfigError(
            "the policy has no max_datakey_age", location="keys/policy.yaml", hint="or give --max-age DAYS"
        )
    return [one for one in found if one.since is not None and now - one.since > limit][:budget]


def unknown(found: Iterable[Age]) -> list[str]:
    """Return the files whose data key may be older than this clone's history tells."""
    return [one.path for one in found if one.since is None]


def notes(found: Iterable[Age]) -> list[str]:
    """Return what a plan says of them."""
    return [f"{path}: left out, for the age of its data key is unknown; {COMPLETE}" for path in unknown(found)]
