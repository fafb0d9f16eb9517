"""`verify`: whether a commit keeps what an operation promised, whatever way it came there. Nothing is ever written.

The plan comes from this clone, a plan file or evidence; from the judged commit comes nothing but what is judged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, Final, NamedTuple

from secretsync.errors import ConfigError, ProofError, RepositoryError
from secretsync.git import LogEntry, Repository, branches
from secretsync.keyring import KeyRing
from secretsync.keyring.model import normalised
from secretsync.processes import Pool
from secretsync.rotation import bringing_in, leaving, ring_judging, signatures, verification
from secretsync.rotation.bringing_in import NOTHING_ELSE, BroughtIn
from secretsync.rotation.file_judging import FILES, JudgedAs, JudgedFile
from secretsync.rotation.file_worker import Proof
from secretsync.rotation.model import FilePlan, PlannedKey
from secretsync.rotation.promises import Promise
from secretsync.rotation.ring_judging import RULES, RingJudgement
from secretsync.rotation.signatures import Signers
from secretsync.rotation.survey import Progress, unshown
from secretsync.rotation.verification import Check

TITLES: Final[dict[str, str]] = {
    FILES: "every planned file is what the operation wrote, or keeps what it promised",
    **ring_judging.TITLES,
    NOTHING_ELSE: bringing_in.TITLE,
}
_SHOWN: Final = 20  # failures listed of one check


class Judgement(NamedTuple):
    """What a commit comes to: which commits brought the operation in, and each check. `good`: none failed or is open.

    Checks for which a key has to be here may be unknown, and say so; so may V8, where nothing is left but what the
    policy ignores (`by_policy`). `hint` says how to come further.
    """

    promise: Promise
    commit: str
    commits: list[LogEntry]
    checks: list[Check]
    by_policy: bool = False
    hint: str = ""

    @property
    def failures(self) -> list[str]:
        """What keeps the commit from being good, check by check."""
        return [
            f"{check.id}: {(check.failures or check.notes or ['unknown'])[0]}"
            for check in self.checks
            if check.status == "failed" or (check.status == "unknown" and check.id in self._needed)
        ]

    @property
    def _needed(self) -> tuple[str, ...]:
        return tuple(TITLES) if self.by_policy else (*TITLES, "V8")

    def require_good(self) -> None:
        """Raise a ProofError where the commit is not good."""
        failures = self.failures
        if failures:
            more = f" (and {len(failures) - 1} more checks)" if len(failures) > 1 else ""
            raise ProofError(f"{failures[0]}{more}", location=f"commit {self.commit[:12]}", hint=self.hint or None)

    def values(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "version": 1,
            "operation": self.promise.name,
            "scenario": self.promise.plan.scenario,
            "plan": self.promise.plan.digest,
            "commit": self.commit,
            "brought_in": [{"commit": one.commit, "author": one.author} for one in self.commits],
            "good": not self.failures,
            "checks": [asdict(check) for check in self.checks],
        }


def judged_commit(repository: Repository, promise: Promise, at: str) -> tuple[str, str | None]:
    """Return the commit to judge: `at`, or the tip of the operation's branch, or HEAD; and what that branch stands on.

    The second is None for a commit that is no branch of the operation, or one that HEAD has already.
    Raises: RepositoryError.
    """
    tips = list(branches.tips(repository, promise.branch).values())
    commit = repository.resolve(at or next(iter(tips), "HEAD"))
    if commit not in tips:
        return commit, None
    head, on = repository.head()
    if not head or on == f"refs/heads/{promise.branch}" or (head == commit and not on):
        return commit, ""
    return commit, None if repository.is_ancestor(commit, head) else head


def _require_base(repository: Repository, promise: Promise) -> None:
    """Make sure that what the plan starts from is here. Raises: RepositoryError."""
    try:
        repository.resolve(promise.plan.base)
    except RepositoryError:
        hint = "git fetch --unshallow" if repository.is_shallow() else "fetch the branch that it is on"
        message = f"commit {promise.plan.base[:12]}, which the plan starts from, is not here"
        raise RepositoryError(message, location=repository.root, hint=hint) from None


class Judge:
    """Judges commits of one repository with the keys of the pool's worker, which is a `JudgingWork`."""

    def __init__(self, repository: Repository, pool: Pool, now: datetime, progress: Progress = unshown) -> None:
        self._repository = repository
        self._pool = pool
        self._now = now
        self._progress = progress

    def judge(
        self, promise: Promise, commit: str, *, standing: str | None = None, signers: Signers | None = None
    ) -> Judgement:
        """Return what a commit comes to; `standing` as in `bringing_in.brought_in`.

        `signers` may sign evidence, and else those whom the key ring names.

        Raises:
            RepositoryError: the base of the plan is not in this clone.
        """
        repository = self._repository
        _require_base(repository, promise)
        blobs = repository.blobs(commit)
        ring = ring_judging.judge_ring(repository, promise, commit, self._now)
        files = _Files(promise, self._pool, repository, self._now)
        found = None
        if not bringing_in.cut_off(repository, promise, commit):
            found = bringing_in.brought_in(repository, promise, commit, kept=files.kept, standing=standing)
        left = leaving.waiting(promise, blobs)
        present = [path for path in promise.files if path in blobs and path not in left]
        judged = files.judged(present, blobs, ring.ring, self._progress)
        untold = [
            path for path, one in zip(present, judged, strict=True) if not (one.compared or files.knows(path, blobs))
        ]
        checks = [
            *self._signature(promise, signers),
            leaving.told(_file_check(judged, *_missing(promise, blobs)), promise, left, untold),
            *_ring_checks(promise, ring, self._edited(promise, found)),
            _arrival(found),
            *verification.merged(
                [
                    *_proofs([promise.files[path] for path in present], judged),
                    verification.removed_are_gone(repository, leaving.planned(promise, left), commit),
                ]
            ),
        ]
        commits = [] if found is None else found.commits
        by_policy = not left and leaving.is_by_policy(repository, promise)
        return Judgement(promise, commit, commits, checks, by_policy, leaving.hint(promise, left, untold))

    def _signature(self, promise: Promise, known: Signers | None) -> list[Check]:
        if promise.evidence is None:
            return []
        return [signatures.check(promise.evidence, known or ring_judging.signers(self._repository, promise))]

    def _edited(self, promise: Promise, found: BroughtIn | None) -> list[str]:
        if found is None or not found.after:
            return []
        return ring_judging.edited_otherwise(self._repository, promise, found.before or promise.plan.base, found.after)


