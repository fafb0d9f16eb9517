"""A report as text for people, as JSON and as SARIF 2.1.0, which code hosts show next to the line."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Final
from urllib.parse import quote

from secretsync import __version__
from secretsync.audit.ruleset import every_rule
from secretsync.errors import one_line
from secretsync.findings import Finding, Report

JSON_VERSION: Final = 1
"""Grows when a field changes its meaning or goes away; new fields do not count."""

_SARIF_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"


def as_text(report: Report) -> str:
    """Return one line per finding, its hint below it, and a line that sums up."""
    lines = []
    for finding in report.findings:
        lines.append(one_line(f"{finding.location}: {finding.level}: {finding.message} [{finding.rule}]"))
        if finding.hint:
            lines.append(f"    {one_line(finding.hint)}")
    lines += [
        one_line(f"not opened, for want of a key: {_count(each.files, 'file')} for {each.recipient}")
        for each in report.unopened
    ]
    lines.append(
        f"{_count(report.files, 'file')} checked, {report.encrypted} encrypted: {_count(report.problems, 'finding')}"
    )
    return "\n".join(lines) + "\n"


def as_json(report: Report) -> str:
    """Return the report as one JSON object with a `version`."""
    return _dumped(
        {
            "version": JSON_VERSION,
            "files": report.files,
            "encrypted": report.encrypted,
            "unopened": [each._asdict() for each in report.unopened],
            "findings": [
                {
                    "rule": finding.rule,
                    "level": finding.level,
                    "file": finding.file,
                    "place": finding.place or None,
                    "line": finding.line,
                    "message": finding.message,
                    "hint": finding.hint,
                }
                for finding in report.findings
            ],
        }
    )


def as_sarif(report: Report) -> str:
    """Return the report as a SARIF log with one run. Source: OASIS SARIF 2.1.0, sections 3.13 to 3.30."""
    summaries = {rule.id: rule.meaning for rule in every_rule()}
    rules = sorted({finding.rule for finding in report.findings})
    return _dumped(
        {
            "$schema": _SARIF_SCHEMA,
            "version": "2.1.0",
            "runs": [
                {
                    "tool": {
                        "driver": {
                            "name": "secretsync",
                            "version": __version__,
                            "rules": [{"id": rule, "shortDescription": {"text": summaries[rule]}} for rule in rules],
                        }
                    },
                    "results": [_result(finding, rules.index(finding.rule)) for finding in report.findings],
                }
            ],
        }
    )


WRITERS: Final[dict[str, Callable[[Report], str]]] = {"text": as_text, "json": as_json, "sarif": as_sarif}


def _result(finding: Finding, rule_index: int) -> dict[str, object]:
    text = f"{finding.place}: {finding.message}" if finding.place else finding.message
    physical: dict[str, object] = {"artifactLocation": {"uri": quote(os.fsencode(finding.file))}}
    physical["region"] = {"startLine": finding.line or 1}
    return {
        "ruleId": finding.rule,
        "ruleIndex": rule_index,
        "level": finding.level,
        "message": {"text": f"{text}. {finding.hint}" if finding.hint else text},
        "locations": [{"physicalLocation": physical}],
    }


def _dumped(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
