"""What `--format sarif` writes, judged by the schema of the standard itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from secretsync.audit.flux import check_flux
from secretsync.audit.writers import WRITERS
from secretsync.findings import Report, Suppressed
from tests.e2e.layouts import LAYOUTS, LEAKS
from tests.unit.audit.repository import Repository, secret

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="session")
def schema(peer: Callable[[str], Path]) -> Any:
    """Return the validator of the schema that OASIS publishes."""
    text = json.loads(peer("sarif-schema").read_text())
    return jsonschema.validators.validator_for(text)(text, format_checker=jsonschema.FormatChecker())


def _require_valid(schema: Any, report: Report) -> None:
    log = json.loads(WRITERS["sarif"](report))
    assert [(list(error.path), error.message) for error in schema.iter_errors(log)] == []
    results = log["runs"][0]["results"]
    assert len(results) == len(report.findings) + len(report.suppressed)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_report_is_valid(schema: Any, layout: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = Repository(tmp_path, monkeypatch)
    LAYOUTS[layout](repository)
    for leak in LEAKS[layout]:
        repository.write(leak.path, leak.text)
    repository.write("odd ü\n%name.yaml", secret())
    report = repository.report("required")
    report.findings += check_flux(".")
    assert report.findings
    _require_valid(schema, report)
    accepted = Report(suppressed=[Suppressed(each, "inline", "a reason") for each in report.findings])
    _require_valid(schema, accepted)
    _require_valid(schema, Report())


def test_the_schema_finds_mistakes(schema: Any) -> None:
    log = json.loads(WRITERS["sarif"](Report()))
    assert list(schema.iter_errors({**log, "runs": [{"results": []}]}))
    assert list(schema.iter_errors({**log, "version": "2.0.0"}))
