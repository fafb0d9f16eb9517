"""Value files for Helm: read from below one folder, decrypted, printed; also for URLs as Helm hands them to a getter.

Who names the file may not be who owns the machine (Argo CD takes value files from an Application), so no path leads out
of the folder: that of `SECRETSYNC_VALUES_ROOT`, else the one Helm runs in.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

from secretsync.documents.tree import Limits
from secretsync.errors import ConfigError, EscapeError, MissingFileError
from secretsync.hooks import Call
from secretsync.hooks.argv import HELP, Option, Request, UsageError, parse
from secretsync.hooks.context import find, keys, resolved_options
from secretsync.rendering import Input, render

USAGE: Final = """\
usage: secretsync-hook helm values [--operator-config FILE] FILE

Print a value file decrypted, for `helm … --values -`. One that is not encrypted is printed as it is.
"""

ROOT_VARIABLE: Final = "SECRETSYNC_VALUES_ROOT"
_SCHEMES: Final = ("secrets://", "secretsync://")
_BACKEND: Final = "sops!"  # helm-secrets' way to choose one
TABLE: Final = {"--operator-config": Option("operator_config"), "--help": HELP, "-h": HELP}


def run(call: Call) -> bytes:
    """Return the value file that the call names.

    Raises:
        UsageError: the command line is wrong.
        SecretsyncError: as `read`.
    """
    parsed = parse(call.arguments, TABLE)
    if parsed.flag("help"):
        return USAGE.encode()
    if len(parsed.operands) != 1:
        raise UsageError("give one FILE")
    return read(call, parsed.operands[0], parsed.text("operator_config"))


def read(call: Call, name: str, operator_config: str | None = None) -> bytes:
    """Return a value file decrypted: `[secrets://][?][sops!]PATH`; with `?` a missing file is an empty one.

    Raises:
        EscapeError: the path leads out of the folder.
        ConfigError: it is a URL of another kind.
        SecretsyncError: as `render`.
    """
    path = next((name.removeprefix(scheme) for scheme in _SCHEMES if name.startswith(scheme)), name)
    optional, path = path.startswith("?"), path.removeprefix("?").removeprefix(_BACKEND)
    if "://" in path:
        raise ConfigError(f"only files can be read, not {path.split('://', 1)[0]!r} URLs")
    if not path:
        raise ConfigError("names no file", location=name)
    configuration = find(operator_config, tenants=True)
    options = resolved_options(Request(mode="reveal", allow_empty=True), configuration, call.environ)
    held = keys(configuration, options.environ)
    source = _confined(path, call.environ)
    content = _content(source, options.limits, optional=optional)
    if content is None:
        return b""
    rendered = render([source._replace(content=content)], options, keys=held)
    for warning in rendered.warnings:
        call.warn(warning)
    return rendered.stream()


def _content(source: Input, limits: Limits, *, optional: bool) -> bytes | None:
    """Return the bytes of the file, None where it is `optional` and missing: that alone, and not its folder, may be."""
    try:
        return source.read(limits)
    except MissingFileError:
        if optional and os.path.isdir(source.root or "."):
            return None
        raise
    except EscapeError as error:
        error.hint = error.hint or f"run helm in a folder above it, or name one: {ROOT_VARIABLE}=FOLDER"
        raise


def _confined(path: str, environ: Mapping[str, str]) -> Input:
    root = environ.get(ROOT_VARIABLE) or "."
    relpath = os.path.relpath(path, os.path.realpath(root)) if os.path.isabs(path) else path
    return Input(path, path, relpath, root)
