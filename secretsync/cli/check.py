"""`secretsync check`: verify files and report findings; the exit code is 1 where there are any."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from secretsync.audit import check as examine
from secretsync.cli._findings import FindingsFormat, written
from secretsync.cli._options import AllowDemoKeys
from secretsync.late import LateModule
from secretsync.masterkeys import MasterKeys

if TYPE_CHECKING:
    from secretsync.audit import flux
else:
    flux = LateModule("secretsync.audit.flux")  # only for --as flux


def check(
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="Files and folders, or - for stdin.")],
    form: FindingsFormat = "text",
    output: Annotated[str | None, typer.Option("--output", help="Write to this file instead of stdout.")] = None,
    engine: Annotated[
        Literal["flux"] | None,
        typer.Option(
            "--as", help="Say as well what this engine will do with the folders: what it decrypts and misses."
        ),
    ] = None,
    entry: Annotated[
        list[str] | None,
        typer.Option(
            "--entry",
            metavar="PATH",
            help="With --as flux: a file or folder of Kustomizations that were applied first.",
        ),
    ] = None,
    map_source: Annotated[
        list[str] | None,
        typer.Option("--map-source", metavar="KIND/NAME=PATH", help="With --as flux: where another source lies."),
    ] = None,
    *,
    allow_demo_keys: AllowDemoKeys = False,
) -> int:
    """Verify every encrypted file and report what is wrong.

    Each SOPS file must open and its MAC hold, Secrets must not lie in the clear, SealedSecrets must be well-formed.
    Exits with 1 where there are findings.
    """
    report = examine(paths, os.environ, allow_demo_keys=allow_demo_keys)
    if engine == "flux":
        keys = MasterKeys(os.environ, allow_demo_keys=True)
        for path in paths:
            report.findings += flux.check_flux(path, keys=keys, entry=entry or (), map_source=map_source or ())
    elif entry or map_source:
        raise typer.BadParameter("--entry and --map-source need --as flux")
    return written(report, form, output)
