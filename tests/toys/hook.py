"""A toy hook, for an engine that talks JSON: `{"manifests": "…"}` in, the same rendered out."""

from __future__ import annotations

import json
from typing import Final, cast

from secretsync.errors import ParseError
from secretsync.hooks import Call, HookEntry
from secretsync.hooks.argv import HELP, Option, Request, UsageError, parse
from secretsync.hooks.context import find, keys, resolved_options
from secretsync.rendering import MODES, Input, Mode, render
from secretsync.rendering.discover import from_stream

NAME: Final = "toy"
ENTRY: Final = HookEntry("tests.toys.hook", "answer an engine that talks JSON")

USAGE: Final = """\
usage: secretsync-hook toy [--mode reveal|seal|redact] < JSON

Render the manifests of a JSON object.
"""
TABLE: Final = {"--mode": Option("mode", choices=MODES), "--help": HELP, "-h": HELP}


def run(call: Call) -> bytes:
    """Render the manifests of the object that comes in."""
    parsed = parse(call.arguments, TABLE)
    if parsed.flag("help"):
        return USAGE.encode()
    if parsed.operands:
        raise UsageError("takes no operand")
    configuration = find(tenants=True)
    options = resolved_options(Request(mode=cast("Mode | None", parsed.text("mode"))), configuration, call.environ)
    try:
        manifests = json.loads(from_stream(call.read, options.limits).read(options.limits))["manifests"].encode()
    except (ValueError, KeyError):
        raise ParseError("is no JSON object with manifests", location="standard input") from None
    rendered = render(
        [Input("manifests", "a.yaml", content=manifests)], options, keys=keys(configuration, call.environ)
    )
    for warning in rendered.warnings:
        call.warn(warning)
    return json.dumps({"manifests": rendered.stream().decode()}).encode()
