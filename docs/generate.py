"""Writes the pages of docs/reference that follow from the code. `make docs` runs it; a test checks that they are current."""

from __future__ import annotations

import contextlib
import io
import json
import os
from importlib import import_module
from pathlib import Path

from secretsync import errors
from secretsync.audit import settings
from secretsync.audit.ruleset import every_rule
from secretsync.cli.__main__ import run
from secretsync.cli._commands import COMMANDS, LazyGroup
from secretsync.deployment import argocd
from secretsync.hooks import COMMANDS as HOOKS

FOLDER = Path(__file__).parent / "reference"
ARGOCD = Path(__file__).parents[1] / "deploy" / "argocd"
SCHEMAS = Path(__file__).parents[1] / "secretsync" / "schemas"
NOTE = "<!-- Written by docs/generate.py from the code: run `make docs`. -->\n"


def classes() -> list[type[errors.SecretsyncError]]:
    """Return all error classes in the order of the module."""
    found = [each for each in vars(errors).values() if isinstance(each, type)]
    return [each for each in found if issubclass(each, errors.SecretsyncError) and each is not errors.SecretsyncError]


def exit_codes() -> str:
    """Return the page of exit codes."""
    lines = [
        "# Exit codes",
        "",
        NOTE,
        "Every failure has a class of its own, and each class its codes.",
        "`render`, `check`, `seal`, `unseal`, `keygen`, `doctor` and the hooks exit with the first code.",
        "The file commands (those in sops' vocabulary) exit with sops' code where sops has one for the cause, else with the first.",
        "",
        "| code | sops' code | class | meaning |",
        "|---|---|---|---|",
        "| 0 | 0 | | done |",
        "| 1 | | | `check` or `keys lint` has findings, `diff` or `keys diff` a difference, a plan a problem, `doctor` no key |",
        f"| {errors.USAGE} | | | wrong command line |",
    ]
    for each in sorted(classes(), key=lambda each: each.exit_code):
        summary = (each.__doc__ or "").partition("\n")[0]
        lines.append(f"| {each.exit_code} | {each.sops_exit_code or ''} | `{each.__name__}` | {summary} |")
    lines += [
        f"| {errors.PARTIAL} | | | a runbook changed what opens here; the rest waits for somebody, or is left as it is, and is named |",
        f"| {errors.BUG} | | | a bug of ours: the place in the code is shown, never what it held |",
        f"| {errors.INTERRUPTED} | | | interrupted (128 + SIGINT) |",
        f"| {errors.BROKEN_PIPE} | | | the reader of standard output went away (128 + SIGPIPE) |",
        "",
        "A code that sops uses for something that cannot happen here (5, 6, 24, 52, 61, 85, 111, 202) is never used.",
        "",
    ]
    return "\n".join(lines)


def findings() -> str:
    """Return the page of the rules of `check` and `keys lint`."""
    lines = [
        "# Findings of `check` and `keys lint`",
        "",
        NOTE,
        "The name of a rule stays the same between versions; it is `rule` in JSON and `ruleId` in SARIF.",
        "",
        "Beside the file it needs what the third column says; rules without a remedy say one for each file, or need none.",
        "",
        "| rule | severity | needs | meaning | remedy |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| `{rule.id}` | {rule.level} | {rule.needs} | {rule.meaning} | {rule.remedy.replace('`', '')} |"
        for rule in every_rule()
        if rule.id != errors.SecretsyncError.rule
    ]
    return "\n".join([*lines, ""])


def configuration_schema() -> str:
    """Return the JSON Schema of `.secretsync.yaml`."""
    check = {
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": {
            "ignore": {
                "description": "Files that are not examined: globs as in .gitignore, from the repository's root.",
                "type": ["array", "null"],
                "items": {"type": "string", "pattern": r"^(?!#)(?![!/ ]*$)"},
            },
            "rules": {
                "description": "How grave the findings of a rule are. A note is shown and does not count.",
                "type": ["object", "null"],
                "propertyNames": {"enum": [rule.id for rule in every_rule()]},
                "additionalProperties": {"enum": list(settings.SETTINGS)},
            },
            "baseline": {
                "description": "The file of findings that are known, from the repository's root.",
                "type": "string",
                "pattern": r"^(?!/)(?!(.*/)?\.\.(/|$))[^\\]+$",
            },
        },
    }
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": settings.FILE_NAME,
        "type": "object",
        "additionalProperties": False,
        "properties": {"check": check, "hydrate": {"type": ["object", "null"]}},
    }
    return json.dumps(schema, indent=2) + "\n"


def commands() -> str:
    """Return the page of all commands: their `--help`."""
    blocks = ["# Commands", "", NOTE, _help([])]
    for name in COMMANDS:
        blocks += [f"\n## secretsync {name}\n", _help([name])]
        blocks += [f"\n### secretsync {name} {inner}\n\n{_help([name, inner])}" for inner in _inner_commands(name)]
        if name == "hook":
            words = (["argocd", "print"], ["helm", "install"], ["kustomize", "print"])
            blocks += [f"\n### secretsync hook {' '.join(each)}\n\n{_help(['hook', *each])}" for each in words]
    for name, entry in HOOKS.items():
        usage = import_module(entry.module).USAGE
        blocks += [
            f"\n## secretsync-hook {name}\n",
            f"```console\n$ secretsync-hook {name} --help\n{usage}```\n",
        ]
    return "\n".join(blocks)


def _inner_commands(name: str) -> list[str]:
    """Return the commands of a command that is a group."""
    return list(getattr(LazyGroup().get_command(None, name), "commands", {}))


def _help(arguments: list[str]) -> str:
    output = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    with contextlib.redirect_stdout(output):
        run([*arguments, "--help"])
    output.seek(0)
    text = "\n".join(line.rstrip() for line in output.read().strip().splitlines())
    return f"```console\n$ {' '.join(['secretsync', *arguments])} --help\n{text}\n```\n"


def pages() -> dict[Path, str]:
    """Return every generated page with its text."""
    os.environ["COLUMNS"] = "80"
    return {
        FOLDER / "exit-codes.md": exit_codes(),
        FOLDER / "findings.md": findings(),
        FOLDER / "cli.md": commands(),
        SCHEMAS / "configuration.json": configuration_schema(),
        **{ARGOCD / f"{part}.yaml": text for part, text in argocd.parts().items()},
    }


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
