"""`secretsync-hook krm`: a KRM function for kustomize and kpt, as generator, transformer or validator.

Its arguments and environment come from the kustomization, that is from the tenant: where there is an operator's
configuration they can only narrow it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, cast

from secretsync.documents.tree import Mapping
from secretsync.errors import ConfigError, LimitError, PolicyError, SecretsyncError
from secretsync.hooks.argv import HELP, Option, Parsed, UsageError, parse
from secretsync.hooks.hook_configuration import Request, find
from secretsync.hooks.krm import annotations as krm_annotations
from secretsync.hooks.krm import resource_list
from secretsync.hooks.krm.context import KrmContext
from secretsync.hooks.krm.resource_list import ResourceList
from secretsync.manifests import generators
from secretsync.rendering import MODES, Mode
from secretsync.rendering.objects import kind_of, text_of

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
TRANSFORMER: Final = "SecretTransformer"
VALIDATOR: Final = "SecretValidator"


def run(arguments: Sequence[str]) -> bytes:
    """Answer the ResourceList on standard input. Where that fails, a list with results and no items is printed.

    Raises:
        UsageError: the command line is wrong, or standard input is a terminal.
        SecretsyncError: something does not render.
    """
    parsed = parse(arguments, TABLE)
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
    surroundings = KrmContext(request, find(_configuration(parsed), tenants=True))
    resources = received(surroundings)
    try:
        return _answer(resources, surroundings)
    except SecretsyncError as error:
        if not isinstance(error, _FindingsError):
            print_failure(resources, [resource_list.result(str(error))], keep_items=False)
        raise


def _configuration(parsed: Parsed) -> str | None:
    path = parsed.text("operator_config")
    if path is not None and not os.path.isabs(path):
        raise UsageError(f"--operator-config takes an absolute path, as a relative one leads into a checkout: {path!r}")
    return path


def received(surroundings: KrmContext) -> ResourceList:
    """Read the ResourceList on standard input. Raises: UsageError (a terminal), FormatError."""
    if sys.stdin.isatty():
        raise UsageError("reads a ResourceList from standard input, and is started by kustomize")
    limits = surroundings.options.limits
    data = sys.stdin.buffer.read(limits.size + 1)
    if len(data) > limits.size:
        raise LimitError(f"is larger than {limits.size} bytes", location="standard input")
    try:
        return resource_list.read(data, limits)
    except SecretsyncError as error:
        raise (error if error.location == "standard input" else error.at("standard input")) from None


def generated(configs: list[Mapping], surroundings: KrmContext) -> list[Mapping]:
    """Return the objects of all generators. Raises: SecretsyncError."""
    from secretsync.hooks.krm.generate import objects_of

    return [obj for config in configs for obj in objects_of(config, surroundings)]


def print_failure(resources: ResourceList, results: list[dict[str, object]], *, keep_items: bool) -> None:
    """Print the list with what went wrong; the engine reads standard error, other runners read this."""
    with suppress(OSError):  # the error itself counts, and is told on standard error
        sys.stdout.buffer.write(resource_list.failed(resources, results, keep_items=keep_items))
        sys.stdout.buffer.flush()


class _FindingsError(PolicyError):
    """A validator has found something, and has printed all of it."""


def _answer(resources: ResourceList, surroundings: KrmContext) -> bytes:
    config = resources.config
    kind = kind_of(config) if config is not None else ""
    if config is not None and kind in {TRANSFORMER, VALIDATOR}:
        if text_of(config.get("apiVersion")) != generators.API:
            raise ConfigError(f"expected {generators.API!r}", location=f"{kind} apiVersion")
        return _validated(resources, config) if kind == VALIDATOR else _transformed(resources, config, surroundings)
    own = [item for item in resources.items if generators.is_generator({"kind": kind_of(item)})]
    if not own and config is not None and generators.is_generator({"kind": kind}):
        own = [config]
    if not own:
        raise ConfigError(
            f"a functionConfig of kind {kind!r} says nothing to this function",
            hint=f"use one of ksops, {generators.KIND}, {TRANSFORMER}, {VALIDATOR}",
        )
    others = [item for item in resources.items if item not in own]
    items = [*others, *generated(own, surroundings)]
    return _confirmed(resource_list.written(resources, items), items, surroundings)


def _transformed(resources: ResourceList, config: Mapping, surroundings: KrmContext) -> bytes:
    from secretsync.hooks.krm.transform import transformed

    if not resources.items:
        raise ConfigError("nothing to transform", location=TRANSFORMER)
    items = transformed(resources.items, config, surroundings)
    return _confirmed(resource_list.spliced(resources, items), items, surroundings)


def _confirmed(data: bytes, items: list[Mapping], surroundings: KrmContext) -> bytes:
    """Return `data` once its items read as those that were judged; where nothing was judged, unread."""
    if surroundings.is_judged:
        resource_list.confirm(data, items)
    return data


def _validated(resources: ResourceList, config: Mapping) -> bytes:
    """Return the list as it came, or nothing to kustomize.

    kustomize compares the nodes it sent with those it parses, down to their quotes, and so refuses generated objects
    that come back unchanged; it takes nothing for an answer. Source: api/internal/target/kusttarget.go at v5.8.1.
    """
    from secretsync.hooks.krm.validate import findings

    found = findings(resources.items, config)
    if found:
        print_failure(resources, found, keep_items=False)
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise _FindingsError(f"{found[0]['message']}{more}")
    if any(krm_annotations.is_from_kustomize(item) for item in resources.items):
        return b""
    return resource_list.spliced(resources, resources.items)
