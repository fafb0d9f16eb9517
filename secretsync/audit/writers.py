"""A report as text for people and as JSON; SARIF and JUnit are in modules of their own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Final

from secretsync.audit.fingerprints import fingerprints, located
from secretsync.audit.junit import as_junit
from secretsync.audit.ruleset import every_rule
from secretsync.audit.sarif import as_sarif
from secretsync.errors import one_line
from secretsync.findings import Finding, Level, Report
from secretsync.letters import argument, noun_for

JSON_VERSION: Final = 1
"""Grows when a field changes its meaning or goes away; new fields do not count."""

_ORDER: Final[tuple[Level, ...]] = ("error", "warning", "note")


def as_text(report: Report) -> str:
    """Return one line per finding, grouped by rule, below each group its remedy, and a line that sums up."""
    lines: list[str] = []
    for remedy, findings in _groups(report.findings):
        lines += [one_line(f"{each.location}: {each.level}: {each.message} [{each.rule}]") for each in findings]
        if remedy:
            lines.append(f"    {one_line(remedy)}")
    lines += [
        one_line(f"not opened, for want of a key: {each.files} {noun_for(each.files, 'file')} for {each.recipient}")
        for each in report.unopened
    ]
    lines.append(_sum(report))
    return "\n".join(lines) + "\n"


def _groups(findings: list[Finding]) -> Iterator[tuple[str, list[Finding]]]:
    """Yield the findings that one remedy helps against, with it: the gravest first, then by rule."""
    remedies = {rule.id: rule.remedy.replace("`", "") for rule in every_rule()}
    groups: dict[tuple[int, str, str], list[Finding]] = {}
    for each in findings:
        remedy = (each.hint or remedies.get(each.rule, "")).replace(argument(each.file), "FILE")
        groups.setdefault((_ORDER.index(each.level), each.rule, remedy), []).append(each)
    for (_, _, remedy), some in sorted(groups.items(), key=lambda group: group[0][:2]):
        yield (some[0].hint or remedy) if len(some) == 1 else remedy, some


def _sum(report: Report) -> str:
    problems = f"{report.problems} {noun_for(report.problems, 'finding')}"
    text = f"{report.files} {noun_for(report.files, 'file')} checked, {report.encrypted} encrypted: {problems}"
    if report.suppressed:
        text += f", {len(report.suppressed)} suppressed"
    if report.ignored:
        text += f", {report.ignored} {noun_for(report.ignored, 'file')} ignored"
    return text


def as_json(report: Report) -> str:
    """Return the report as one JSON object with a `version`; its schema is `secretsync/schemas/findings.json`."""
    known = fingerprints(report)
    return _dumped(
        {
            "version": JSON_VERSION,
            "files": report.files,
            "encrypted": report.encrypted,
            "unopened": [each._asdict() for each in report.unopened],
            "ignored": report.ignored,
            "findings": [_plain(report, each, known[at]) for at, each in enumerate(report.findings)],
            "suppressed": [
                {
                    **_plain(report, each.finding, known[len(report.findings) + at]),
                    "suppressed_by": each.by,
                    "reason": each.reason,
                }
                for at, each in enumerate(report.suppressed)
            ],
        }
    )


def _plain(report: Report, finding: Finding, fingerprint: str) -> dict[str, object]:
    where = located(report, finding)
    return {
        "rule": finding.rule,
        "level": finding.level,
        "file": finding.file,
        "place": finding.place or None,
        "line": where.line or None,
        "object": where.identity.object or None,
        "path": where.identity.path or None,
        "message": finding.message,
        "hint": finding.hint,
        "fingerprint": fingerprint,
    }


WRITERS: Final[dict[str, Callable[[Report], str]]] = {
    "text": as_text,
    "json": as_json,
    "sarif": lambda report: _dumped(as_sarif(report)),
    "junit": as_junit,
}


def _dumped(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
