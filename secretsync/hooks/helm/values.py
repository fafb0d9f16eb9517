"""Value files for Helm: read from below one folder, decrypted, printed; also for URLs as Helm hands them to a getter.

Who names the file may not be who owns the machine (Argo CD takes value files from an Application), so no path leads out
of the folder: that of `SECRETSYNC_VALUES_ROOT`, else the one Helm runs in.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final

from secretsync.documents.tree import Limits
from secretsync.errors import ConfigError, EscapeError, MissingFileError
from secretsync.hooks import _boundary
from secretsync.hooks.argv import HELP, Option, UsageError, parse
from secretsync.hooks.hook_configuration import Request, find, keys, resolved_options
from secretsync.rendering import Input, render

USAGE: Final = """\
usage: secretsync-hook helm values [--operator-config FILE] FILE

Print a value file decrypted, for `helm … --values -`. One that is not encrypted is printed as it is.
"""

ROOT_VARIABLE: Final = "SECRETSYNC_VALUES_ROOT"
_SCHEMES: Final = ("secrets://", "secretsync://")
_BACKEND: Final = "sops!"  # helm-secrets' way to choose one
_TABLE: Final = {"--operator-config": Option("operator_config"), "--help": HELP, "-h": HELP}


def values(arguments: Sequence[str]) -> bytes:
    """Return the value file that `arguments` name.

    Raises:
        UsageError: the command line is wrong.
        SecretsyncError: as `read`.
    """
    parsed = parse(arguments, _TABLE)
    if parsed.flag("help"):
        return USAGE.encode()
    if len(parsed.operands) != 1:
        raise UsageError("give one FILE")
    return read(parsed.operands[0], parsed.text("operator_config"))


def get(arguments: Sequence[str]) -> bytes:
    """Return the value file of a URL; Helm gives certificate, key and CA file, which are for servers, and the URL.

    Raises:
        UsageError: this is no getter's command line.
        SecretsyncError: as `read`.
    """
    if len(arguments) != 4:
        raise UsageError("Helm gives CERT KEY CA URL")
    return read(arguments[3], None)


def read(name: str, operator_config: str | None) -> bytes:
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
    operator = find(operator_config, tenants=True)
    options = resolved_options(Request(mode="reveal", allow_empty=True), operator)
    held = keys(operator, options.environ)
    source = _confined(path)
    content = _content(source, options.limits, optional=optional)
    if content is None:
        return b""
    rendered = render([source._replace(content=content)], options, keys=held)
    for warning in rendered.warnings:
        _boundary.say("warning", warning)
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


def _confined(path: str) -> Input:
    root = os.environ.get(ROOT_VARIABLE) or "."
    relpath = os.path.relpath(path, os.path.realpath(root)) if os.path.isabs(path) else path
    return Input(path, path, relpath, root)
