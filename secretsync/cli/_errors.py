"""The error boundary: what failed becomes one line, a hint and an exit code, whatever happens inside.

Expected failures are `SecretsyncError`. Anything else is a bug of ours: its place in the code is shown, never its
values, because an exception's text or a frame's variables may hold a secret.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from typing import Final

import typer

from secretsync import __version__
from secretsync.cli._terminal import say
from secretsync.errors import BUG, INTERRUPTED, PROGRAM, REPORT, USAGE, SecretsyncError

# `ctx.fail` and every complaint of the option parser derive from the base of BadParameter, which typer does not export.
_UsageError: Final[type[Exception]] = typer.BadParameter.__base__ or Exception


def run_guarded(action: Callable[[], object], *, sops_codes: Callable[[], bool], verbose: Callable[[], bool]) -> int:
    """Run `action` and return the exit code: its own int, or that of what it raised.

    `sops_codes` says, once the command is known, whether sops' own code is wanted where it has one.
    """
    try:
        result = action()
    except SecretsyncError as error:
        if verbose():
            _show_frames(error)
        say(str(error), kind="error")
        if error.hint:
            say(error.hint, kind="hint")
        return exit_code(error, sops_codes=sops_codes())
    except _UsageError as error:
        if type(error).__name__ == "NoArgsIsHelpError":  # a group without a command: its message is the help
            sys.stderr.write(f"{error.format_message()}\n")  # type: ignore[attr-defined]  # as above
            return USAGE
        say(_usage_message(error), kind="error")
        say(f"{_command_path(error)} --help", kind="hint")
        return USAGE
    except (KeyboardInterrupt, typer.Abort):
        say("interrupted")
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001  # the boundary: a bug must not print what it holds
        _show_frames(error)
        say(f"internal error: {type(error).__name__}", kind="error")
        say(f"this is a bug in {PROGRAM} {__version__}; {REPORT}", kind="hint")
        return BUG
    return result if isinstance(result, int) else 0


def exit_code(error: SecretsyncError, *, sops_codes: bool) -> int:
    """Return the exit code of `error`: that of sops for the file commands, where sops has one, else our own."""
    if sops_codes and error.sops_exit_code is not None:
        return error.sops_exit_code
    return error.exit_code


def _usage_message(error: Exception) -> str:
    """Return the parser's complaint in the voice of our own messages: lower case and without a full stop.

    Arguments too many are not shown: they can be parts of a value for `set`.
    """
    text: str = error.format_message() if hasattr(error, "format_message") else str(error)
    if text.startswith("Got unexpected extra argument"):
        text = "more arguments than the command takes"
    return text[:1].lower() + text[1:].rstrip(".")


def _command_path(error: Exception) -> str:
    context = getattr(error, "ctx", None)
    return context.command_path if context is not None else PROGRAM


def _show_frames(error: BaseException) -> None:
    """Print the calls that led to `error` and its causes: file, line and function, and nothing they held."""
    chain: BaseException | None = error
    while chain is not None:
        for frame in traceback.extract_tb(chain.__traceback__):
            say(f"  {frame.filename}:{frame.lineno} in {frame.name}")
        say(f"  raised {type(chain).__name__}")
        chain = chain.__cause__ or (None if chain.__suppress_context__ else chain.__context__)