class _Files:
    """The planned files of one promise, judged one by one; a blob that was judged is not judged again."""

    def __init__(self, promise: Promise, pool: Pool, repository: Repository, now: datetime) -> None:
        self._promise = promise
        self._pool = pool
        self._repository = repository
        self._now = now
        self._kept: dict[tuple[str, str], bool] = {}

    def kept(self, path: str, blob: str) -> bool:
        """Whether a blob is what the plan makes of a file, as far as can be told here."""
        if (path, blob) not in self._kept:
            task = JudgedFile(self._proof(path, blob), whole=True, earlier=frozenset({self._promise.files[path].blob}))
            (found,) = self._pool.map("judge", [task])
            self._kept[path, blob] = not any(verdict.failures for verdict in found.verdicts)
        return self._kept[path, blob]

    def knows(self, path: str, blobs: Mapping[str, str]) -> bool:
        """Whether a commit holds the very blob that the operation is known to have written."""
        return blobs[path] == self._promise.last(path)

    def judged(
        self, present: list[str], blobs: Mapping[str, str], ring: KeyRing | None, progress: Progress
    ) -> list[JudgedAs]:
        """Judge some planned files of a commit."""
        promise = self._promise
        changed = [path for path in present if not self.knows(path, blobs)]
        earlier = self._repository.history.versions(promise.plan.base, changed)
        tasks = []
        for path in present:
            proof = self._proof(path, blobs[path])
            if path in earlier:
                names = {**promise.plan.keys, **_keys(ring)}
                others = tuple(_by_ring(promise.files[path], ring, self._now)) if ring else ()
                whole = self._kept.get((path, blobs[path]), False)
                tasks.append(JudgedFile(proof._replace(names=names), whole, frozenset(earlier[path]), others))
            else:
                tasks.append(JudgedFile(proof, whole=True))
        found = []
        for number, one in enumerate(self._pool.map("judge", tasks), 1):
            found.append(one)
            progress(number, len(tasks))
        return found

    def _proof(self, path: str, blob: str) -> Proof:
        plan = self._promise.plan
        return Proof(self._promise.files[path], plan.keys, "", blob, plan.moment, plan.certificate)


