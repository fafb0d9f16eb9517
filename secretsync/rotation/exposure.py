"""What a key could ever open, from all of Git's history, and where it still lives.

Live is what stands at HEAD and the head of a branch, local or remote, that the policy does not leave out. What no key here opens is compared by its ciphertext, and
is unknown where that changed. Other clones, forks and caches are out of sight.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, TypeAlias

from secretsync.errors import ConfigError, SecretsyncError
from secretsync.git import Repository
from secretsync.keyring import KeyRing
from secretsync.keyring.globs import IgnoredPaths
from secretsync.keyring.model import normalised
from secretsync.keyring.policy import LiveRefs, Policy
from secretsync.masterkeys.kinds import KINDS
from secretsync.processes import Pool
from secretsync.rotation.gathering import HEAD, Branches, File, Gathered, Known, gather
from secretsync.rotation.model import Task
from secretsync.rotation.survey import Setting
from secretsync.rotation.versions import SEALING, SeenValue, Unread, Version
from secretsync.sops.datakey import MasterKey

State: TypeAlias = Literal["live", "unknown", "elsewhere", "coincidence", "changed", "deleted"]
"""Stands at the head of a branch; no key here tells; only at tags and other refs; a short or common value is equal at
the head of a branch; another value now; not there any more."""

_MANY: Final = 10
"""Places with an equal value, above which that says little."""


class Home(NamedTuple):
    """Where an exposed value stands now: file, place, and the refs that lead there, none for HEAD."""

    path: str
    place: str
    refs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Exposed:
    """One value that the key could open: file and place, what became of it, and where else it stands now.

    `needs` says where the key opens it only together with others; `in_clear`: it was committed unencrypted as well.
    """

    path: str
    place: str
    state: State
    elsewhere: tuple[Home, ...] = ()
    needs: str = ""
    in_clear: bool = False


class Exposure(NamedTuple):
    """The answer, what could not be read for it, what the policy ignores with how many values, and which branches are live."""

    values: list[Exposed]
    unread: list[Unread]
    ignored: dict[IgnoredPaths, int]
    branches: Branches


class Work(NamedTuple):
    """What is to be done about exposed values, and what could not be looked at."""

    tasks: list[Task]
    notes: list[str]


def recipients_of(ring: KeyRing, name: str) -> frozenset[MasterKey]:
    """Return the recipients of a principal, or of a key by its id, retired ones included.

    Raises:
        ConfigError: the ring knows neither.
    """
    keys = [(owner.name, key) for owner, key in ring.public_keys()] + [(one.principal, one.key) for one in ring.retired]
    found = {normalised(key.master_key) for owner, key in keys if name in {owner, key.id}}
    clusters = {one.name for one in ring.principals if one.kind == "cluster"} | {
        one.cluster for one in ring.policy.sealing
    }
    if name in clusters:
        found.add(SEALING)
    if not found:
        raise ConfigError(
            f"the key ring knows nobody and no key called {name!r}",
            hint="secretsync keys list; for a key that it does not know: --recipient",
        )
    return frozenset(found)


def recipients_called(names: Iterable[str]) -> frozenset[MasterKey]:
    """Return recipients by what files call them, whatever kind they are of."""
    found = set()
    for name in names:
        for kind in KINDS:
            try:
                found.add(normalised(MasterKey(kind, name.strip())))
            except SecretsyncError:
                continue
    return frozenset(found)


def exposed(  # noqa: PLR0913  # the repository, and what narrows the answer
    repository: Repository,
    pool: Pool,
    commit: str,
    recipients: Collection[MasterKey],
    *,
    known: Known | None = None,
    foreign: Callable[[str], str] = lambda _: "",
    policy: Policy | None = None,
) -> Exposure:
    """Return every value that `recipients` could ever open in any ref, and where it stands now.

    A version that does not name them counts where its data key is one they had: new recipients alone take nothing away.
    `known` are versions by path and blob that were read before. Values of files that the policy ignores are counted only.
    `foreign` names the other cluster whose SealedSecrets lie at a path: these are told, and do not count.
    """
    live = policy.live_refs if policy else LiveRefs()
    found = gather(repository, pool, commit, known or {}, live)
    versions = [one for some in found.versions.values() for one in some]
    data_keys = {one.data_key for one in versions if one.data_key and one.held_by(recipients)}
    places: defaultdict[tuple[str, str], list[tuple[Version, SeenValue]]] = defaultdict(list)
    for version in versions:
        if version.needs_sealing_key and foreign(version.path):
            continue
        if version.in_clear or version.held_by(recipients) or version.data_key in data_keys:
            for seen in version.values:
                places[version.path, seen.place].append((version, seen))
    judge = _Judge(found, recipients)
    sealed = {one.path for one in versions if one.needs_sealing_key} if SEALING in recipients else set()
    passed = [
        Unread(path, f"lies where the items of {foreign(path)} are, which do not count")
        for path in sorted(sealed)
        if foreign(path)
    ]
    ignored = dict.fromkeys(policy.ignore if policy else (), 0)
    values = []
    for place, there in sorted(places.items()):
        if policy and (entry := policy.ignored(place[0])):
            ignored[entry] += 1
        else:
            values.append(judge.value(*place, there))
    return Exposure(values, [*found.unread(recipients), *passed], ignored, found.branches)


class _Judge:
    """Says of exposed values what became of them."""

    def __init__(self, found: Gathered, recipients: Collection[MasterKey]) -> None:
        self._recipients = recipients
        self._live = _Index(found, found.live)
        self._other = _Index(found, found.other)

    def value(self, path: str, place: str, seen: list[tuple[Version, SeenValue]]) -> Exposed:
        """Return what became of the values that stood at one place."""
        values = list(dict.fromkeys(one for _, one in seen))
        own = (path, place)
        sure, perhaps = self._live.equal(own, values)
        state: State = "live"
        homes: list[Home] = [one for one in sure if one != Home(path, place)]
        if not sure:
            state, homes = self._gone(own, values, perhaps)
        in_clear = any(version.in_clear for version, _ in seen)
        return Exposed(path, place, state, tuple(homes), self._needs(version for version, _ in seen), in_clear)

    def _gone(self, own: tuple[str, str], values: list[SeenValue], perhaps: list[Home]) -> tuple[State, list[Home]]:
        now = self._live.at[own]
        if not all(one.digests for one in (*values, *now)):
            return "unknown", []
        elsewhere, _ = self._other.equal(own, values)
        if elsewhere:
            return "elsewhere", elsewhere
        if perhaps:
            return "coincidence", perhaps
        return ("changed" if now else "deleted"), []

    def _needs(self, versions: Iterable[Version]) -> str:
        """Return how many key groups are needed, where these keys alone never opened the value."""
        words = ""
        for one in versions:
            held = one.held_by(self._recipients)
            if one.in_clear or not held or held >= one.needed:
                return ""
            words = f"{one.needed} of {len(one.groups)} key groups are needed together, and these keys are in {held}"
        return words


class _Index:
    """The values that stand at some refs, by place, and by fingerprint or ciphertext."""

    def __init__(self, found: Gathered, files: dict[File, tuple[str, ...]]) -> None:
        self.at: defaultdict[tuple[str, str], list[SeenValue]] = defaultdict(list)
        self._refs: defaultdict[bytes, defaultdict[tuple[str, str], list[str]]]
        self._refs = defaultdict(lambda: defaultdict(list))
        for file, refs in files.items():
            for version in found.versions.get(file, ()):
                for seen in version.values:
                    self.at[version.path, seen.place].append(seen)
                    for key in {*seen.digests, seen.ciphertext} - {b""}:
                        self._refs[key][version.path, seen.place] += refs

    def equal(self, own: tuple[str, str], values: Iterable[SeenValue]) -> tuple[list[Home], list[Home]]:
        """Return where equal values stand: surely the same, and such that may be equal by coincidence."""
        sure: dict[tuple[str, str], list[str]] = {}
        perhaps: dict[tuple[str, str], list[str]] = {}
        for one in values:
            for key in {*one.digests, one.ciphertext} - {b""}:
                homes: Mapping[tuple[str, str], list[str]] = self._refs.get(key, {})
                is_common = key != one.ciphertext and (one.is_short or len(homes) > _MANY)
                for place, refs in homes.items():
                    group = perhaps if is_common and place != own else sure
                    group.setdefault(place, []).extend(refs)
        return _homes(sure), _homes(perhaps)


def _homes(found: Mapping[tuple[str, str], Iterable[str]]) -> list[Home]:
    homes: list[Home] = []
    for place, refs in sorted(found.items()):
        names = tuple(sorted(set(refs)))
        homes.append(Home(*place, () if HEAD in names else names))
    return homes


def work(
    setting: Setting, commit: str, recipients: Collection[MasterKey], known: Known, due: str, policy: Policy
) -> Work:
    """Return the values to change at their source, file by file; the owner is who changed the file last."""
    repository = setting.repository
    found = exposed(repository, setting.pool, commit, recipients, known=known, policy=policy)
    places = _places(found.values)
    owners = repository.history.last_authors(commit, places)
    tasks = [
        Task(f"change at their source, and then in {path}: {', '.join(dict.fromkeys(names))}", owners[path], due)
        for path, names in sorted(places.items())
    ]
    notes = [found.branches.remark] * bool(found.branches.remark)
    notes += [f"{one.path}: not in the list of values, for it {one.why}" for one in found.unread]
    if repository.is_shallow():
        notes.append("this clone is shallow: what its history lacks is missing from the list of values")
    return Work(tasks, notes)


def _places(found: Iterable[Exposed]) -> dict[str, list[str]]:
    """Return what has to change in each file."""
    places: defaultdict[str, list[str]] = defaultdict(list)
    for one in found:
        if one.state == "unknown":
            places[one.path].append(f"{one.place} (unknown)")
        elif one.state == "live":
            if not any((home.path, home.place) == (one.path, one.place) for home in one.elsewhere):
                places[one.path].append(one.place)
            for home in one.elsewhere:
                places[home.path].append(f"{home.place} (in {', '.join(home.refs)})" if home.refs else home.place)
    return places
