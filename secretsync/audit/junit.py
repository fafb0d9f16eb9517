"""A report as JUnit's XML, which most servers of CI show as tests: a finding fails, a suppressed one is skipped.

There is no standard; these are the elements and attributes that Jenkins and GitLab read.
"""

from __future__ import annotations

from html import escape

from secretsync.errors import one_line
from secretsync.findings import Finding, Report


def as_junit(report: Report) -> str:
    """Return one suite with a case for each finding, and one that stands for all files where there is none."""
    cases = [_case(each, _failure(each)) for each in report.findings]
    cases += [_case(each.finding, f"<skipped{_attributes(message=each.reason)}/>") for each in report.suppressed]
    cases = cases or [f"    <testcase{_attributes(classname='secretsync', name='every file')}/>"]
    counts = {"tests": len(cases), "failures": report.problems, "errors": 0, "skipped": len(report.suppressed)}
    numbers = _attributes(**{name: str(number) for name, number in counts.items()})
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f"<testsuites{numbers}>",
            f"  <testsuite{_attributes(name='secretsync')}{numbers}>",
            *cases,
            "  </testsuite>",
            "</testsuites>",
            "",
        ]
    )


def _case(finding: Finding, inside: str) -> str:
    attributes = _attributes(classname=finding.rule, name=finding.location, file=finding.file)
    return f"    <testcase{attributes}>{inside}</testcase>"


def _failure(finding: Finding) -> str:
    text = escape(one_line(finding.hint or ""), quote=False)
    if finding.level == "note":
        return f"<system-out>{escape(one_line(finding.message), quote=False)}</system-out>"
    return f"<failure{_attributes(type=finding.level, message=finding.message)}>{text}</failure>"


def _attributes(**given: str) -> str:
    # What is left of a name that is no text becomes an escape: XML has no way to say a control character.
    return "".join(f' {name}="{escape(one_line(text))}"' for name, text in given.items())
