"""The root command: what stands before every command's name, and running one command line within the boundary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from secretsync import __version__
from secretsync.cli._commands import LazyGroup
from secretsync.cli._errors import run_guarded
from secretsync.cli._output import write_stdout
from secretsync.cli._terminal import warn
from secretsync.errors import PROGRAM
from secretsync.late import LateModule

if TYPE_CHECKING:
    from secretsync import distribution
else:
    distribution = LateModule("secretsync.distribution")


def run(arguments: list[str]) -> int:
    """Run one command line in this process and return its exit code."""
    group = _root()
    return run_guarded(
        lambda: group.main(arguments or ["--help"], prog_name=PROGRAM, standalone_mode=False),
        sops_codes=lambda: group.sops_codes,
        verbose=lambda: group.verbose,
    )


def _root() -> LazyGroup:
    app = typer.Typer(
        cls=LazyGroup,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_general)
    group = typer.main.get_command(app)
    assert isinstance(group, LazyGroup)
    return group


def _general(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            "-v",
            is_eager=True,
            callback=lambda value: _show_version(asked=value),
            help="Print the version and leave.",
        ),
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Where a command fails, show where in the code, never with values.")
    ] = False,
) -> None:
    """Encrypted in Git, readable only at apply: SOPS and Sealed Secrets for GitOps."""


def _show_version(*, asked: bool) -> None:
    if asked:
        write_stdout(f"{PROGRAM} {__version__}\n".encode())
        complaint = distribution.complaint()
        if complaint:
            warn(complaint)
        raise typer.Exit
