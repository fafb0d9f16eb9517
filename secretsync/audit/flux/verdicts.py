"""What is said of a repository: verdicts, one finding for a file, the gravest that any Kustomization gives it."""

from __future__ import annotations

import os
from typing import Final, NamedTuple

from secretsync.audit.ruleset import FLUX_DECRYPTS, FLUX_FAILS, FLUX_MISSED, FLUX_NOT_JUDGED
from secretsync.findings import Finding, Level, Rule

_GRAVITY: Final[dict[Level, int]] = {"error": 0, "warning": 1, "note": 2}
_RULES: Final = (FLUX_FAILS, FLUX_MISSED, FLUX_NOT_JUDGED, FLUX_DECRYPTS)
"""Among findings of one level, which is told: what keeps all from being applied before what only concerns one value."""


class FluxVerdict(NamedTuple):
    """What becomes of something: `place` is behind its file, and the message may say by which Kustomization."""

    rule: Rule
    place: str
    message: str
    hint: str | None = None
    level: Level | None = None

    @property
    def gravity(self) -> tuple[int, int]:
        """How grave it is: the lowest comes first."""
        order = _RULES.index(self.rule) if self.rule in _RULES else len(_RULES)
        return _GRAVITY[self.level or self.rule.level], order


class Verdicts:
    """All verdicts of one run, by what they are about: a file, or one Kustomization in it."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], dict[FluxVerdict, set[str]]] = {}

    def add(self, file: str, verdict: FluxVerdict, by: str, about: str = "") -> None:
        """Note a verdict that the Kustomization `by` gives a file, or what is `about` in it."""
        self._found.setdefault((file, about), {}).setdefault(verdict, set()).add(by)

    def holds(self, file: str) -> bool:
        """Whether there is a verdict about a file."""
        return (file, "") in self._found

    def findings(self) -> list[Finding]:
        """Return one finding for each file and each Kustomization, in the order in which they were met."""
        return [_finding(file, found) for (file, _), found in self._found.items()]


def _finding(file: str, found: dict[FluxVerdict, set[str]]) -> Finding:
    verdict = min(found, key=lambda each: each.gravity)
    by = set().union(*(names for each, names in found.items() if each.rule is verdict.rule))
    others = len(by) - 1
    more = f" (and so do {others} more Kustomizations)" if others > 1 else " (and so does one more)" if others else ""
    return verdict.rule.finding(file, verdict.place, f"{verdict.message}{more}", verdict.hint, level=verdict.level)


def below(root: str, finding: Finding) -> Finding:
    """Return a finding with its file seen from where the check was started."""
    if root == ".":
        return finding
    path = os.path.normpath(os.path.join(root, finding.file)) if finding.file != root else root
    return Finding(path, finding.place, finding.rule, finding.level, finding.message, finding.hint)
