"""`secretsync-hook krm`: a KRM function for kustomize and kpt, as generator, transformer or validator.

Its arguments and environment come from the kustomization, that is from the tenant: where there is an operator's
configuration they can only narrow it.
"""

from __future__ import annotations

import os
from typing import Final, cast

from secretsync.hooks import Call
from secretsync.hooks.argv import HELP, Option, Parsed, Request, UsageError, parse
from secretsync.hooks.context import find
from secretsync.hooks.krm import function
from secretsync.hooks.krm.context import KrmContext
from secretsync.rendering import MODES, Mode

USAGE: Final = """\
usage: secretsync-hook krm [OPTION]... < RESOURCELIST

A KRM function: reads a ResourceList, and writes it with its secrets revealed, sealed or redacted. What it does follows
from the kind of its functionConfig: ksops or SecretGenerator, SecretTransformer, SecretValidator.

  --mode reveal|seal|redact  what becomes of the secrets (reveal)
  --cert FILE                certificate to seal for (the only one in keys/)
  --seal-key FILE            what sealing a Secret in the clear derives from: at least 32 random bytes
  --allow-expired            seal for a certificate that has expired
  --operator-config FILE     what this hook may do, where /etc/secretsync/hook.yaml is not there; no file of a checkout
"""
TABLE: Final = {
    "--mode": Option("mode", choices=MODES),
    "--cert": Option("cert"),
    "--seal-key": Option("seal_key"),
    "--allow-expired": Option("allow_expired", takes_value=False),
    "--operator-config": Option("operator_config"),
    "--help": HELP,
    "-h": HELP,
}


def run(call: Call) -> bytes:
    """Answer the ResourceList that comes in. Where that fails, the error's `answer` is a list with results and no items.

    Raises:
        UsageError: the command line is wrong, or a person would have to type the list.
        SecretsyncError: something does not render.
    """
    parsed = parse(call.arguments, TABLE)
    if parsed.flag("help"):
        return USAGE.encode()
    if parsed.operands:
        raise UsageError(f"does not take operands, got {parsed.operands[0]!r}")
    request = Request(
        mode=cast("Mode | None", parsed.text("mode")),
        cert_file=parsed.text("cert"),
        seal_key_file=parsed.text("seal_key"),
        allow_expired=parsed.flag("allow_expired"),
    )
    context = KrmContext(request, find(_configuration(parsed), tenants=True), call)
    return function.answer(received(call, context), context)


def received(call: Call, context: KrmContext) -> bytes:
    """Return the input, read no further than it takes to tell that it is too large. Raises: UsageError (a terminal)."""
    if call.is_terminal:
        raise UsageError("reads a ResourceList from standard input, and is started by kustomize")
    return call.read(context.options.limits.size + 1)


def _configuration(parsed: Parsed) -> str | None:
    path = parsed.text("operator_config")
    if path is not None and not os.path.isabs(path):
        raise UsageError(f"--operator-config takes an absolute path, as a relative one leads into a checkout: {path!r}")
    return path
