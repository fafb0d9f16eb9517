"""The executable `ksops`: KSOPS at its interfaces, as a KRM function and as a legacy exec plugin of kustomize.

Without arguments every item of the ResourceList on standard input is a generator, whatever its kind; with one, that
file is. Source: KSOPS 4.5.1, README and observed behaviour. What is stricter is in docs/how-to/kustomize.md.
"""

from __future__ import annotations

import gc
import os
import sys
from typing import NoReturn

from secretsync import files
from secretsync.documents.stores import store_named
from secretsync.documents.yaml import loading
from secretsync.errors import ManifestError, SecretsyncError
from secretsync.hooks import _boundary
from secretsync.hooks.argv import UsageError
from secretsync.hooks.hook_configuration import Request, find
from secretsync.hooks.krm import command, resource_list
from secretsync.hooks.krm.context import KrmContext

_FAILED = 1


def main() -> NoReturn:
    """Run, and leave with 0 or 1 as KSOPS does."""
    code = run(sys.argv[1:])
    sys.stderr.flush()
    os._exit(code)


def run(arguments: list[str]) -> int:
    """Run in the form that `arguments` ask for and return the exit code; all output is flushed."""
    gc.set_threshold(100_000)
    return _FAILED if _boundary.run(lambda: _answer(arguments)) else 0


def _answer(arguments: list[str]) -> bytes:
    if len(arguments) > 1 or arguments[:1] == ["install"]:
        raise UsageError("takes one argument, the configuration of an exec plugin, or none as a KRM function")
    surroundings = KrmContext(Request(), find())
    return _legacy(arguments[0], surroundings) if arguments else _function(surroundings)


def _function(surroundings: KrmContext) -> bytes:
    """Replace every item by what it generates; where that fails, print them as they came, with results."""
    resources = command.received(surroundings)
    configs = resources.items or ([resources.config] if resources.config is not None else [])
    try:
        if not configs:
            raise ManifestError("no generator in the list", location="standard input")
        return resource_list.written(resources, command.generated(configs, surroundings))
    except SecretsyncError as error:
        command.print_failure(resources, [resource_list.result(str(error))], keep_items=True)
        raise


def _legacy(path: str, surroundings: KrmContext) -> bytes:
    """Return the objects of the configuration in a file as a stream of documents, none of them empty."""
    try:
        documents = loading.load(files.read(path), limits=surroundings.options.limits).documents
    except SecretsyncError as error:
        raise (error if error.location == path else error.at(path)) from None
    return store_named("yaml").dump(command.generated(documents, surroundings))


if __name__ == "__main__":
    main()
