"""The documentation says what the code does: generated pages are current, links lead somewhere, examples run."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path
    for path in [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("examples/**/*.md"),
        *ROOT.glob("keys/*.md"),
        *ROOT.glob("deploy/*.md"),
        *ROOT.glob("benchmarks/*.md"),
    ]
)


def _generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_pages_are_current(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    stale = [path.name for path, text in _generator().pages().items() if path.read_text(encoding="utf-8") != text]
    assert stale == [], "run: make docs"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_that_exist(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_page_is_in_the_index() -> None:
    index = ROOT / "docs" / "README.md"
    records = ROOT / "docs" / "adr"
    linked = {
        (page.parent / link).resolve()
        for page in (index, records / "README.md")
        for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8"))
    }
    assert sorted(set(ROOT.glob("docs/**/*.md")) - linked - {index}) == []


def test_the_readme_shows_its_first_command_by_line_20() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert any(line.startswith("$ ") for line in lines[:20])


def test_every_decision_record_has_the_parts_of_one() -> None:
    records = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
    assert [int(path.name[:4]) for path in records] == list(range(1, len(records) + 1))
    for path in records:
        text = path.read_text(encoding="utf-8")
        for heading in ("## Context", "## Decision", "## Consequences"):
            assert heading in text, f"{path.name}: {heading}"


def test_every_wall_of_the_threat_model_names_tests_that_exist() -> None:
    text = (ROOT / "docs" / "explanation" / "threat-model.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ") and "`tests/" in line]
    named = {name for row in rows for name in re.findall(r"`(tests/[a-z0-9_/]+\.py)`", row)}
    assert len(rows) > 20
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []


def test_the_page_on_the_architecture_names_every_room() -> None:
    table = (
        (ROOT / "docs" / "explanation" / "architecture.md").read_text().partition("| room |")[2].partition("\n\n")[0]
    )
    named = {
        word
        for row in table.splitlines()[2:]
        for word in row.split("|")[1].replace("`", "").replace("/", "").split(", ")
    }
    entries = (ROOT / "secretsync").iterdir()
    rooms = {entry.stem for entry in entries if entry.suffix == ".py" or (entry / "__init__.py").exists()}
    assert {word.strip() for word in named} == rooms - {"__init__"}
