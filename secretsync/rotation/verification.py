"""The verification matrix: what every file's verdicts come to, check by check, with what could not be checked said.

A check that had nothing to look at is `not applicable`, one that could look at nothing of what is there is `unknown`.
Both say why, and neither counts as passed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from secretsync.git import Repository
from secretsync.keyring import Changed, load_from
from secretsync.letters import noun_for
from secretsync.rotation.former_readers import still_rule
from secretsync.rotation.model import DATA_KEY, FilePlan, Plan, PlannedKey
from secretsync.rotation.named_files import naming
from secretsync.rotation.planning import snapshot
from secretsync.rotation.proving import Verdict

Status: TypeAlias = Literal["passed", "failed", "unknown", "not applicable"]

TITLES: Final[dict[str, str]] = {
    "V1": "what was written parses, decrypts, and its MAC holds",
    "V2": "recipients, groups and threshold are exactly the policy's",
    "V3": "each identity that is here opens its files by itself",
    "V4": "every value is what it was",
    "V5": "the old data key opens no value and no MAC",
    "V6": "no ciphertext of the parent is left",
    "V7": "a removed identity opens no envelope",
    "V8": "no encrypted file on the branch names a recipient that was removed",
    "V9": "nothing but ciphertext changed: decrypted files are byte-identical",
    "V10": "every item that was sealed anew opens with the new sealing key alone",
    "V11": "envelopes are for the keys they name, where that can be seen",
}
_NOTHING: Final[dict[str, str]] = {
    "V1": "no file was changed",
    "V4": "no file was changed",
    "V5": "no file got a new data key",
    "V6": "no file got a new data key",
    "V7": "nobody lost a file",
    "V8": "nobody was removed",
    "V9": "no file was changed",
    "V10": "no SealedSecret was changed",
}
_NO_SOPS_FILE: Final = "no SOPS file was changed"
_UNSEEN: Final[dict[str, str]] = {
    "V1": "no key here opens them",
    "V2": "no key here opens them",
    "V3": "no identity of a recipient lies here ready to use",
    "V4": "no key here opens them both as they were and as they are",
    "V5": "no key here opens them as they were",
    "V6": "they held no ciphertext",
    "V7": "no removed identity is at hand; give one with --held to prove it",
    "V9": "no key here opens them both as they were and as they are",
    "V10": "the new private key is not here",
    "V11": "all envelopes are of kinds that only their holder can tell",
}
_SHOWN: Final = 20  # failures listed of one check


@dataclass(frozen=True, slots=True)
class Check:
    """One row of the matrix. `checked` counts what was looked at, `seconds` how long looking took, in all processes."""

    id: str
    title: str
    status: Status
    checked: int
    failures: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0


def judged(files: Sequence[FilePlan], verdicts: Iterable[list[Verdict]]) -> list[Check]:
    """Return the checks that the verdicts on the files of a phase come to, file by file in the same order."""
    found = [{verdict.check: verdict for verdict in some} for some in verdicts]
    rows = [(file, some) for file, some in zip(files, found, strict=True)]
    return [
        _check(name, [some.get(name, Verdict(name, 0, [])) for file, some in rows if _APPLIES[name](file)])
        for name in TITLES
        if name in _APPLIES
    ]


def merged(checks: Iterable[Check]) -> list[Check]:
    """Return one row for each check from those of several phases, in the order of the matrix."""
    rows: dict[str, list[Check]] = {name: [] for name in TITLES}
    for check in checks:
        rows[check.id].append(check)
    return [_merged(name, found) for name, found in rows.items() if found]


def failed(checks: Iterable[Check]) -> list[Check]:
    """Return the checks that failed."""
    return [check for check in checks if check.status == "failed"]


def removed_are_gone(repository: Repository, plan: Plan, tip: str) -> Check:
    """V8: whoever lost access is named by no encrypted file of the new commit; other refs that do are noted.

    A branch that still carries such files brings the recipient back when it is merged. Files that the plan leaves out or
    that wait are no surprise: as long as there are any, nobody can tell that all are gone.
    """
    removed = _gone(repository, plan)
    if not removed:
        return Check("V8", TITLES["V8"], "not applicable", 0, notes=[_NOTHING["V8"]])
    commits: dict[str, list[str]] = {tip: []}
    for ref, commit in repository.refs().items():
        commits.setdefault(commit, []).append(ref)
    expected = {one.path: one.why for one in plan.left_out if one.is_open}
    expected |= {one.path: f"waits for {one.for_whom}" for one in plan.waiting}
    open_still: list[str] = []
    failures, notes = [], []
    for name, carried in naming(repository, list(commits), removed):
        here = carried.get(tip, ())
        open_still += [path for path in here if path in expected]
        failures += [f"{path}: still names {name}" for path in here if path not in expected]
        notes += [f"{path}: still names {name}, and {expected[path]}" for path in here if path in expected]
        notes += [
            f"{', '.join(commits[commit])} still carries {len(paths)} {noun_for(len(paths), 'file')} that {name} opens, until this is merged there"
            for commit, paths in carried.items()
            if commit != tip
        ]
    behind = _behind(repository, plan, tip)
    open_still += behind
    notes += behind.values()
    status: Status = "failed" if failures else "unknown" if open_still else "passed"
    return Check("V8", TITLES["V8"], status, len(commits), failures[:_SHOWN], notes)


def _behind(repository: Repository, plan: Plan, tip: str) -> dict[str, str]:
    """Return what names no removed key, waits or was left, and has the data key still that one had an envelope of."""
    whom = {one.path: one.for_whom for one in plan.waiting}
    why = {one.path: one.why for one in plan.left_out if one.kind == DATA_KEY}
    why |= {
        file.path: f"{file.why}, and waits for {whom[file.path]}"
        for file in plan.files
        if file.operation == "rotate" and file.path in whom and file.why and not file.removed
    }
    return {path: f"{path}: {why[path]}" for path in still_rule(repository, plan.base, tip, why)}


def _gone(repository: Repository, plan: Plan) -> dict[str, PlannedKey]:
    """Return the keys that lose a file and that the ring does not know any more; who stays in it has other files yet."""
    edits = {path: text for phase in plan.phases for path, text in phase.edits.items()}
    changes = {path: None if text is None else text.encode() for path, text in edits.items()}
    ring = load_from(Changed(snapshot(repository, plan.base), changes))
    return {name: key for name, key in plan.removed_keys().items() if ring.find(key.master_key) is None}


def _is_sops(file: FilePlan) -> bool:
    return file.operation != "re-seal"


def _any(_: FilePlan) -> bool:
    return True


def _has_new_key(file: FilePlan) -> bool:
    return file.operation == "rotate"


_APPLIES: Final[dict[str, Callable[[FilePlan], bool]]] = {
    **dict.fromkeys(("V1", "V4", "V9"), _any),
    **dict.fromkeys(("V2", "V3", "V11"), _is_sops),
    **dict.fromkeys(("V5", "V6"), _has_new_key),
    "V7": lambda file: _is_sops(file) and bool(file.removed),
    "V10": lambda file: not _is_sops(file),
}
"""Which files a check has something to look at in."""


def _check(name: str, verdicts: list[Verdict]) -> Check:
    checked = sum(verdict.checked for verdict in verdicts)
    failures = [failure for verdict in verdicts for failure in verdict.failures]
    seconds = sum(verdict.seconds for verdict in verdicts)
    unseen = sum(not verdict.checked for verdict in verdicts)
    notes = [f"{_counted(unseen)} not looked at: {_UNSEEN[name]}"] if unseen else []
    status: Status = "passed" if checked else "unknown" if verdicts else "not applicable"
    if not verdicts:
        notes = [_NOTHING.get(name, _NO_SOPS_FILE)]
    return _row(name, "failed" if failures else status, checked, failures, notes, seconds)


def _counted(files: int) -> str:
    return f"{files} {noun_for(files, 'file')} {'was' if files == 1 else 'were'}"


_WEIGHT: Final[tuple[Status, ...]] = ("failed", "passed", "unknown", "not applicable")


def _merged(name: str, checks: list[Check]) -> Check:
    status = min((check.status for check in checks), key=_WEIGHT.index)
    said = [check for check in checks if check.status != "not applicable"] or checks[:1]
    failures = [failure for check in checks for failure in check.failures]
    notes = list(dict.fromkeys(note for check in said for note in check.notes))
    return _row(
        *(name, status, sum(check.checked for check in checks), failures, notes),
        sum(check.seconds for check in checks),
    )


def _row(name: str, status: Status, checked: int, failures: list[str], notes: list[str], seconds: float) -> Check:
    return Check(name, TITLES[name], status, checked, failures[:_SHOWN], notes, round(seconds, 4))
