"""Loading libyaml alone must leave PyYAML as everybody else expects it."""

from __future__ import annotations

import subprocess
import sys

import pytest


def _output(program: str) -> str:
    outcome = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stderr
    return outcome.stdout.strip()


def test_reading_yaml_loads_only_what_the_parser_needs() -> None:
    program = (
        "import sys\n"
        "from secretsync.documents.yaml_load import load\n"
        "load(b'a: 1')\n"
        "print(*sorted(name for name in sys.modules if name.startswith('yaml')))"
    )
    assert _output(program).split() == ["yaml", "yaml._yaml", "yaml.error", "yaml.events", "yaml.nodes", "yaml.tokens"]


@pytest.mark.parametrize(
    "use",
    [
        "import yaml; print(yaml.safe_load('a: [1]'), yaml.dump([1], default_flow_style=True))",
        "from yaml import safe_load, CSafeLoader, YAMLError; print(safe_load('a: 1'), CSafeLoader)",
        "from yaml import *; print(safe_load('a: 1'), SafeLoader)",
        "import yaml.constructor, yaml; print(yaml.constructor.SafeConstructor, yaml.load('a: 1', Loader=yaml.CLoader))",
        "import yaml; print(yaml.__version__, yaml.__with_libyaml__, yaml.error, yaml.nodes, yaml.reader, yaml._yaml)",
    ],
)
def test_the_package_completes_itself_for_others(use: str) -> None:
    assert _output(f"import secretsync.documents.libyaml\n{use}")


def test_a_package_that_is_loaded_already_is_used() -> None:
    program = (
        "import yaml\n"
        "from secretsync.documents import libyaml, yaml_load\n"
        "from secretsync.errors import ParseError\n"
        "for bad in (b'a: b: c', b'\\x01'):\n"
        "    try: yaml_load.load(bad)\n"
        "    except ParseError as error: print(error)\n"
        "print(libyaml.YAMLError is yaml.YAMLError)"
    )
    assert _output(program).splitlines()[-1] == "True"
    assert len(_output(program).splitlines()) == 3
