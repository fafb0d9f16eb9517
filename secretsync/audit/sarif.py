"""A report as a SARIF log, which code hosts show next to the line. Source: OASIS SARIF 2.1.0, sections 3.13 to 3.35."""

from __future__ import annotations

import os
from typing import Final
from urllib.parse import quote

from secretsync import __version__
from secretsync.audit.fingerprints import fingerprints, located
from secretsync.audit.ruleset import every_rule
from secretsync.findings import Finding, Report, Rule, Suppressed

_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_FINGERPRINT: Final = "secretsyncIdentity/v1"
_KINDS: Final = {"inline": "inSource", "baseline": "external"}


def as_sarif(report: Report) -> dict[str, object]:
    """Return the log, with one run; what is suppressed is in it, and says so."""
    findings = [*report.findings, *(each.finding for each in report.suppressed)]
    accepted: list[Suppressed | None] = [*(None for _ in report.findings), *report.suppressed]
    rules = sorted({finding.rule for finding in findings})
    known = fingerprints(report)
    results = [
        _result(report, finding, rules.index(finding.rule)) | _acceptance(known[at], accepted[at])
        for at, finding in enumerate(findings)
    ]
    meanings = {rule.id: rule for rule in every_rule()}
    driver = {"name": "secretsync", "version": __version__, "rules": [_described(meanings[rule]) for rule in rules]}
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}


def _described(rule: Rule) -> dict[str, object]:
    found: dict[str, object] = {
        "id": rule.id,
        "shortDescription": {"text": rule.meaning},
        "defaultConfiguration": {"level": rule.level},
    }
    return {**found, "help": {"text": rule.remedy}} if rule.remedy else found


def _result(report: Report, finding: Finding, rule_index: int) -> dict[str, object]:
    text = f"{finding.place}: {finding.message}" if finding.place else finding.message
    physical: dict[str, object] = {"artifactLocation": {"uri": quote(os.fsencode(finding.file))}}
    physical["region"] = {"startLine": located(report, finding).line or 1}
    return {
        "ruleId": finding.rule,
        "ruleIndex": rule_index,
        "level": finding.level,
        "message": {"text": f"{text}. {finding.hint}" if finding.hint else text},
        "locations": [{"physicalLocation": physical}],
    }


def _acceptance(fingerprint: str, accepted: Suppressed | None) -> dict[str, object]:
    suppression = (
        [{"kind": _KINDS[accepted.by], "status": "accepted", "justification": accepted.reason}] if accepted else []
    )
    return {"partialFingerprints": {_FINGERPRINT: fingerprint}, "suppressions": suppression}
