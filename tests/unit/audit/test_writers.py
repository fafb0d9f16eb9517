"""A report in each of its forms: what people read, and what machines demand."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema

import secretsync
from secretsync.audit.ruleset import PLAINTEXT_SECRET, SUSPECT
from secretsync.audit.writers import WRITERS
from secretsync.findings import Finding, FindingIdentity, LocatedFinding, Report, Suppressed

SCHEMA = json.loads((Path(secretsync.__file__).parent / "schemas" / "findings.json").read_text())


def _plain(name: str) -> Finding:
    message = f"Secret {name} lies in the clear"
    return PLAINTEXT_SECRET.finding(f"{name}.yaml", "stringData", message, f"secretsync encrypt -i {name}.yaml")


NOTE = SUSPECT.finding("n.yaml", "#2 a", "is odd", level="note")
KNOWN = _plain("known")
REPORT = Report(
    findings=[NOTE, _plain("b"), SUSPECT.finding('w\x01\udcff<&".yaml', "line 7", "is\nodd"), _plain("a")],
    files=9,
    encrypted=4,
    suppressed=[Suppressed(KNOWN, "baseline", "known"), Suppressed(NOTE, "inline", 'for "tests"')],
    ignored=1,
    located={KNOWN: LocatedFinding(FindingIdentity(KNOWN.rule, KNOWN.file, "Secret known", "stringData", ""), 5)},
)  # fmt: skip


def test_text_is_grouped_by_rule_with_one_remedy_and_the_sum_last() -> None:
    assert WRITERS["text"](REPORT).splitlines() == [
        "b.yaml stringData: error: Secret b lies in the clear [plaintext-secret]",
        "a.yaml stringData: error: Secret a lies in the clear [plaintext-secret]",
        "    secretsync encrypt -i FILE",
        'w\\x01\\udcff<&".yaml line 7: warning: is\\nodd [suspect]',
        "n.yaml#2 a: note: is odd [suspect]",
        "9 files checked, 4 encrypted: 3 findings, 2 suppressed, 1 file ignored",
    ]


def test_a_remedy_for_one_file_names_it() -> None:
    assert "    secretsync encrypt -i a.yaml\n" in WRITERS["text"](Report(findings=[_plain("a")]))


def test_json_fits_its_schema() -> None:
    for report in (REPORT, Report()):
        jsonschema.validate(json.loads(WRITERS["json"](report)), SCHEMA)
    found = json.loads(WRITERS["json"](REPORT))
    assert [each["suppressed_by"] for each in found["suppressed"]] == ["baseline", "inline"]
    assert (found["suppressed"][0]["object"], found["suppressed"][0]["line"]) == ("Secret known", 5)


def test_sarif_has_what_the_standard_requires() -> None:
    """OASIS SARIF 2.1.0: 3.13.2, 3.14.6, 3.19.2, 3.27.3 to 3.27.11, 3.27.17, 3.27.23, 3.30.5, 3.35.2."""
    log = json.loads(WRITERS["sarif"](REPORT))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"] == "secretsync"
    assert len({rule["id"] for rule in driver["rules"]}) == len(driver["rules"])
    assert len(run["results"]) == len(REPORT.findings) + len(REPORT.suppressed)
    for result in run["results"]:
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in {"error", "warning", "note"}
        assert result["message"]["text"]
        assert all(isinstance(each, str) for each in result["partialFingerprints"].values())
        (location,) = result["locations"]
        uri = location["physicalLocation"]["artifactLocation"]["uri"]
        assert uri.isascii()
        assert not set(uri) & set('<>" \\')
        assert location["physicalLocation"]["region"]["startLine"] >= 1
    accepted = [result["suppressions"] for result in run["results"]]
    assert [[each["kind"] for each in some] for some in accepted] == [[], [], [], [], ["external"], ["inSource"]]
    assert accepted[-1][0]["justification"] == 'for "tests"'


def test_a_fingerprint_stays_when_lines_move_and_tells_equal_findings_apart() -> None:
    before, after = (
        [SUSPECT.finding("a.yaml", f"#1 line {line} x", "is odd") for line in lines] for lines in ((3, 9), (5, 12))
    )
    marks = [
        [each["fingerprint"] for each in json.loads(WRITERS["json"](Report(findings=some)))["findings"]]
        for some in (before, after)
    ]
    assert marks[0] == marks[1]
    assert len(set(marks[0])) == 2


def test_junit_counts_what_it_holds_and_is_xml_whatever_a_file_is_called() -> None:
    root = ET.fromstring(WRITERS["junit"](REPORT).encode())
    (suite,) = root.findall("testsuite")
    cases = suite.findall("testcase")
    assert suite.attrib | {"name": ""} == root.attrib | {"name": ""}
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("6", "3", "2")
    assert len(cases) == 6
    assert len(suite.findall("testcase/failure")) == 3
    assert len(suite.findall("testcase/skipped")) == 2
    assert {case.get("classname") for case in cases} == {"plaintext-secret", "suspect"}


def test_junit_of_nothing_is_one_test_that_passed() -> None:
    (case,) = ET.fromstring(WRITERS["junit"](Report())).findall(".//testcase")
    assert list(case) == []
