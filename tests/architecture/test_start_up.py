"""What a cold start loads: counted in modules, which is the same on every machine, where milliseconds are not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SAMPLE = Path(__file__).parent / "start_up"
CERTIFICATE = ROOT / "examples" / "demo-keys" / "sealing.crt"

# Budgets of the hook path beyond the bare interpreter. Lower them when you can, never raise them.
REVEAL_MODULES, RULES_MODULES, SEAL_MODULES = 120, 128, 180
MERGE_MODULES = 142  # of git's merge driver, which git starts once a file
HEAD = "apiVersion: secretsync/v1\nkind: HookConfiguration\n"
NEVER_IN_A_HOOK = {
    "asyncio", "boto3", "click", "git", "gnupg", "kubernetes", "pydantic", "rich", "ssl", "typer",
}  # fmt: skip

PROGRAM = """
import sys
bare = set(sys.modules)
from secretsync.hooks.__main__ import run
code = run(sys.argv[1:])
print("LOADED", *sorted(set(sys.modules) - bare), file=sys.stderr)
sys.exit(code)
"""


def _loaded(program: str, *arguments: str, environment: dict[str, str] | None = None) -> set[str]:
    outcome = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False, env=environment or {}
    )
    assert outcome.returncode == 0, outcome.stderr
    return set(outcome.stderr.rpartition("LOADED")[2].split())


def _hook(*arguments: str) -> set[str]:
    environment = {"SOPS_AGE_KEY_FILE": str(SAMPLE / "identity.txt")}
    return _loaded(PROGRAM, "render", *arguments, environment=environment)


@pytest.mark.parametrize(
    ("arguments", "budget"),
    [([], REVEAL_MODULES), (["--mode", "seal", "--cert", str(CERTIFICATE)], SEAL_MODULES)],
    ids=["reveal", "seal"],
)
def test_the_hook_stays_within_its_module_budget(arguments: list[str], budget: int) -> None:
    loaded = _hook(*arguments, str(SAMPLE / "secret.enc.yaml"))
    assert {module.split(".")[0] for module in loaded} & NEVER_IN_A_HOOK == set()
    assert len(loaded) <= budget, sorted(loaded)


def test_rules_load_what_judges_and_nothing_that_seals(tmp_path: Path) -> None:
    rules = tmp_path / "hook.yaml"
    identity = tmp_path / "identity.txt"
    for file, text in (
        (identity, (SAMPLE / "identity.txt").read_text()),
        (rules, f"{HEAD}identities: {{age: [{identity}]}}\noutputs: {{kinds: [Secret]}}\n"),
    ):
        file.touch(0o600)
        file.write_text(text)
    loaded = _hook("--operator-config", str(rules), str(SAMPLE / "secret.enc.yaml"))
    assert {name for name in loaded if name.startswith("secretsync.sealed.")} == {"secretsync.sealed.scope"}
    assert len(loaded) <= RULES_MODULES, sorted(loaded)


def test_the_merge_driver_goes_past_the_option_parser_and_stays_within_its_budget(tmp_path: Path) -> None:
    """A clean merge, in which no rule is asked and git is not started: what git has us do for most files."""
    base = (SAMPLE / "secret.enc.yaml").read_bytes()
    environment = {"SOPS_AGE_KEY_FILE": str(SAMPLE / "identity.txt")}
    sides = {}
    for name, value in (("ours", "one"), ("theirs", "two")):
        sides[name] = tmp_path / f"{name}.yaml"
        sides[name].write_bytes(base)
        command = ["set", str(sides[name]), f'["stringData"]["{name}"]', f'"{value}"']
        subprocess.run([sys.executable, "-m", "secretsync.cli", *command], env=environment, check=True)
    program = PROGRAM.replace("secretsync.hooks.__main__", "secretsync.cli.__main__")
    files = [str(each) for each in (SAMPLE / "secret.enc.yaml", *sides.values())]
    loaded = _loaded(program, "git", "merge-driver", "--", *files, "secret.enc.yaml", environment=environment)
    heavy = NEVER_IN_A_HOOK | {"dataclasses", "inspect", "pathlib", "subprocess", "json"}
    assert {module.split(".")[0] for module in loaded} & heavy == set()
    assert not {"secretsync.keyring", "secretsync.git.running"} & loaded
    assert len(loaded) <= MERGE_MODULES, sorted(loaded)
    assert b"one" not in sides["ours"].read_bytes()


def test_help_loads_no_command() -> None:
    program = (
        "import sys\nfrom secretsync.cli.__main__ import run\nassert run(['--help']) == 0\n"
        "print('LOADED', *sys.modules, file=sys.stderr)"
    )
    loaded = _loaded(program)
    assert {name for name in loaded if name.startswith("secretsync.")} <= {
        "secretsync.errors", "secretsync.files", "secretsync.folders", "secretsync.late", "secretsync.cli",
        "secretsync.cli.__main__", "secretsync.cli._root", "secretsync.cli._commands", "secretsync.cli._errors", "secretsync.cli._output", "secretsync.cli._terminal",
    }  # fmt: skip
    assert {name.split(".")[0] for name in loaded} & {"yaml", "cryptography", "pydantic", "rich"} == set()


@pytest.mark.parametrize("module", ["encrypt", "decrypt", "render", "check", "set_value", "edit", "seal", "doctor"])
def test_a_command_loads_no_library_it_may_not_need(module: str) -> None:
    program = f"import sys\nimport secretsync.cli.{module}\nprint('LOADED', *sys.modules, file=sys.stderr)"
    heavy = {"git", "kubernetes", "gnupg", "re2", "pydantic", "asyncio", "boto3"}
    assert {name.split(".")[0] for name in _loaded(program)} & heavy == set()
