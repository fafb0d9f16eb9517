"""`secretsync rotate`: a new data key for files, and recipients added or removed on the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, TypeAlias

import typer

from secretsync import files
from secretsync.cli import _many
from secretsync.cli._creation import rules_at
from secretsync.cli._options import Config, Destination, DryRun, FilenameOverride, Formats, Opening, grouped
from secretsync.cli._output import write_result
from secretsync.cli._terminal import warn
from secretsync.errors import ConflictingOptionsError, NoMatchingRuleError
from secretsync.sops import operations
from secretsync.sops.config import Config as Rules
from secretsync.sops.creation import KEY_VARIABLES
from secretsync.sops.datakey import Recipient
from secretsync.sops.operations import Change
from secretsync.sops.rules import comma_separated, recipient

Paths: TypeAlias = Annotated[
    list[str], typer.Argument(metavar="PATH...", help="Encrypted files, and with -i folders of them.")
]
_Unsupported: TypeAlias = str | None


@dataclass(frozen=True, slots=True)
class Recipients:
    """Who gains and who loses the file. Fields are named `add_` or `rm_` and the kind of key."""

    add_age: Annotated[str | None, typer.Option("--add-age", help="age recipients to add, comma-separated.")] = None
    rm_age: Annotated[str | None, typer.Option("--rm-age", help="age recipients to remove.")] = None
    add_pgp: Annotated[str | None, typer.Option("--add-pgp", help="PGP fingerprints to add, comma-separated.")] = None
    rm_pgp: Annotated[str | None, typer.Option("--rm-pgp", help="PGP fingerprints to remove.")] = None
    add_kms: Annotated[_Unsupported, typer.Option("--add-kms", hidden=True)] = None
    rm_kms: Annotated[_Unsupported, typer.Option("--rm-kms", hidden=True)] = None
    add_gcp_kms: Annotated[_Unsupported, typer.Option("--add-gcp-kms", hidden=True)] = None
    rm_gcp_kms: Annotated[_Unsupported, typer.Option("--rm-gcp-kms", hidden=True)] = None
    add_hckms: Annotated[_Unsupported, typer.Option("--add-hckms", hidden=True)] = None
    rm_hckms: Annotated[_Unsupported, typer.Option("--rm-hckms", hidden=True)] = None
    add_azure_kv: Annotated[_Unsupported, typer.Option("--add-azure-kv", hidden=True)] = None
    rm_azure_kv: Annotated[_Unsupported, typer.Option("--rm-azure-kv", hidden=True)] = None
    add_hc_vault: Annotated[_Unsupported, typer.Option("--add-hc-vault-transit", hidden=True)] = None
    rm_hc_vault: Annotated[_Unsupported, typer.Option("--rm-hc-vault-transit", hidden=True)] = None

    def named(self, prefix: str) -> list[Recipient]:
        """Return the recipients of all options that start with `add` or `rm`."""
        return [
            recipient(kind, name)
            for kind in KEY_VARIABLES
            for name in comma_separated(getattr(self, f"{prefix}_{kind}") or "")
        ]


@grouped
def rotate(
    paths: Paths,
    recipients: Recipients,
    formats: Formats,
    destination: Destination,
    opening: Opening,
    filename_override: FilenameOverride = None,
    config: Config = None,
    dry_run: DryRun = False,
) -> int:
    """Give files a new data key, and encrypt every value anew.

    The recipients stay those of the file, with what is added and removed here, as in sops; where they differ from the
    matching rule of .sops.yaml, a warning says so. A folder stands for all encrypted files in it.
    """
    rules = rules_at(config)
    keys = opening.keys()
    additions, removals = recipients.named("add"), recipients.named("rm")

    def changed(path: str, data: bytes) -> Change:
        target = formats.target_of(path, data, filename_override)
        options = opening.options(target, keys)
        policy = _policy(rules, target.name)
        now = datetime.now(UTC)
        return target.placing(
            lambda: operations.rotate(data, options, now=now, add=additions, remove=removals, policy=policy)
        )

    if destination.in_place or dry_run:
        work = _in_place(changed, destination, dry_run=dry_run)
        return _many.for_each(_many.expand(paths), work, dry_run=dry_run)
    if len(paths) > 1:
        raise ConflictingOptionsError("several files are rotated with --in-place only")
    data = files.read(paths[0])
    change = changed(paths[0], data)
    for warning in change.warnings:
        warn(f"{paths[0]}: {warning}")
    write_result(change.data, destination.path(paths[0]))
    return 0


def _in_place(changed: Callable[[str, bytes], Change], destination: Destination, *, dry_run: bool) -> _many.Work:
    def work(path: str) -> _many.Told:
        data = files.read(path)
        change = changed(path, data)
        if dry_run:
            return _many.Told(["would get a new data key"], change.warnings)
        write_result(change.data, destination.path(path), replaces=data)
        return _many.Told(warnings=change.warnings)

    return work


def _policy(rules: Rules | None, name: str) -> list[list[Recipient]] | None:
    """Return whom the matching rule names, None where there is no rule to compare with."""
    try:
        rule = rules.rule_for(name) if rules else None
    except NoMatchingRuleError:
        return None
    return rule.groups if rule else None
