"""The edge of a process that is a hook: its streams, its settings, and what becomes of an error.

What failed becomes one line, a hint and an exit code, and nothing on standard output. An engine shows standard error to
everyone who may look at the app, so a bug shows where it is, never what it held.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from secretsync import files
from secretsync.errors import (
    BROKEN_PIPE,
    BUG,
    INTERRUPTED,
    PROGRAM,
    REPORT,
    USAGE,
    FileAccessError,
    SecretsyncError,
    one_line,
)
from secretsync.hooks import Call
from secretsync.hooks.argv import UsageError
from secretsync.late import LateModule

if TYPE_CHECKING:
    from secretsync import interruption
    from secretsync.hooks import last_error
else:
    interruption = LateModule("secretsync.interruption")
    last_error = LateModule("secretsync.hooks.last_error")


def call(arguments: Sequence[str]) -> Call:
    """Return a call for the arguments, the environment and the streams of this process."""
    return Call(
        arguments,
        os.environ,
        read=files.read_stdin,
        is_terminal=sys.stdin is not None and sys.stdin.isatty(),
        warn=lambda message: say("warning", message),
        keep=_keep,
        end_in_order=_end_in_order,
    )


def run(action: Callable[[], bytes]) -> int:
    """Run `action`, print what it returns once it has succeeded, and return the exit code."""
    # Trees hold no cycles: reference counting frees them, and the collector would only walk them again and again.
    gc.set_threshold(100_000)
    try:
        result = action()
    except SecretsyncError as error:
        _print_answer(error.answer)
        say("error", str(error))
        if error.hint:
            say("hint", error.hint)
        return error.exit_code
    except UsageError as error:
        say("error", str(error))
        say("hint", "secretsync-hook --help")
        return USAGE
    except KeyboardInterrupt:
        say("error", "interrupted")
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001  # the boundary: a bug must not print what it holds
        _report_bug(error)
        return BUG
    return _print(result)


def leave(code: int) -> NoReturn:
    """End the process without tearing the interpreter down, which takes longer than rendering a file."""
    sys.stderr.flush()
    os._exit(code)


def say(kind: str, message: str) -> None:
    """Write one line to standard error; control characters in a file's name must not reach a terminal."""
    try:
        sys.stderr.write(f"{PROGRAM}: {kind}: {one_line(message)}\n")
        sys.stderr.flush()
    except OSError:
        pass


def _keep(path: str) -> None:
    last_error.keep(path)


def _end_in_order() -> None:
    interruption.end_in_order()


def _print(data: bytes) -> int:
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        # The interpreter flushes once more at its end and must not fail then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except OSError as error:
        say("error", f"standard output: {(error.strerror or 'cannot be written').lower()}")
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FileAccessError.exit_code
    return 0


def _print_answer(data: bytes) -> None:
    """Print what an engine reads although the call failed."""
    if data:
        with suppress(OSError):  # the error itself counts, and is told on standard error
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()


def _report_bug(error: BaseException) -> None:
    """Print the calls that led to a bug: file, line and function, and nothing they held."""
    frame = error.__traceback__
    while frame is not None:
        code = frame.tb_frame.f_code
        say("bug", f"{code.co_filename}:{frame.tb_lineno} in {code.co_name}")
        frame = frame.tb_next
    say("error", f"internal error: {type(error).__name__}")
    say("hint", f"this is a bug; {REPORT}")
