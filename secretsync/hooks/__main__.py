"""The entry point `secretsync-hook`: a table of commands, each loaded when it is called."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Final

from secretsync.hooks import _boundary
from secretsync.hooks.argv import UsageError

COMMANDS: Final = {"render": "secretsync.hooks.render_command"}
"""Command -> module with `run(arguments) -> bytes`, the bytes for standard output."""

USAGE: Final = """\
usage: secretsync-hook COMMAND [OPTION]...

commands:
  render   print manifests decrypted, sealed or redacted, ready to apply

secretsync-hook COMMAND --help says more.
"""


def main() -> None:
    """Run the command that `sys.argv` names and exit with its code."""
    sys.exit(_boundary.run(_action))


def _action() -> bytes:
    arguments = sys.argv[1:]
    if arguments in (["--help"], ["-h"]):
        return USAGE.encode()
    if arguments == ["--version"]:
        from secretsync import __version__

        return f"secretsync-hook {__version__}\n".encode()
    if not arguments:
        raise UsageError("no command given")
    module = COMMANDS.get(arguments[0])
    if module is None:
        raise UsageError(f"no such command: {arguments[0]}")
    result: bytes = import_module(module).run(arguments[1:])
    return result


if __name__ == "__main__":
    main()
