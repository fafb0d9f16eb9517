"""The table of commands, and the group that loads a command's module only when it runs.

`--help` is rendered from the table, so that it costs no import beyond typer (ADR 0003).
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any, Final, NamedTuple

import typer
from typer.core import TyperGroup

from secretsync.late import load

_GENERAL_OPTIONS: Final = {"--config": True, "--indent": True, "--mac-only-encrypted": False}
"""What sops takes before the command, and whether it has a value; taken on either side of the command here."""


class Command(NamedTuple):
    """One row of the table: where the command is, what it says of itself, and whose exit codes it uses."""

    module: str
    section: str
    summary: str
    sops_codes: bool = False


COMMANDS: Final[dict[str, Command]] = {
    "render": Command("render", "Manifests", "Print manifests decrypted, sealed or redacted, ready to apply."),
    "diff": Command("diff", "Manifests", "Show what applying would change in the cluster, values hidden."),
    "apply": Command("apply", "Manifests", "Render manifests and apply them to a cluster."),
    "check": Command("check", "Manifests", "Verify every encrypted file and report what is wrong."),
    "hook": Command("hook", "Manifests", "Print what installs the render hook in a sync engine."),
    "encrypt": Command("encrypt", "SOPS files", "Encrypt a file.", sops_codes=True),
    "decrypt": Command("decrypt", "SOPS files", "Decrypt a file, once its MAC holds.", sops_codes=True),
    "edit": Command("edit", "SOPS files", "Edit an encrypted file in your editor.", sops_codes=True),
    "set": Command("set_value", "SOPS files", "Set one value of an encrypted file.", sops_codes=True),
    "unset": Command("unset_value", "SOPS files", "Remove one value of an encrypted file.", sops_codes=True),
    "rotate": Command("rotate", "SOPS files", "Give files a new data key.", sops_codes=True),
    "updatekeys": Command("updatekeys", "SOPS files", "Give files the recipients of .sops.yaml.", sops_codes=True),
    "filestatus": Command("filestatus", "SOPS files", "Say whether a file is encrypted.", sops_codes=True),
    "resolve": Command("resolve", "SOPS files", "Finish the merge of encrypted files."),
    "repair": Command("repair", "SOPS files", "Give a file that was merged by hand a MAC that holds."),
    "exec-env": Command("exec_env", "SOPS files", "Run a command with the values as environment.", sops_codes=True),
    "exec-file": Command("exec_file", "SOPS files", "Run a command with the decrypted file.", sops_codes=True),
    "explain": Command("explain", "SOPS files", "Say which rule applies, who can decrypt, and what is encrypted."),
    "git": Command("git.commands", "SOPS files", "Let git merge encrypted files: merge-driver, status."),
    "seal": Command("seal", "Sealed Secrets", "Turn Secrets into SealedSecrets."),
    "unseal": Command("unseal", "Sealed Secrets", "Turn SealedSecrets back into Secrets, with the private keys."),
    "sealing-keys": Command(
        "sealing_keys", "Sealed Secrets", "List, fetch, back up, restore and prove a controller's keys."
    ),
    "init": Command("init", "Keys", "Set a repository up: first key, key ring, rules, .sops.yaml."),
    "keys": Command("keys.commands", "Keys", "Say who may read what: list, add, remove, prove and check keys."),
    "keygen": Command("keygen", "Keys", "Make an age identity."),
    "exposure": Command("exposure", "Keys", "Say which values somebody could ever open, and which still live."),
    "due": Command("due", "Keys", "List the files whose data keys are older than allowed."),
    "runbook": Command("runbook.commands", "Keys", "Change keys over a repository: planned, proved, resumable."),
    "doctor": Command("doctor", "Keys", "Say what this environment can decrypt, and why not more."),
}


class LazyGroup(TyperGroup):
    """The root command: knows its commands from the table, and what the error boundary must know of this run."""

    sops_codes: bool = False
    verbose: bool = False

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002  # typer's signature
        """Return all names, in the table's order."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002  # typer's signature
        """Load the module of one command and return the command, or None where there is no such name."""
        row = COMMANDS.get(cmd_name)
        if row is None:
            return None
        module = load(f"secretsync.cli.{row.module}")
        if hasattr(module, "app"):  # a group of commands of its own
            group = typer.main.get_command(module.app)
            group.name = cmd_name
            return group
        app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
        app.command(cmd_name)(getattr(module, row.module))
        return typer.main.get_command(app)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the root's options; general options that stand before the command are handed on to it."""
        own = args[: args.index("--")] if "--" in args else args
        self.verbose = "--verbose" in own
        rest = [argument for argument in own if argument != "--verbose"] + args[len(own) :]
        return super().parse_args(ctx, _hand_on_general_options(rest))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that `args` names, or fail with the nearest names there are."""
        if args[0] not in COMMANDS:
            matches = get_close_matches(args[0], COMMANDS)
            ctx.fail(f"no such command {args[0]!r}" + (f"; did you mean {matches[0]!r}?" if matches else ""))
        self.sops_codes = COMMANDS[args[0]].sops_codes
        return super().resolve_command(ctx, _with_negative_numbers(args) if args[0] == "set" else args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002  # typer's signature
        """Write the table, a section at a time."""
        for section in dict.fromkeys(row.section for row in COMMANDS.values()):
            with formatter.section(section):
                formatter.write_dl([(name, row.summary) for name, row in COMMANDS.items() if row.section == section])


def _with_negative_numbers(args: list[str]) -> list[str]:
    """Return `args` with a space before negative numbers: for JSON it is nothing, and for the parser no option."""
    return [f" {argument}" if argument[:1] == "-" and argument[1:2].isdecimal() else argument for argument in args]


def _hand_on_general_options(args: list[str]) -> list[str]:
    """Return `args` with the general options moved behind the command's name."""
    moved: list[str] = []
    rest = list(args)
    while rest and rest[0].partition("=")[0] in _GENERAL_OPTIONS:
        size = 1 + _GENERAL_OPTIONS.get(rest[0], False)
        moved += rest[:size]
        rest = rest[size:]
    return [*rest[:1], *moved, *rest[1:]]
