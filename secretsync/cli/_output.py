"""Where results go: standard output in one piece, or a file in one step.

Nothing is written before the operation has succeeded as a whole, so a failed run leaves no output behind.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import Final

import typer

from secretsync import files
from secretsync.errors import BROKEN_PIPE, FileAccessError, one_line

PRIVATE_MODE: Final = 0o600
"""The mode of a new file that holds plaintext or keys."""


def write_stdout(data: bytes) -> None:
    """Write all of `data` to standard output; a reader that went away ends the program quietly."""
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        # The interpreter flushes once more at its end and must not fail then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(BROKEN_PIPE) from None
    except OSError as error:
        raise FileAccessError((error.strerror or "cannot be written").lower(), location="standard output") from None


def write_lines(lines: Iterable[str], output: str | None = None) -> None:
    """Write text for people, to the file `output` or to standard output; names in it cannot break a line or steer a terminal."""
    write_result("".join(f"{one_line(line)}\n" for line in lines).encode(), output)


def write_result(data: bytes, output: str | None, *, mode: int | None = None, replaces: bytes | None = None) -> None:
    """Write `data` to the file `output`, or to standard output for None and `-`."""
    if output is None or output == files.STDIN:
        write_stdout(data)
    else:
        files.write_atomic(output, data, mode, replaces=replaces)
