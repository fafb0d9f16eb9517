"""The entry point of `secretsync` and `python -m secretsync.cli`."""

from __future__ import annotations

import gc
import os
import sys
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, NoReturn

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


def main() -> NoReturn:
    """Run the command line and leave with its exit code."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # what libraries say to developers is not for our users
    gc.set_threshold(100_000)  # trees hold no cycles; loading typer alone would run the collector a dozen times
    code = run(sys.argv[1:])
    # Taking the interpreter down costs a fifth of a short command's time, and nothing here waits for it.
    with suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


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


if __name__ == "__main__":
    main()
