"""`keys lint`: what is wrong with the ring and with who can open the repository's files; exits with 1 where anything is."""

from __future__ import annotations

from typing import Annotated

import typer

from secretsync.cli._findings import FindingsFormat, written
from secretsync.cli._options import grouped
from secretsync.cli.keys import ring
from secretsync.cli.keys.ring import RingLocation
from secretsync.errors import PolicyError
from secretsync.findings import Report
from secretsync.keyring import editing
from secretsync.keyring.linting import lint as examine
from secretsync.keyring.ruleset import DELIBERATE, LOOK


@grouped
def lint(
    place: RingLocation,
    fix: Annotated[bool, typer.Option("--fix", help="Write .sops.yaml and keys/keyring.lock anew.")] = False,
    accept: Annotated[
        bool, typer.Option("--accept", help="With --fix: also where that takes protection away.")
    ] = False,
    form: FindingsFormat = "text",
    output: Annotated[str | None, typer.Option("--output", help="Write to this file instead of stdout.")] = None,
) -> int:
    """Check the key ring, what follows from it, and that every encrypted file obeys it.

    No key is needed and nothing is decrypted. Exits with 1 where there are findings.
    """
    place.ring()
    report = examine(place.root, place.names(), today=ring.today())
    if fix:
        _fix(place, report, accept=accept)
        report = examine(place.root, place.names(), today=ring.today())
    return written(report, form, output)


def _fix(place: RingLocation, report: Report, *, accept: bool) -> None:
    """Write what follows from the ring, once nothing in it looks like an attack, or somebody says that it is meant."""
    grave = [each for each in report.findings if each.rule in DELIBERATE and each.file.startswith("keys/")]
    if grave and not accept:
        raise PolicyError(
            f"a new lock would hide that {grave[0].message}",
            location=grave[0].location,
            hint=LOOK,
        )
    place.write(editing.regenerated(place.source, {}, today=ring.today()), dry_run=False)
