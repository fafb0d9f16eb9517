"""`secretsync doctor`: what this environment can decrypt, and why not more."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from typing import Annotated

import typer

from secretsync import __version__
from secretsync.audit.doctor import Observation, can_decrypt, examine
from secretsync.cli._output import write_stdout

_SIGNS = {"ok": "ok", "none": "--", "bad": "!!"}
_NOTHING_OPENS = 1


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON, for a machine.")] = False,
) -> int:
    """Say what this environment can decrypt, and why not more.

    Shows each place that may hold keys with the recipients of what is there, never a private key.
    Exits with 1 where there is no key at all.
    """
    observations = examine(os.environ)
    write_stdout((_as_json(observations) if as_json else _as_text(observations)).encode())
    return 0 if can_decrypt(observations) else _NOTHING_OPENS


def _as_text(observations: list[Observation]) -> str:
    width = max(len(each.name) for each in observations)
    lines = [f"secretsync {__version__}"]
    topic = ""
    for each in observations:
        if each.topic != topic:
            topic = each.topic
            lines += ["", topic]
        lines.append(f"  {_SIGNS[each.state]}  {each.name:{width}}  {each.detail}")
    if not can_decrypt(observations):
        lines += ["", "No key here: set SOPS_AGE_KEY_FILE, or make a key with: secretsync keygen -o key.txt"]
    return "\n".join(lines) + "\n"


def _as_json(observations: list[Observation]) -> str:
    return json.dumps({"version": 1, "observations": [asdict(each) for each in observations]}, indent=2) + "\n"
