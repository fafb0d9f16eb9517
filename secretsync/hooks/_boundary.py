"""The hooks' error boundary: what failed becomes one line, a hint and an exit code, and nothing on standard output.

An engine shows standard error to everyone who may look at the app, so a bug shows where it is, never what it held.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Final

from secretsync.errors import FileAccessError, SecretsyncError, one_line
from secretsync.hooks.argv import UsageError

PROGRAM: Final = "secretsync"  # the hook prints what `secretsync` prints
USAGE: Final = 2
_BROKEN_PIPE: Final = 141  # 128 + SIGPIPE, as a shell reports it
BUG: Final = 70  # EX_SOFTWARE of sysexits.h
INTERRUPTED: Final = 130  # 128 + SIGINT


def run(action: Callable[[], bytes]) -> int:
    """Run `action`, print what it returns once it has succeeded, and return the exit code."""
    try:
        result = action()
    except SecretsyncError as error:
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


def say(kind: str, message: str) -> None:
    """Write one line to standard error; control characters in a file's name must not reach a terminal."""
    try:
        sys.stderr.write(f"{PROGRAM}: {kind}: {one_line(message)}\n")
        sys.stderr.flush()
    except OSError:
        pass


def _print(data: bytes) -> int:
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        # The interpreter flushes once more at its end and must not fail then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE
    except OSError as error:
        say("error", f"standard output: {(error.strerror or 'cannot be written').lower()}")
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FileAccessError.exit_code
    return 0


def _report_bug(error: BaseException) -> None:
    """Print the calls that led to a bug: file, line and function, and nothing they held."""
    frame = error.__traceback__
    while frame is not None:
        code = frame.tb_frame.f_code
        say("bug", f"{code.co_filename}:{frame.tb_lineno} in {code.co_name}")
        frame = frame.tb_next
    say("error", f"internal error: {type(error).__name__}")
    say("hint", "this is a bug; please report the lines above, they hold no values")
