"""What an examination found: one finding per problem, under the name of a rule that stays the same between versions.

The rules are those of the room that examines, each one entry of its list; every error class is one too, by its `rule`.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from typing import Final, Literal, NamedTuple, TypeAlias

import secretsync.errors as errors
from secretsync.errors import ConflictMarkersError, MacMismatchError, SecretsyncError, shortened
from secretsync.letters import DIGITS, consists_of

Level: TypeAlias = Literal["error", "warning", "note"]
"""A `note` is a fact that is no problem: it is shown, and does not count."""

Needs: TypeAlias = Literal["nothing", "a key", "the key ring", "Flux's objects"]
"""What has to be at hand for a rule to be judged, beside the file."""

_LONGEST_NUMBER: Final = 18  # digits; no file has more lines


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One problem. `place` is what stands behind the file: `#2 data.password`, `line 3`; it may be empty.

    `subject` is the public key that it is about, where it is about one.
    """

    file: str
    place: str
    rule: str
    level: Level
    message: str
    hint: str | None = None
    subject: str = ""

    def about(self, subject: str) -> Finding:
        """Return this finding with the public key that it is about."""
        return replace(self, subject=shortened(subject))

    @property
    def line(self) -> int | None:
        """The line in the file, where the place names one."""
        words = self.place.split()
        for word, following in itertools.pairwise(words):
            digits = following[: len(following) - len(following.lstrip(DIGITS))]
            if word == "line" and consists_of(digits, DIGITS) and len(digits) <= _LONGEST_NUMBER:
                return int(digits)
        return None

    @property
    def location(self) -> str:
        """File and place in one, as messages show it."""
        return f"{self.file}{'' if self.place.startswith('#') else ' '}{self.place}".strip()


class Rule(NamedTuple):
    """One thing that is looked for. `id` is what machines know it by; `remedy` is for all findings of it; one may know a better."""

    id: str
    level: Level
    needs: Needs
    meaning: str
    remedy: str = ""

    def finding(
        self, file: str, place: str, message: str, hint: str | None = None, *, level: Level | None = None
    ) -> Finding:
        """Return a finding of this rule, of its own level unless another is given."""
        return Finding(file, place, self.id, level or self.level, message, hint)


class Unopened(NamedTuple):
    """A recipient, as messages show it, and how many files are encrypted for it that no key at hand opens."""

    recipient: str
    files: int


class FindingIdentity(NamedTuple):
    """What a finding is known by between versions of its file: never a line, never a value.

    `file` is relative to the repository's root, `path` leads to a field of `object`; `subject` is a public key. All but
    the first two may be empty.
    """

    rule: str
    file: str
    object: str
    path: str
    subject: str


class LocatedFinding(NamedTuple):
    """What a finding is known by, and the line where it is now (0: not known)."""

    identity: FindingIdentity
    line: int


class Suppressed(NamedTuple):
    """A finding that somebody has accepted: in the file itself, with a reason, or by a baseline."""

    finding: Finding
    by: Literal["inline", "baseline"]
    reason: str


@dataclass(slots=True)
class Report:
    """All findings of one run, in the order of the files, and how much was looked at.

    `suppressed` are those that do not count; `ignored` says how many files nobody looked at. `located` is filled where
    somebody needs it.
    """

    findings: list[Finding] = field(default_factory=list)
    files: int = 0
    encrypted: int = 0
    unopened: list[Unopened] = field(default_factory=list)
    suppressed: list[Suppressed] = field(default_factory=list)
    ignored: int = 0
    located: dict[Finding, LocatedFinding] = field(default_factory=dict)

    @property
    def problems(self) -> int:
        """How many findings count: all but notes."""
        return sum(finding.level != "note" for finding in self.findings)


def rules_of_errors() -> list[Rule]:
    """Return a rule for each error class: whatever keeps a file from being examined is a finding, too."""
    classes = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, SecretsyncError)]
    return [Rule(each.rule, "error", "nothing", (each.__doc__ or "").partition("\n")[0]) for each in classes]


def finding_of(error: SecretsyncError, file: str) -> Finding:
    """Return the finding that an error is, when what is examined is `file`."""
    if isinstance(error, (MacMismatchError, ConflictMarkersError)):
        error.naming(file)
    place = (error.location or "").removeprefix(file).strip()
    return Finding(file, place, error.rule, "error", error.message, error.hint)
