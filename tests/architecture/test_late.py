"""What is loaded late is loaded in one way, is typed as what it is, and exists."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from secretsync.late import LateModule, load

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "secretsync"
MODULES = sorted(PACKAGE.rglob("*.py"))
TREES = {str(path.relative_to(ROOT)): ast.parse(path.read_text()) for path in MODULES}

LOADERS = {"__import__", "import_module", "importlib.import_module", "exec", "eval"}
BY_NAME = {
    "secretsync/late.py": "the helper",
    "secretsync/documents/yaml/libyaml.py": "takes modules out of PyYAML without loading the package around them",
}
"""The modules that may import by name, and why."""


def _calls(tree: ast.AST, *names: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in names:
            yield node


def test_one_helper_imports_by_name() -> None:
    others = {name for name, tree in TREES.items() if any(_calls(tree, *LOADERS))}
    assert others - {"secretsync/late.py"} <= BY_NAME.keys(), "secretsync.late does that"


def _typed(block: ast.If) -> dict[str, str]:
    """Return the names that a block imports, with the modules that they are."""
    names: dict[str, str] = {}
    for node in block.body:
        if isinstance(node, ast.Import):
            names |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def _late(block: ast.If) -> dict[str, str]:
    """Return the names of late modules that the other branch of a block assigns, with the modules that they are."""
    return {
        ast.unparse(node.targets[0]): ast.literal_eval(node.value.args[0])
        for node in block.orelse
        if isinstance(node, ast.Assign) and any(_calls(node.value, "LateModule")) and isinstance(node.value, ast.Call)
    }


@pytest.mark.parametrize("name", TREES)
def test_a_late_module_is_typed_as_the_module_it_loads(name: str) -> None:
    blocks = [
        node for node in TREES[name].body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    late = {local: module for block in blocks for local, module in _late(block).items()}
    typed = {local: module for block in blocks for local, module in _typed(block).items()}
    assert len(late) == len(list(_calls(TREES[name], "LateModule"))), (
        "a late module stands beside the import that types it"
    )
    assert late.items() <= typed.items()


def _is_place(value: object) -> bool:
    if not isinstance(value, str) or not value.startswith("secretsync."):
        return False
    module, _, name = value.partition(":")
    return all(part.isidentifier() for part in [*module.split("."), *([name] if ":" in value else [])])


def _places() -> Iterator[tuple[str, str]]:
    """Yield every place `secretsync.module:name` and every module that the code names in a text, with who does."""
    for name, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and _is_place(node.value):
                yield name, str(node.value)


def _rooms() -> dict[str, int]:
    """Return the rooms with their floors, the highest first, of the import contract."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers: list[str] = next(one["layers"] for one in settings if one["type"] == "layers")
    return {room.strip().partition(".")[2]: floor for floor, layer in enumerate(layers) for room in layer.split("|")}


def test_places_that_tables_name_exist_and_lie_no_higher() -> None:
    """The import contract does not see a place in a table: this does."""
    rooms = _rooms()
    places = list(_places())
    assert len(places) > 20
    for name, place in places:
        load(place)
        target = place.partition(":")[0].split(".")[1]
        own = Path(name).parts[1].removesuffix(".py")
        assert own not in rooms or target == own or rooms[own] < rooms[target], f"{name} names {place}"


def test_a_late_module_is_loaded_when_a_name_is_asked_for() -> None:
    late = LateModule("secretsync.no_such_module")
    assert repr(late) == "LateModule('secretsync.no_such_module')"
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        _ = late.anything
    assert LateModule("secretsync.letters").consists_of("1", "12")
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = LateModule("secretsync.letters").nothing


def test_a_place_is_a_name_or_the_module_itself() -> None:
    assert load("secretsync.letters:hyphenated")("A b") == "b"
    assert load("secretsync.documents.stores:FALLBACK") == load("secretsync.documents.stores").FALLBACK
