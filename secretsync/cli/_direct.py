"""The error boundary of what git starts past the option parser, once a file: loading `_errors` would load the parser."""

from __future__ import annotations

from collections.abc import Callable

from secretsync.cli._terminal import say
from secretsync.errors import INTERRUPTED, REPORT, SecretsyncError


def run_direct(action: Callable[[], int], *, failed: int) -> int:
    """Run `action` and return its exit code, or `failed` for whatever it raised; a bug shows where it is, and no value."""
    try:
        return action()
    except SecretsyncError as error:
        say(str(error), kind="error")
        if error.hint:
            say(error.hint, kind="hint")
    except KeyboardInterrupt:
        say("interrupted")
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001  # the boundary: a bug must not print what it holds
        frame = error.__traceback__
        while frame is not None:
            say(f"  {frame.tb_frame.f_code.co_filename}:{frame.tb_lineno} in {frame.tb_frame.f_code.co_name}")
            frame = frame.tb_next
        say(f"internal error: {type(error).__name__}; {REPORT}", kind="error")
    return failed
