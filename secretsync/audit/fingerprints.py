"""What a finding is known by, as one word that machines compare from run to run."""

from __future__ import annotations

from collections import Counter
from hashlib import sha256

from secretsync.audit.outline import place_of
from secretsync.findings import Finding, FindingIdentity, LocatedFinding, Report

_LENGTH = 32  # hexadecimal digits


def located(report: Report, finding: Finding) -> LocatedFinding:
    """Return what a finding is known by, as well as that can be told."""
    place = place_of(finding.place)
    own = FindingIdentity(finding.rule, finding.file, "", place.path, finding.subject)
    return report.located.get(finding) or LocatedFinding(own, place.line)


def fingerprints(report: Report) -> list[str]:
    """Return one for each finding, the suppressed ones behind the others; what is alike in all else has a number."""
    times: Counter[FindingIdentity] = Counter()
    found = []
    for finding in [*report.findings, *(each.finding for each in report.suppressed)]:
        identity = located(report, finding).identity
        times[identity] += 1
        digest = sha256("\0".join(identity).encode("utf-8", "backslashreplace")).hexdigest()
        found.append(f"{digest[:_LENGTH]}:{times[identity]}")
    return found
