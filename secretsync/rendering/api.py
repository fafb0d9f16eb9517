"""`secretsync.render(…)`: rendering as Python programs call it, with paths and names instead of an options object."""

from __future__ import annotations

import os
from collections.abc import Mapping

from secretsync import files
from secretsync.documents.tree import Limits
from secretsync.errors import ConfigError
from secretsync.rendering.discover import Input, from_stream
from secretsync.rendering.formats import FORMATS, Format
from secretsync.rendering.options import MODES, Mode, Options
from secretsync.rendering.rendering import Rendered
from secretsync.rendering.rendering import render as render_inputs

Path = str | os.PathLike[str]


def render(  # noqa: PLR0913  # one parameter per option of the command
    *inputs: Path | Input,
    mode: Mode = "reveal",
    cert: Path | None = None,
    seal_key: Path | None = None,
    namespace: str | None = None,
    output: Format | None = None,
    environ: Mapping[str, str] | None = None,
    limits: Limits | None = None,
    allow_expired: bool = False,
    allow_empty: bool = False,
    workers: int | None = None,
) -> Rendered:
    """Render files, folders and contents at hand (`Input(name, relpath, content=…)`), all or nothing.

    The parameters are those of `secretsync render`. `environ` says where identities come from (`SOPS_AGE_KEY_FILE`, …);
    None is the process's own environment. `workers=1` never forks, for programs that hold locks in other threads.
    Nothing is written: `.stream()` and `.files` of the result hold the bytes, `.warnings` what a person should know.

    Raises:
        ConfigError: there is no such mode or output format.
        SecretsyncError: of the first input that does not render; `location`, `hint` and `exit_code` say more.
    """
    for word, given, known in (("mode", mode, MODES), ("output", output or next(iter(FORMATS)), FORMATS)):
        if given not in known:
            raise ConfigError(f"unknown {word} {given!r}", hint=f"one of {', '.join(known)}")
    options = Options(
        mode=mode,
        cert_file=None if cert is None else os.fspath(cert),
        seal_key_file=None if seal_key is None else os.fspath(seal_key),
        namespace=namespace,
        output=output,
        environ=os.environ if environ is None else environ,
        limits=limits or Limits(),
        allow_expired=allow_expired,
        allow_empty=allow_empty,
        workers=workers,
    )
    return render_inputs([_input(item, options.limits) for item in inputs], options)


def _input(item: Path | Input, limits: Limits) -> str | Input:
    """Return one input; only a program that says `-` has its standard input read."""
    if isinstance(item, Input):
        return item
    path = os.fspath(item)
    return from_stream(files.read_stdin, limits) if path == files.STDIN else path
