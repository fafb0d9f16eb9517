"""`secretsync git merge-driver`: what git starts for each encrypted file that both sides of a merge changed.

It has no option parser: git writes its command line, and starts it once a file.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from secretsync.cli._direct import run_direct
from secretsync.cli._terminal import say
from secretsync.late import LateModule

if TYPE_CHECKING:
    import secretsync.merging.driver as driver
else:
    driver = LateModule("secretsync.merging.driver")  # a broken installation is to end within the boundary, too

USAGE: Final = "usage: secretsync git merge-driver [--marker-size N] -- BASE OURS THEIRS PATH"
_HELP: Final = """\
Merge one encrypted file value by value: what git starts for each file that both sides of a merge changed.

OURS takes the result; PATH names the store and the rule. Ends with 0 where the merge is clean, with 1 at a conflict or
where it refuses, and above 128 where it could not run. docs/how-to/merge-and-diff.md says how git is told of it."""
FAILED: Final = 129
"""More than 128 is no conflict for git but a driver that failed. Source: gitattributes(5), merge-ll.c."""
_MARKER_SIZE: Final = "7"
"""How long git's markers are, where nothing else is said. Source: git xdiff-interface.h."""
_OPTION: Final = "--marker-size"


def run(arguments: Sequence[str]) -> int:
    """Merge one file, and return the exit code that git understands: 0 clean, 1 conflict, above 128 failed."""
    return run_direct(lambda: _run(list(arguments)), failed=FAILED)


def _run(arguments: list[str]) -> int:
    if arguments in (["--help"], ["-h"]):
        sys.stdout.write(f"{USAGE}\n\n{_HELP}\n")
        return 0
    call = _call(arguments)
    if call is None:
        say(USAGE)
        return FAILED
    result = driver.drive(call, os.environ, datetime.now(UTC))
    for line in result.lines:
        say(line.text, kind=line.kind)
    return result.code


def _call(arguments: list[str]) -> driver.DriverCall | None:
    """Return what git asks for, None where that is not what a merge driver is asked."""
    if arguments[:1] and arguments[0].startswith(f"{_OPTION}="):
        arguments[:1] = arguments[0].split("=", 1)
    size = arguments[1] if arguments[:1] == [_OPTION] and len(arguments) > 1 else _MARKER_SIZE
    files = arguments[2:] if arguments[:1] == [_OPTION] else arguments
    if files[:1] != ["--"] or len(files) != 5 or not (size.isascii() and size.isdecimal()):
        return None
    base, ours, theirs, path = files[1:]
    return driver.DriverCall(base, ours, theirs, path, int(size))
