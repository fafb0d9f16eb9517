"""`secretsync apply`: render and apply in one process, so that the plaintext touches no disk and no pipe."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import typer

from secretsync.cli._cluster import Connection, Paths, rendered_objects
from secretsync.cli._options import grouped
from secretsync.cli._output import write_stdout
from secretsync.cli.render import Bounds, Treatment, options_of
from secretsync.cluster.applying import Applied
from secretsync.cluster.applying import apply as apply_all

DryRun: TypeAlias = Annotated[
    Literal["none", "server"], typer.Option("--dry-run", help="With server: let the server check, and change nothing.")
]


@grouped
def apply(
    paths: Paths, treatment: Treatment, connection: Connection, *, dry_run: DryRun = "none", bounds: Bounds
) -> None:
    """Render manifests and apply them to a cluster by server-side apply.

    The server checks every object before the first one is applied. A line on stdout says what became of each.
    """
    objects = rendered_objects(paths, options_of(treatment, bounds, None))
    suffix = " (server dry run)" if dry_run == "server" else ""
    apply_all(
        connection.cluster(treatment.namespace),
        objects,
        manager=connection.field_manager,
        force=connection.force_conflicts,
        dry_run=dry_run == "server",
        done=lambda applied: write_stdout(f"{_line(applied)}{suffix}\n".encode()),
    )


def _line(applied: Applied) -> str:
    place = f" in {applied.namespace}" if applied.namespace else ""
    return f"{applied.kind.lower()}/{applied.name}{place} {applied.outcome}"
