"""No pattern that tries again meets foreign text: `re` is imported where a reason stands here, and RE2 for what others write."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "secretsync"

LINEAR = {
    "documents/yaml/breaks.py": "one set of characters, and CRLF: found where it stands, without a second try",
    "documents/json/emitting.py": "one set of characters, each replaced where it stands",
    "documents/json/store.py": "blanks, one set; a number, whose every part begins with a character that the part before cannot take",
    "documents/yaml/resolving.py": "numbers and dates, matched as a whole: each part begins with a character that the part before cannot take",
    "documents/yaml/loading.py": "one set of characters; and a sign with one character before it",
    "documents/yaml/scalar_text.py": "sets of characters, words of one set, and numbers whose parts begin apart: what we write, checked once",
    "rendering/generate.py": "one set of characters",
    "sops/timestamps.py": "a timestamp, matched as a whole: digits and separators take turns",
    "sops/values.py": "floats, matched as a whole: no digit can be read in two ways",
}
"""The modules that may import `re`, and why no text makes their patterns slow. `tests/proofs/test_growth.py` asks each."""


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in {"__import__", "import_module"}:
            found |= {str(argument.value) for argument in node.args if isinstance(argument, ast.Constant)}
    return found


@cache
def _importers() -> dict[str, set[str]]:
    return {str(path.relative_to(PACKAGE)): _imports(path) for path in PACKAGE.rglob("*.py")}


def test_patterns_stay_where_they_cannot_be_slow() -> None:
    engines = {"re", "regex", "sre_compile", "fnmatch", "glob"}
    importers = {name for name, imported in _importers().items() if imported & engines}
    assert importers - LINEAR.keys() == set(), "a scanner, or RE2 (sops/patterns.py), or a reason in this test"
    assert LINEAR.keys() - importers == set(), "not needed any more"


def test_re2_has_one_door() -> None:
    assert {name for name, imported in _importers().items() if "re2" in imported} == {"sops/patterns.py"}
