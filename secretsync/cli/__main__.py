"""The entry point of `secretsync` and `python -m secretsync.cli`.

What git starts for each file goes past the option parser, which would cost more than the merge of the file.
"""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress
from typing import Final, NoReturn

from secretsync.late import load

DIRECT: Final = {("git", "merge-driver"): "secretsync.cli.git.merge_driver:run"}
"""Commands with a command line of their own, which git writes, by their first words."""


def main() -> NoReturn:
    """Run the command line and leave with its exit code."""
    if not sys.warnoptions:
        load("warnings").simplefilter("ignore")  # what libraries say to developers is not for our users
    gc.set_threshold(100_000)  # trees hold no cycles; loading typer alone would run the collector a dozen times
    code = run(sys.argv[1:])
    # Taking the interpreter down costs a fifth of a short command's time, and nothing here waits for it.
    with suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def run(arguments: list[str]) -> int:
    """Run one command line in this process and return its exit code."""
    place = DIRECT.get((arguments[0], arguments[1])) if len(arguments) > 1 else None
    code: int = load(place)(arguments[2:]) if place else load("secretsync.cli._root:run")(arguments)
    return code


if __name__ == "__main__":
    main()
