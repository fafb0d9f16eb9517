"""`secretsync explain`: which rule applies to a file, who can decrypt it, and which values are encrypted and why."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated, TypeAlias

import typer

from secretsync import files
from secretsync.audit.explanation import Explanation, Leaf
from secretsync.audit.explanation import explain as explained
from secretsync.cli._creation import rules_at
from secretsync.cli._options import AllowDemoKeys, Config, InputType, grouped
from secretsync.cli._output import write_lines, write_stdout
from secretsync.masterkeys import MasterKeys

File: TypeAlias = Annotated[str, typer.Argument(metavar="FILE", help="An encrypted or a plain file.")]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Write JSON, for a machine.")]


@grouped
def explain(
    path: File,
    formats: InputType,
    config: Config = None,
    as_json: AsJson = False,
    allow_demo_keys: AllowDemoKeys = False,
) -> None:
    """Say which rule applies to a file, who can decrypt it, and which values are encrypted.

    For a plain file, it says what `encrypt` would do. No value is shown.
    """
    target = formats.target(path)
    data = files.read(path)
    source = target.placing(lambda: target.load(data, encrypted=True))
    keys = MasterKeys(os.environ, allow_demo_keys=allow_demo_keys)
    explanation = target.placing(lambda: explained(source.documents, target.name, rules_at(config), keys))
    if as_json:
        write_stdout((json.dumps({"version": 1, **asdict(explanation)}, indent=2) + "\n").encode())
    else:
        write_lines(_lines(path, explanation))


def _lines(path: str, explanation: Explanation) -> Iterator[str]:
    yield f"{path}: {'encrypted' if explanation.encrypted else 'not encrypted'}"
    yield f"rule      {explanation.rule}"
    yield f"selector  {explanation.selector}"
    yield f"MAC       covers {'encrypted values only' if explanation.mac_only_encrypted else 'every value'}"
    yield ""
    groups = max((each.group for each in explanation.access), default=0)
    yield "who" if groups < 2 else f"who: {explanation.threshold} of {groups} groups are needed"
    for each in explanation.access:
        yield f"  {f'group {each.group}  ' if groups > 1 else ''}{each.kind} {each.name}{'  (you)' if each.here else ''}"
    if not explanation.access:
        yield "  nobody"
    yield ""
    yield "what"
    for leaf in explanation.leaves:
        yield f"  {_state(leaf, file_encrypted=explanation.encrypted)}  {leaf.path}{f' ({leaf.count} values)' if leaf.count > 1 else ''}"
    if explanation.notes:
        yield ""
        yield from (f"note: {note}" for note in explanation.notes)


def _state(leaf: Leaf, *, file_encrypted: bool) -> str:
    """Return what a value is or, in a plain file, what `encrypt` would make of it."""
    if leaf.encrypted:
        return "encrypted   "
    if not leaf.selected:
        return "clear       "
    return "NOT ENCRYPTED" if file_encrypted else "to encrypt  "
