"""Loading libyaml alone must leave PyYAML as everybody else expects it, whoever loads it first."""

from __future__ import annotations

import subprocess
import sys
from typing import Final

import pytest

OURS: Final = "from secretsync.documents.yaml import libyaml, loading\nloading.load(b'a: 1')\n"
THEIRS: Final = "import yaml\nyaml.load('a: 1', Loader=yaml.CSafeLoader)\n"
ORDERS: Final = {
    "alone": THEIRS,
    "after us": OURS + THEIRS,
    "before us": THEIRS + OURS,
    "around us": "import yaml.nodes\n" + OURS + THEIRS,
}


def _output(program: str) -> str:
    outcome = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stderr
    return outcome.stdout.strip()


@pytest.fixture(params=ORDERS)
def order(request: pytest.FixtureRequest) -> str:
    """Return the start of a program that has used PyYAML and, but for `alone`, us."""
    return ORDERS[request.param]


def test_reading_yaml_leaves_no_module_of_pyyaml_behind() -> None:
    program = f"import sys\n{OURS}print([name for name in sys.modules if name.partition('.')[0] in ('yaml', '_yaml')])"
    assert _output(program) == "[]"


def test_a_package_that_is_loaded_already_is_used_and_stays() -> None:
    program = (
        f"import sys\n{THEIRS}"
        "def modules(): return {name: one for name, one in sys.modules.items() if name.startswith('yaml')}\n"
        f"before, finders = modules(), [*sys.meta_path]\n{OURS}"
        "print(modules() == before, sys.meta_path == finders, libyaml.YAMLError is yaml.YAMLError)"
    )
    assert _output(program) == "True True True"


READING: Final = """
for loader in (yaml.CSafeLoader, yaml.CLoader, yaml.SafeLoader):
    for text, error in (
        ("a: b: c", yaml.scanner.ScannerError),
        ("a: [", yaml.parser.ParserError),
        ("*x", yaml.composer.ComposerError),
        ("!!python/object:x {}", yaml.constructor.ConstructorError),
        (chr(1), yaml.reader.ReaderError),
    ):
        try: yaml.load(text, Loader=loader)
        except error as raised: print(type(raised) is error, isinstance(raised, yaml.YAMLError))
"""
WRITING: Final = """
twice = [yaml.StreamStartEvent(), yaml.StreamStartEvent()]
for call in (
    lambda: yaml.dump({1: object()}, Dumper=yaml.CSafeDumper),
    lambda: yaml.serialize_all([None], Dumper=yaml.CSafeDumper),
    lambda: yaml.emit(twice, Dumper=yaml.CSafeDumper),
):
    try: call()
    except Exception as error: print(type(error))
print(*(getattr(yaml._yaml, name) is getattr(getattr(yaml, home), name) for name, home in (
    ("EmitterError", "emitter"), ("SerializerError", "serializer"), ("RepresenterError", "representer"))))
"""
USES: Final = (
    "print(yaml.safe_load('a: [1]'), yaml.dump([1], default_flow_style=True))",
    "print(yaml.load('a: 2001-01-01', Loader=yaml.CSafeLoader), yaml.dump({'a': [1]}, Dumper=yaml.CSafeDumper))",
    "print([type(one) is getattr(yaml, type(one).__name__) for one in yaml.parse('a: &x [*x]', Loader=yaml.CLoader)])",
    "print([type(one) is getattr(yaml, type(one).__name__) for one in yaml.scan('a: &x [*x]', Loader=yaml.CLoader)])",
    "print(type(yaml.compose('a: 1', Loader=yaml.CLoader)) is yaml.MappingNode, yaml.compose('a: 1').start_mark.line)",
    "print(type(yaml.compose('a: 1').start_mark) is yaml.error.Mark, yaml.compose('a', Loader=yaml.CLoader).end_mark.index)",
    "from yaml import *\nprint(safe_load('a: 1'), SafeLoader.__name__)",
    "from yaml.cyaml import CSafeLoader\nprint(CSafeLoader is yaml.CSafeLoader)",
    "from yaml._yaml import CParser\nprint(issubclass(yaml.CLoader, CParser), yaml._yaml.yaml is yaml)",
    "import _yaml\nprint(_yaml.CParser is yaml._yaml.CParser)",
    "print(yaml.__version__, yaml.__with_libyaml__, yaml.__spec__.name, type(yaml.__loader__).__name__)",
    "import sys\nprint(sorted(name for name in sys.modules if name.startswith('yaml')))",
    "import sys\nprint([name for name in sys.modules if name.startswith('yaml.') and getattr(yaml, name[5:]) is not sys.modules[name]])",
    "import sys\nprint([each for each in sys.meta_path if type(each).__module__.startswith('secretsync')])",
    "import importlib.util, inspect\nprint(importlib.util.find_spec('yaml').origin == yaml.__file__, len(inspect.getsource(yaml)))",
)  # fmt: skip


def test_others_catch_the_errors_by_their_own_classes(order: str) -> None:
    assert _output(order + READING).splitlines() == ["True True"] * 15


def test_the_errors_of_writing_are_their_own_too(order: str) -> None:
    said = _output(order + WRITING)
    assert said == _output(ORDERS["alone"] + WRITING)
    assert said.endswith("True True True")


def test_the_package_is_what_it_is_without_us(order: str) -> None:
    uses = "\n".join(USES)
    assert _output(f"{order}\n{uses}") == _output(f"{ORDERS['alone']}\n{uses}")


def test_we_see_errors_with_their_places_in_every_order(order: str) -> None:
    program = (
        f"{order}\n{OURS}from secretsync.errors import ParseError\n"
        "for bad in (b'a: b: c', b'a: [', b'\\x01'):\n"
        "    try: loading.load(bad)\n"
        "    except ParseError as error: print(error)"
    )
    assert _output(program) == _output(program.removeprefix(order))
    assert len(_output(program).splitlines()) == 3


def test_we_can_be_loaded_anew_in_one_process(order: str) -> None:
    program = (
        f"import sys\n{order}\n"
        "for name in [name for name in sys.modules if name.startswith('secretsync')]: del sys.modules[name]\n"
        f"{OURS}{THEIRS}"
        "from secretsync.documents.yaml.comments import placing\n"
        "print(type(loading.load(b'a: # why\\n  - 1\\n')).__name__, libyaml.events is yaml.events)"
    )
    assert _output(program).split()[1:] == ["True"]


def test_threads_that_load_both_at_once_get_both() -> None:
    program = (
        "import threading\n"
        "start = threading.Barrier(4)\nfound = []\n"
        "def theirs():\n"
        "    start.wait()\n"
        "    import yaml\n"
        "    try: yaml.load('a: [', Loader=yaml.CSafeLoader)\n"
        "    except yaml.parser.ParserError: found.append(yaml.safe_load('1'))\n"
        "def ours():\n"
        "    start.wait()\n"
        "    from secretsync.documents.yaml import loading\n"
        "    loading.load(b'a: 1')\n"
        "    found.append(1)\n"
        "threads = [threading.Thread(target=one) for one in (ours, theirs, ours, theirs)]\n"
        "for one in threads: one.start()\n"
        "for one in threads: one.join()\n"
        "print(found)"
    )
    for _ in range(3):
        assert _output(program) == "[1, 1, 1, 1]"
