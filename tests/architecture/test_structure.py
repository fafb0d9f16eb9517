"""The shape of the code: imports point down, modules and functions stay small, every room says what it is for."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from secretsync.documents.stores import STORES

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "secretsync"
MODULES = sorted(PACKAGE.rglob("*.py"))


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


LONGEST_MODULE = 300
# A table of classes is one idea however long it grows.
LONG_TABLES = {"secretsync/errors.py"}
LONGEST_FUNCTION = 40
# Most functions fit in one look.
SHORT_FUNCTION, SHORT_SHARE = 25, 0.92

FORBIDDEN_NAMES = {"utils", "util", "helpers", "common", "manager", "handler", "data", "info", "misc"}


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def _nodes(path: Path) -> list[ast.AST]:
    """Return all nodes of a module; many tests walk over each."""
    return list(ast.walk(_tree(path)))


def _functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in _nodes(path):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            documentation = ast.get_docstring(node, clean=False)
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            yield node.name, lines - (documentation.count("\n") + 1 if documentation else 0)


def _imported(path: Path) -> Iterator[str]:
    for node in _nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_imports_point_downward_only() -> None:
    program = shutil.which("lint-imports", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("import-linter is not installed: make setup")
    outcome = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stdout


def _graph(*, whole: bool = False) -> dict[str, set[str]]:
    """Return the modules with those they import while they load; `from package import x` imports the package too.

    With `whole` also those that they import late or for types, and packages only for names of their own.
    """
    names = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in MODULES}
    graph: dict[str, set[str]] = {}
    for name, path in names.items():
        targets: set[str] = set()
        tree = _tree(path)
        for node in _nodes(path) if whole else tree.body:
            if isinstance(node, ast.Import):
                targets |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                inner = {f"{node.module}.{alias.name}" for alias in node.names}
                targets |= inner if whole and inner <= names.keys() else {node.module, *inner}
        graph[name] = targets & names.keys() - {name}
    return graph


def test_no_modules_import_each_other() -> None:
    try:
        tuple(TopologicalSorter(_graph()).static_order())
    except CycleError as error:
        pytest.fail(f"import cycle: {' -> '.join(error.args[1])}")


def test_no_modules_name_each_other() -> None:
    """Two modules that name each other, be it late or for a type, can only be read together."""
    try:
        tuple(TopologicalSorter(_graph(whole=True)).static_order())
    except CycleError as error:
        pytest.fail(f"circle: {' -> '.join(error.args[1])}")


def _known() -> dict[str, set[str]]:
    """Return the modules with all that they name in an import, for types or late."""
    names = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in MODULES}
    graph: dict[str, set[str]] = {}
    for name, path in names.items():
        targets: set[str] = set()
        for node in _nodes(path):
            if isinstance(node, ast.Import):
                targets |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                places = {f"{node.module}.{alias.name}" for alias in node.names}
                targets |= {place if place in names else node.module for place in places}
        graph[name] = targets & names.keys() - {name}
    return graph


def test_no_modules_know_each_other_by_type() -> None:
    """A circle that only types or late modules close cannot be taken apart either."""
    try:
        tuple(TopologicalSorter(_known()).static_order())
    except CycleError as error:
        pytest.fail(f"circle: {' -> '.join(error.args[1])}")


@pytest.mark.parametrize("path", [path for path in MODULES if _name(path) not in LONG_TABLES], ids=_name)
def test_a_module_can_be_read_in_one_sitting(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST_MODULE


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_module_says_what_it_owns(path: Path) -> None:
    assert ast.get_docstring(_tree(path))


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_module_is_named_after_an_idea(path: Path) -> None:
    assert path.stem.strip("_") not in FORBIDDEN_NAMES


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_no_function_is_longer_than_the_wall(path: Path) -> None:
    assert [(name, lines) for name, lines in _functions(path) if lines > LONGEST_FUNCTION] == []


def test_most_functions_fit_in_one_look() -> None:
    lines = [size for path in MODULES for _, size in _functions(path)]
    assert sum(size <= SHORT_FUNCTION for size in lines) / len(lines) >= SHORT_SHARE


@pytest.mark.parametrize(
    ("library", "room"),
    [("typer", "cli"), ("yaml", "documents"), ("git", "git"), ("kubernetes", "cluster"), ("re2", "sops")],
)
def test_a_library_is_imported_by_one_room_only(library: str, room: str) -> None:
    importers = {
        path.relative_to(PACKAGE).parts[0]
        for path in MODULES
        for module in _imported(path)
        if module.split(".")[0] == library
    }
    assert importers <= {room}


def test_only_the_front_ends_print_or_exit() -> None:
    offenders = [
        f"{_name(path)}:{node.lineno}"
        for path in MODULES
        if path.relative_to(PACKAGE).parts[0] not in {"cli", "hooks", "compat"}
        for node in _nodes(path)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"print", "input", "sys.exit", "exit"}
    ]
    assert offenders == []


SHARED = {
    "signal.signal", "gc.set_threshold", "gc.disable", "gc.freeze", "sys.setrecursionlimit", "os.chdir", "os.umask",
    "os.putenv", "os.environ.update", "warnings.simplefilter", "warnings.filterwarnings",
}  # fmt: skip
"""Calls that change something for every thread of a process."""
STREAMS = {"sys.stdin", "sys.stdout", "sys.stderr"}
EDGES = {
    "secretsync/hooks/_boundary.py": "the edge of a hook's process",
    "secretsync/hooks/last_error.py": "what that edge says, in a file as well",
    "secretsync/interruption.py": "called by entry points only",
    "secretsync/processes.py": "in children that it has forked itself",
    "secretsync/files.py": "standard input, of whoever asks for `-`",
}
"""Modules besides `cli` that may touch what a whole process shares, and why."""


def test_only_the_edges_touch_what_a_process_shares() -> None:
    """A server calls the rest from several threads, and so may any program that imports it."""
    offenders = {
        f"{_name(path)}:{node.lineno}"
        for path in MODULES
        if path.relative_to(PACKAGE).parts[0] != "cli" and _name(path) not in EDGES
        for node in _nodes(path)
        if (isinstance(node, ast.Call) and ast.unparse(node.func) in SHARED)
        or (isinstance(node, ast.Attribute) and ast.unparse(node) in STREAMS)
    }
    assert offenders == set()


STARTS = {"subprocess", "pty", "asyncio", "multiprocessing", "concurrent", "_posixsubprocess"}
"""Modules that start programs."""
STARTING = ("os.exec", "os.spawn", "os.posix_spawn", "os.system", "os.popen", "os.startfile")
STARTED_BY_LIBRARIES = {
    "gnupg.GPG": {"secretsync/masterkeys/pgp.py"},  # starts gpg, in the environment that it is given
    "config.load_kube_config": set(),  # starts a kubeconfig's programs in ours
    "ExecProvider": set(),
}


def test_only_the_door_starts_programs() -> None:
    importers = {_name(path) for path in MODULES for module in _imported(path) if module.split(".")[0] in STARTS}
    callers = {
        _name(path)
        for path in MODULES
        for node in _nodes(path)
        if isinstance(node, ast.Attribute) and ast.unparse(node).startswith(STARTING)
    }
    assert importers == callers == {"secretsync/programs.py"}


@pytest.mark.parametrize(("call", "allowed"), STARTED_BY_LIBRARIES.items(), ids=STARTED_BY_LIBRARIES)
def test_a_library_that_starts_programs_is_called_where_their_environment_is_stated(
    call: str, allowed: set[str]
) -> None:
    callers = {
        _name(path)
        for path in MODULES
        for node in _nodes(path)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == call
    }
    assert callers == allowed


def test_only_the_boundaries_catch_everything() -> None:
    allowed = {"secretsync/cli/_errors.py", "secretsync/cli/_direct.py", "secretsync/hooks/_boundary.py"}
    offenders = [
        f"{_name(path)}:{node.lineno}"
        for path in MODULES
        if _name(path) not in allowed
        for node in _nodes(path)
        if isinstance(node, ast.ExceptHandler) and (node.type is None or ast.unparse(node.type) == "Exception")
    ]
    assert offenders == []


def test_one_module_holds_the_mark_of_ciphertext() -> None:
    holders = {
        _name(path)
        for path in MODULES
        for node in _nodes(path)
        if isinstance(node, ast.Constant) and _holds_mark(node.value) and not _is_prose(node.value)
    }
    # Each store tells how a MAC is written in it, `values` takes a value apart.
    stores = {_name(PACKAGE / f"{entry.module.partition('.')[2].replace('.', '/')}.py") for entry in STORES.values()}
    marks = "secretsync/documents/json/marks.py"
    assert holders <= {"secretsync/secrecy.py", "secretsync/sops/values.py", marks, *stores}


# Modules that may ask for a store by its name, each with the reason.
NAMES_STORES = {
    "secretsync/documents/stores.py": "the table",
    "secretsync/audit/flux.py": "what Flux's controller does with each format is Flux's own rule",
    "secretsync/audit/flux/formats.py": "what Flux's controller does with each format is Flux's own rule",
    "secretsync/audit/flux/sources.py": "which formats the controller decrypts in place is Flux's own rule",
    "secretsync/audit/writers.py": "forms of a report",
    "secretsync/documents/yaml/libyaml.py": "the package of that name",
    "secretsync/documents/yaml/resolving.py": "YAML's tag !!binary",
    "secretsync/rendering/formats.py": "the table of formats of a stream, whatever the stores are",
}
# Variables that hold no store's name but the form of a report.
NO_STORES = {"form", "sitting.form"}


def _asks_for_a_store(node: ast.AST) -> bool:
    """Whether a comparison, a `case` or the keys of a table name a store."""
    match node:
        case ast.Compare() if not {ast.unparse(each) for each in (node.left, *node.comparators)} & NO_STORES:
            asked: list[ast.AST] = [node.left, *node.comparators]
        case ast.MatchValue():
            asked = [node.value]
        case ast.Dict():
            asked = [key for key in node.keys if key is not None]
        case _:
            return False
    named = [each.value for one in asked for each in ast.walk(one) if isinstance(each, ast.Constant)]
    return any(isinstance(each, str) and each in STORES for each in named)


def test_nobody_asks_for_a_store_by_its_name() -> None:
    """What a store can is an attribute of it: a new one works everywhere without being named there."""
    askers = {
        f"{_name(path)}:{getattr(node, 'lineno', 0)}"
        for path in MODULES
        if _name(path) not in NAMES_STORES
        for node in _nodes(path)
        if _asks_for_a_store(node)
    }
    assert askers == set()


def _holds_mark(value: object) -> bool:
    text = value.decode("latin-1") if isinstance(value, bytes) else value
    return isinstance(text, str) and ("ENC[" in text or "ENC\\[" in text)


def _is_prose(value: object) -> bool:
    """Whether it is a docstring or message: people are shown the form with an ellipsis."""
    return isinstance(value, str) and "…" in value


def test_a_class_name_is_defined_once() -> None:
    """Each word has one meaning: who reads a name need not ask which of two is meant."""
    names: dict[str, list[str]] = {}
    for path in MODULES:
        for node in _tree(path).body:
            if isinstance(node, ast.ClassDef):
                names.setdefault(node.name, []).append(str(path.relative_to(ROOT)))
    assert {name: places for name, places in names.items() if len(places) > 1} == {}


def test_no_file_names_this_machine_or_a_download_host() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    words = [b"/" + b"work/main", b"/" + b"root/.", b"://files." + b"pythonhosted"]
    offenders = [
        name
        for name in tracked
        if not name.startswith("tests/vectors/") and any(word in (ROOT / name).read_bytes() for word in words)
    ]
    assert offenders == []
