"""The entry point `secretsync-hook`: a table of commands, each loaded when it is called."""

from __future__ import annotations

import gc
import os
import sys
from typing import Final, NoReturn

from secretsync.hooks import _boundary
from secretsync.hooks.argv import UsageError

COMMANDS: Final = {
    "render": "secretsync.hooks.render_command",
    "helm": "secretsync.hooks.helm.command",
    "krm": "secretsync.hooks.krm.command",
}
"""Command -> module with `run(arguments) -> bytes`, the bytes for standard output."""

USAGE: Final = """\
usage: secretsync-hook COMMAND [OPTION]...

commands:
  render   print manifests decrypted, sealed or redacted, ready to apply
  krm      be a function of kustomize or kpt: generator, transformer or validator
  helm     post-render what Helm made of a chart; print value files decrypted

secretsync-hook COMMAND --help says more.
"""


def main() -> NoReturn:
    """Run the command that `sys.argv` names and leave with its code.

    The process ends without tearing the interpreter down, which takes longer than rendering a file.
    """
    code = run(sys.argv[1:])
    sys.stderr.flush()
    os._exit(code)


def run(arguments: list[str]) -> int:
    """Run the command that `arguments` name and return its exit code; all output is flushed."""
    # Trees hold no cycles: reference counting frees them, and the collector would only walk them again and again.
    gc.set_threshold(100_000)
    return _boundary.run(lambda: _action(arguments))


def _action(arguments: list[str]) -> bytes:
    if arguments in (["--help"], ["-h"]):
        return USAGE.encode()
    if arguments == ["--version"]:
        from secretsync import __version__, distribution

        complaint = distribution.complaint()
        if complaint:
            _boundary.say("warning", complaint)
        return f"secretsync-hook {__version__}\n".encode()
    if not arguments:
        raise UsageError("no command given")
    module = COMMANDS.get(arguments[0])
    if module is None:
        raise UsageError(f"no such command: {arguments[0]}")
    result: bytes = __import__(module, fromlist=["run"]).run(arguments[1:])
    return result


if __name__ == "__main__":
    main()