def _keys(ring: KeyRing | None) -> dict[str, PlannedKey]:
    found = ring.public_keys() if ring else ()
    return {key.id: PlannedKey(*normalised(key.master_key), owner.name) for owner, key in found}


def _by_ring(file: FilePlan, ring: KeyRing, now: datetime) -> Iterator[FilePlan]:
    """Yield the plan for a file whose readers are those of another ring."""
    rule = ring.rule_for(file.path)
    try:
        groups = ring.readers(rule, today=now.date()) if rule else []
    except ConfigError:
        return
    if rule and groups:
        threshold = (rule.threshold or len(groups)) if len(groups) > 1 else 0
        yield replace(file, after=[[reader.key_id for reader in group] for group in groups], threshold=threshold)


def _missing(promise: Promise, blobs: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Return the planned files that are not there, and of those that lie elsewhere as they were written, where."""
    places = {blob: path for path, blob in blobs.items()}
    gone = [path for path in promise.files if path not in blobs]
    moved = {path: places[promise.last(path)] for path in gone if promise.last(path) in places}
    return (
        [f"{path}: is not there" for path in gone if path not in moved],
        [f"{path}: lies at {place} now" for path, place in moved.items()],
    )


def _file_check(judged: list[JudgedAs], gone: list[str], moved: list[str]) -> Check:
    verdicts = [verdict for one in judged for verdict in one.verdicts if verdict.check == FILES]
    failures = [*gone, *(text for one in verdicts for text in one.failures)]
    return _check(FILES, len(verdicts) + len(gone) + len(moved), failures, moved)


def _ring_checks(promise: Promise, ring: RingJudgement, edited: list[str]) -> Iterator[Check]:
    yield _check(ring_judging.RING, len(promise.edits), [*ring.failures, *edited])
    yield _check(RULES, 1 if ring.ring and ring.ring.policy.rules else 0, ring.generated)


def _arrival(found: BroughtIn | None) -> Check:
    if found is None:
        note = (
            "this clone is shallow, and what came between the plan and this commit is not here: git fetch --unshallow"
        )
        return Check(NOTHING_ELSE, TITLES[NOTHING_ELSE], "unknown", 0, notes=[note])
    return _check(NOTHING_ELSE, len(found.commits), found.failures, found.notes)


def _proofs(files: list[FilePlan], judged: list[JudgedAs]) -> list[Check]:
    """Return the checks of the matrix, with what could not be opened said."""
    rows = verification.judged(files, [[one for one in each.verdicts if one.check != FILES] for each in judged])
    closed = sum(one.closed for one in judged)
    if not closed:
        return rows
    note = f"no key here opens {closed} of {len(judged)} files"
    return [
        replace(row, status="failed" if row.failures else "unknown", notes=[note]) if row.id == "V1" else row
        for row in rows
    ]


def _check(name: str, checked: int, failures: list[str], notes: list[str] | None = None) -> Check:
    status: verification.Status = "failed" if failures else "passed" if checked else "not applicable"
    return Check(name, TITLES[name], status, checked, failures[:_SHOWN], notes or [])
