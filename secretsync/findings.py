"""What an examination found: one finding per problem, under the name of a rule that stays the same between versions.

The rules are those of the room that examines; every error class is one too, under its title: `mac-mismatch`, `no-key`, …
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from secretsync.errors import SecretsyncError
from secretsync.letters import DIGITS, consists_of

Level: TypeAlias = Literal["error", "warning", "note"]
"""A `note` is a fact that is no problem: it is shown, and does not count."""

_LONGEST_NUMBER: Final = 18  # digits; no file has more lines


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One problem. `place` is what stands behind the file: `#2 data.password`, `line 3`; it may be empty."""

    file: str
    place: str
    rule: str
    level: Level
    message: str
    hint: str | None = None

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


@dataclass(slots=True)
class Report:
    """All findings of one run, in the order of the files, and how much was looked at."""

    findings: list[Finding] = field(default_factory=list)
    files: int = 0
    encrypted: int = 0

    @property
    def problems(self) -> int:
        """How many findings count: all but notes."""
        return sum(finding.level != "note" for finding in self.findings)


def rule_of(error: SecretsyncError | type[SecretsyncError]) -> str:
    """Return the rule's name for an error or its class: the class's title with hyphens."""
    return error.title.lower().replace(" ", "-")


def finding_of(error: SecretsyncError, file: str) -> Finding:
    """Return the finding that an error is, when what is examined is `file`."""
    place = (error.location or "").removeprefix(file).strip()
    return Finding(file, place, rule_of(error), "error", error.message, error.hint)
