"""The pages on how to add something are followed step by step: what they name exists, and their rows make the toys."""

from __future__ import annotations

import ast
import re
import textwrap
from pathlib import Path
from typing import Any

import pytest

from secretsync.findings import Finding
from secretsync.late import load
from tests.toys import hook, kind, runbook, store

ROOT = Path(__file__).parents[2]
PAGES = {page.stem: page.read_text() for page in sorted((ROOT / "docs" / "contributing").glob("*.md"))}

TOYS: dict[str, tuple[str, str, object]] = {
    "key-service": ("KINDS", kind.KIND.name, kind.KIND),
    "store": ("STORES", store.NAME, store.ENTRY),
    "runbook": ("SCENARIOS", runbook.NAME, runbook.ENTRY),
    "hook": ("COMMANDS", hook.NAME, hook.ENTRY),
}
"""Page -> the table that it gives a row, the name of its toy there, and the row that the toy's tests use."""

_PATH = re.compile(r"`((?:secretsync|tests|docs)/[\w./-]*)`")
_SYMBOL = re.compile(r"`([A-Za-z_]\w*)` (?:of|in) `((?:secretsync|tests)/[\w./]+\.py)`")
_BLOCK = re.compile(r"```python\n *# ([\w.]+)\n(.*?)\n *```", re.DOTALL)


def _names(path: Path) -> set[str]:
    """Return what a module defines at its head."""
    found: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.AnnAssign | ast.Assign):
            targets = [node.target] if isinstance(node, ast.AnnAssign) else node.targets
            found |= {ast.unparse(target) for target in targets}
    return found


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_a_page_names_exists(page: str) -> None:
    assert [path for path in _PATH.findall(PAGES[page]) if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", sorted(PAGES.keys() - {"README"}))
def test_every_name_is_in_the_file_that_the_page_says(page: str) -> None:
    symbols = _SYMBOL.findall(PAGES[page])
    assert symbols
    assert [(name, path) for name, path in symbols if name not in _names(ROOT / path)] == []


def _followed(page: str) -> dict[str, Any]:
    """Return the names of the module that a page's code stands in, once it has run there; the module stays as it is."""
    found = _BLOCK.search(PAGES[page])
    assert found, "a page shows the row"
    names: dict[str, Any] = {
        name: dict(value) if isinstance(value, dict) else value for name, value in vars(load(found[1])).items()
    }
    exec(textwrap.dedent(found[2]), names)  # our own page
    return names


@pytest.mark.parametrize("page", TOYS)
def test_the_row_of_a_page_is_that_of_its_toy(page: str) -> None:
    table, name, row = TOYS[page]
    assert _followed(page)[table][name] == row
    assert f"The toy is `tests/toys/{'kind' if page == 'key-service' else page}.py`" in PAGES[page]


def test_the_rule_of_the_page_makes_findings() -> None:
    rule = _followed("check")["LONG_LIVED"]
    assert rule.finding("a.yaml", "k", "since 2019") == Finding("a.yaml", "k", "long-lived", "warning", "since 2019")
