"""`secretsync check`: verify files and report findings; the exit code is 1 where there are any."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from secretsync.audit import check as examine
from secretsync.audit import unresolved
from secretsync.audit.opening import keys_for
from secretsync.cli._findings import FindingsFormat, written
from secretsync.cli._gate import GateOptions, opened
from secretsync.cli._options import AllowDemoKeys, grouped
from secretsync.errors import ConflictingOptionsError
from secretsync.late import LateModule

if TYPE_CHECKING:
    from secretsync.audit import flux
else:
    flux = LateModule("secretsync.audit.flux")  # only for --as flux


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """The options that say which engine will read the folders, and how."""

    engine: Annotated[
        Literal["flux"] | None,
        typer.Option(
            "--as", help="Say as well what this engine will do with the folders: what it decrypts and misses."
        ),
    ] = None
    entry: Annotated[
        list[str] | None,
        typer.Option(
            "--entry",
            metavar="PATH",
            help="With --as flux: a file or folder of Kustomizations that were applied first.",
        ),
    ] = None
    map_source: Annotated[
        list[str] | None,
        typer.Option("--map-source", metavar="KIND/NAME=PATH", help="With --as flux: where another source lies."),
    ] = None


@grouped
def check(
    through: GateOptions,
    to: EngineOptions,
    paths: Annotated[
        list[str] | None, typer.Argument(metavar="PATH...", help="Files and folders, or - for stdin.")
    ] = None,
    form: FindingsFormat = "text",
    output: Annotated[str | None, typer.Option("--output", help="Write to this file instead of stdout.")] = None,
    key_use: Annotated[
        Literal["auto", "none", "required"],
        typer.Option(
            "--keys",
            help="Open files with the keys of this machine, with none, or let it fail where one does not open.",
        ),
    ] = "auto",
    *,
    allow_demo_keys: AllowDemoKeys = False,
) -> int:
    """Judge every file that is or should be encrypted, and report what is wrong.

    What a key here opens must open whole, with a MAC that holds. Without a key, structure, recipients and values in the
    clear are judged, and what did not open is counted. Exits with 1 where there are findings; what does not count stands
    in .secretsync.yaml.
    """
    paths = paths or []
    _require_sense(through, to, paths)
    with opened(through, paths) as (gate, found):
        report = examine(
            found, os.environ, allow_demo_keys=allow_demo_keys, key_use=key_use, reviewed=gate.reviewed_rules()
        )
        if to.engine == "flux":
            keys = keys_for(key_use, os.environ)
            for path in paths:
                report.findings += flux.check_flux(
                    path, keys=keys, entry=to.entry or (), map_source=to.map_source or ()
                )
        gate.judge(report, locate=form != "text", write_baseline=through.write_baseline)
        report.findings += unresolved.findings(gate.root, paths, staged=through.staged)
    return written(report, form, output)


def _require_sense(through: GateOptions, to: EngineOptions, paths: list[str]) -> None:
    if not paths and not through.staged:
        raise typer.BadParameter("name files or folders, or give --staged", param_hint="PATH...")
    if through.staged and to.engine:
        raise ConflictingOptionsError("--as looks at folders, and --staged at what git has staged")
    if not to.engine and (to.entry or to.map_source):
        raise typer.BadParameter("--entry and --map-source need --as flux")
