"""What a sync engine starts: one small entry point without an option parser, and a module for each command.

A command is a module that fulfils `Hook`, and a row of COMMANDS. All that it is told comes in a `Call`, its result is
bytes, and it touches nothing that a whole process shares: no stream, no signal, no environment. So a server can make
calls as well as the entry point does, from several threads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol


class HookEntry(NamedTuple):
    """What is known of a command before it is loaded. Without a `summary` it is left to the help of another."""

    module: str
    summary: str = ""


COMMANDS: Final[dict[str, HookEntry]] = {
    "render": HookEntry(
        "secretsync.hooks.render_command", "print manifests decrypted, sealed or redacted, ready to apply"
    ),
    "krm": HookEntry(
        "secretsync.hooks.krm.command", "be a function of kustomize or kpt: generator, transformer or validator"
    ),
    "helm": HookEntry(
        "secretsync.hooks.helm.command", "post-render what Helm made of a chart; print value files decrypted"
    ),
    "helm values": HookEntry("secretsync.hooks.helm.values"),
    "helm get": HookEntry("secretsync.hooks.helm.getter"),
}
"""Command, of one word or two -> where it is."""


def _ignore(*_: object) -> None:
    """Do nothing."""


def _nothing(_limit: int) -> bytes:
    return b""


class Call(NamedTuple):
    """One call of a command: what it is asked, and the few things it may ask of whoever calls."""

    arguments: Sequence[str] = ()
    environ: Mapping[str, str] = MappingProxyType({})
    """Where identities come from unless the hook's configuration names them, and what engines say of themselves."""
    read: Callable[[int], bytes] = _nothing
    """Return the input, at most so many bytes of it."""
    is_terminal: bool = False
    """Whether a person would have to type the input."""
    warn: Callable[[str], None] = _ignore
    """Tell a person what does not change the result."""
    keep: Callable[[str], None] = _ignore
    """Write all that is said from now on to this file as well."""
    end_in_order: Callable[[], None] = _ignore
    """Let a signal that ends the process raise KeyboardInterrupt, so that nothing half written stays."""


class Hook(Protocol):
    """One command. Every implementation is a module."""

    USAGE: str
    """What `--help` prints."""

    def run(self, call: Call) -> bytes:
        """Return what goes to standard output: the same for the same call.

        Raises:
            UsageError: the command line is wrong.
            SecretsyncError: whatever fails; its `answer` holds the bytes for an engine that reads them all the same.
        """
