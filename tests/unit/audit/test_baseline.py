"""A baseline is read as it was written, strictly, and holds neither lines nor values."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

import secretsync
from secretsync.audit import baseline
from secretsync.errors import ConfigError
from secretsync.findings import FindingIdentity

SCHEMA = json.loads((Path(secretsync.__file__).parent / "schemas" / "baseline.json").read_text())
FINDINGS = [
    FindingIdentity("plaintext-secret", "a.yaml", "Secret shop/a", "stringData", ""),
    FindingIdentity("plaintext-secret", "a.yaml", "Secret shop/a", "stringData", ""),
    FindingIdentity("extra-recipient", 'odd "é" \\xff\n.yaml', "", "", "age1x"),
]


@pytest.mark.parametrize("findings", [FINDINGS, FINDINGS[:1], []])
def test_a_baseline_is_read_as_it_was_written(findings: list[FindingIdentity]) -> None:
    data = baseline.dump(findings)
    jsonschema.validate(json.loads(data), SCHEMA)
    read = baseline.parse(data, "known.json")
    assert read == {one: findings.count(one) for one in findings}
    assert baseline.dump(reversed(findings)) == data


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "line 1"),
        ("", "version"),
        ("{}", "version: expected 1"),
        ('{"version": 2, "findings": []}', "line 1 version: expected 1"),
        ('{"version": 1}', "findings: is missing"),
        ('{"version": 1, "findings": [], "more": 1}', "line 1 more: unknown field"),
        ('{"version": 1,\n"findings": [\n{"rule": "suspect", "file": "a", "line": 3}]}', "line 3 findings[0].line: unknown field"),
        ('{"version": 1, "findings": [{"rule": "suspekt", "file": "a"}]}', "no rule is called 'suspekt'"),
        ('{"version": 1, "findings": [{"rule": "suspect"}]}', "findings[0].file: is missing"),
        ('{"version": 1, "findings": [{"rule": "suspect", "file": "a", "count": 0}]}', "count: expected a number above zero"),
        ('{"version": 1, "findings": [1]}', "findings[0]: expected a mapping"),
        ('{"version": 1, "findings": {}}', "findings: expected a list"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_baseline_is_named(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        baseline.parse(text.encode(), "known.json")
    assert message in str(caught.value)
