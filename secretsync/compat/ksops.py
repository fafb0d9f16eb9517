"""The executable `ksops`: KSOPS at its interfaces, as a KRM function and as a legacy exec plugin of kustomize.

Without arguments every item of the ResourceList on standard input is a generator, whatever its kind; with one, that
file is. Source: KSOPS 4.5.1, README and observed behaviour. What is stricter is in docs/how-to/kustomize.md.
"""

from __future__ import annotations

import sys
from typing import NoReturn

from secretsync import files
from secretsync.documents.stores import store_named
from secretsync.documents.yaml import loading
from secretsync.errors import ManifestError, SecretsyncError
from secretsync.hooks import Call, _boundary
from secretsync.hooks.argv import Request, UsageError
from secretsync.hooks.context import find
from secretsync.hooks.krm import function, resource_list
from secretsync.hooks.krm.command import received
from secretsync.hooks.krm.context import KrmContext
from secretsync.hooks.krm.resource_list import ResourceList

_FAILED = 1


def main() -> NoReturn:
    """Run, and leave with 0 or 1 as KSOPS does."""
    _boundary.leave(start(sys.argv[1:]))


def start(arguments: list[str]) -> int:
    """Run in the form that `arguments` ask for and return the exit code; all output is flushed."""
    return _FAILED if _boundary.run(lambda: run(_boundary.call(arguments))) else 0


def run(call: Call) -> bytes:
    """Return what goes to standard output.

    Raises:
        UsageError: more than one argument, or a person would have to type the list.
        SecretsyncError: something cannot be generated.
    """
    if len(call.arguments) > 1 or "install" in call.arguments:
        raise UsageError("takes one argument, the configuration of an exec plugin, or none as a KRM function")
    context = KrmContext(Request(), find(), call)
    if call.arguments:
        return _legacy(call.arguments[0], context)
    return function.answer(received(call, context), context, respond=_replaced, keep_items=True)


def _replaced(resources: ResourceList, context: KrmContext) -> bytes:
    """Replace every item by what it generates; where that fails, they stay as they came."""
    configs = resources.items or ([resources.config] if resources.config is not None else [])
    if not configs:
        raise ManifestError("no generator in the list", location="standard input")
    return resource_list.written(resources, function.generated(configs, context))


def _legacy(path: str, context: KrmContext) -> bytes:
    """Return the objects of the configuration in a file as a stream of documents, none of them empty."""
    try:
        documents = loading.load(files.read(path), limits=context.options.limits).documents
    except SecretsyncError as error:
        raise (error if error.location == path else error.at(path)) from None
    return store_named("yaml").dump(function.generated(documents, context))


if __name__ == "__main__":
    main()
