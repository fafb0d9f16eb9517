"""`secretsync git`: what git is taught about encrypted files. The commands are in the modules below."""

from __future__ import annotations

import typer

from secretsync.cli.git.status import status

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def git() -> None:
    """Let git merge encrypted files value by value, and say which of its merges are not finished."""


app.command("status", short_help="Say which merges of encrypted files are not finished.")(status)
