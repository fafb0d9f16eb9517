"""The verification matrix: what every file's verdicts come to, check by check, with what could not be checked said.

A check that looked at nothing is `not applicable` and says why; it never counts as passed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from secretsync.git import Repository
from secretsync.keyring.editing import SOPS_YAML
from secretsync.keyring.sources import FOLDER
from secretsync.rotation.model import Plan
from secretsync.rotation.proving import Verdict

Status: TypeAlias = Literal["passed", "failed", "not applicable"]

TITLES: Final[dict[str, str]] = {
    "V1": "what was written parses, decrypts, and its MAC holds",
    "V2": "recipients, groups and threshold are exactly the policy's",
    "V3": "each identity that is here opens its files by itself",
    "V4": "every value is what it was",
    "V5": "the old data key opens no value and no MAC",
    "V6": "no ciphertext of the parent is left",
    "V7": "a removed identity opens no envelope",
    "V8": "retired recipients are gone from every branch and tag",
    "V9": "nothing but ciphertext changed: decrypted files are byte-identical",
    "V10": "every item that was sealed anew opens with the new sealing key alone",
    "V11": "envelopes are for the keys they name, where that can be seen",
}
WHY_NOT: Final[dict[str, str]] = {
    "V3": "no identity of a recipient lies here ready to use",
    "V4": "no key here opens the files as they were",
    "V5": "no file got a new data key, or no key here opens the files as they were",
    "V6": "no file got a new data key",
    "V7": "no removed identity is at hand; give one with --held to prove it",
    "V8": "nobody was removed",
    "V9": "no key here opens the files as they were",
    "V10": "no SealedSecret was changed, or the new private key is not here",
    "V11": "all envelopes are of kinds that only their holder can tell",
}
_SHOWN: Final = 20  # failures listed of one check


@dataclass(frozen=True, slots=True)
class Check:
    """One row of the matrix. `checked` counts what was looked at, `seconds` the CPU time of looking."""

    id: str
    title: str
    status: Status
    checked: int
    failures: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0


def judged(files: Iterable[list[Verdict]]) -> list[Check]:
    """Return the checks that the verdicts on the files of a phase come to."""
    rows: dict[str, list[Verdict]] = {name: [] for name in TITLES if name != "V8"}
    for verdicts in files:
        for verdict in verdicts:
            rows[verdict.check].append(verdict)
    return [_check(name, verdicts) for name, verdicts in rows.items()]


def merged(checks: Iterable[Check]) -> list[Check]:
    """Return one row for each check from those of several phases, in the order of the matrix."""
    rows: dict[str, list[Check]] = {name: [] for name in TITLES}
    for check in checks:
        rows[check.id].append(check)
    return [_merged(name, found) for name, found in rows.items() if found]


def retired_are_gone(repository: Repository, plan: Plan, tip: str) -> Check:
    """V8: whoever lost access is named by no encrypted file of the new commit; other refs that do are noted.

    A branch that still carries such files brings the recipient back when it is merged.
    """
    removed = {name: key for name, key in plan.removed_keys().items() if _left_everything(plan, name)}
    if not removed:
        return Check("V8", TITLES["V8"], "not applicable", 0, notes=[WHY_NOT["V8"]])
    commits: dict[str, list[str]] = {tip: []}
    for ref, commit in repository.refs().items():
        commits.setdefault(commit, []).append(ref)
    failures, notes = [], []
    for name, key in removed.items():
        carried = repository.files_of(list(commits), key.recipient.encode(), but_not=(FOLDER, SOPS_YAML))
        failures += [f"{path}: still names {name}" for path in carried.pop(tip, [])]
        notes += [
            f"{', '.join(commits[commit])} still carries {len(paths)} files that {name} opens, until this is merged there"
            for commit, paths in carried.items()
        ]
    status: Status = "failed" if failures else "passed"
    return Check("V8", TITLES["V8"], status, len(commits), failures[:_SHOWN], notes)


def _left_everything(plan: Plan, name: str) -> bool:
    return not any(name in group for file in plan.files for group in file.after)


def _check(name: str, verdicts: list[Verdict]) -> Check:
    checked = sum(verdict.checked for verdict in verdicts)
    failures = [failure for verdict in verdicts for failure in verdict.failures]
    seconds = sum(verdict.seconds for verdict in verdicts)
    return _row(name, checked, failures, [], seconds)


def _merged(name: str, checks: list[Check]) -> Check:
    if len(checks) == 1:
        return checks[0]
    failures = [failure for check in checks for failure in check.failures]
    notes = [note for check in checks if check.checked for note in check.notes]
    return _row(name, sum(check.checked for check in checks), failures, notes, sum(check.seconds for check in checks))


def _row(name: str, checked: int, failures: list[str], notes: list[str], seconds: float) -> Check:
    status: Status = "failed" if failures else "passed" if checked else "not applicable"
    if status == "not applicable":
        notes = [WHY_NOT.get(name, "no SOPS file was changed")]
    return Check(name, TITLES[name], status, checked, failures[:_SHOWN], notes, round(seconds, 4))
