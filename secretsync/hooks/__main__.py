"""The entry point `secretsync-hook`: it loads the command that the table has, and calls it for this process."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final, NoReturn

from secretsync import __version__
from secretsync.hooks import COMMANDS, Hook, _boundary
from secretsync.hooks.argv import UsageError
from secretsync.late import LateModule, load

if TYPE_CHECKING:
    from secretsync import distribution
else:
    distribution = LateModule("secretsync.distribution")

_HEAD: Final = "usage: secretsync-hook COMMAND [OPTION]...\n\ncommands:\n"
_TAIL: Final = "\nsecretsync-hook COMMAND --help says more.\n"


def main() -> NoReturn:
    """Run the command that `sys.argv` names and leave with its code."""
    _boundary.leave(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run the command that `arguments` name and return its exit code; all output is flushed."""
    return _boundary.run(lambda: _action(arguments))


def usage() -> str:
    """Return what `--help` prints: every command of the table that says what it is for."""
    rows = {name: entry.summary for name, entry in COMMANDS.items() if entry.summary}
    width = max(map(len, rows))
    return _HEAD + "".join(f"  {name:{width}}   {summary}\n" for name, summary in rows.items()) + _TAIL


def _action(arguments: list[str]) -> bytes:
    if arguments in (["--help"], ["-h"]):
        return usage().encode()
    if arguments == ["--version"]:
        return _version()
    if not arguments:
        raise UsageError("no command given")
    words = 2 if " ".join(arguments[:2]) in COMMANDS and len(arguments) > 1 else 1
    entry = COMMANDS.get(" ".join(arguments[:words]))
    if entry is None:
        raise UsageError(f"no such command: {arguments[0]}")
    hook: Hook = load(entry.module)
    return hook.run(_boundary.call(arguments[words:]))


def _version() -> bytes:
    complaint = distribution.complaint()
    if complaint:
        _boundary.say("warning", complaint)
    return f"secretsync-hook {__version__}\n".encode()


if __name__ == "__main__":
    main()
