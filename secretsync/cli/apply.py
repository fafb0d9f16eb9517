"""`secretsync apply`: render and apply in one process, so that the plaintext touches no disk and no pipe."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, TypeAlias

import typer

from secretsync.cli._cluster import Connection, Paths, rendered_objects, tell_refused
from secretsync.cli._inventories import InventoryName, Memory
from secretsync.cli._options import grouped
from secretsync.cli._output import write_stdout
from secretsync.cli._terminal import say
from secretsync.cli.render import Bounds, Treatment, options_of
from secretsync.cluster.applying import Application
from secretsync.cluster.trying import RefusedError
from secretsync.errors import SecretsyncError, UnreachableError
from secretsync.interruption import end_in_order
from secretsync.manifests.objects import Object

DryRun: TypeAlias = Annotated[
    Literal["none", "server"], typer.Option("--dry-run", help="With server: let the server check, and change nothing.")
]


@grouped
def apply(
    paths: Paths,
    treatment: Treatment,
    connection: Connection,
    *,
    dry_run: DryRun = "none",
    inventory: InventoryName = None,
    bounds: Bounds,
) -> None:
    """Render manifests and apply them to a cluster by server-side apply.

    The server checks every object before the first one is applied, and each that it refuses is told with field and cause.
    A line on stdout says what became of each; where the connection breaks off, stderr says what is not applied.
    Objects that were applied from the same paths before and are gone from there are named; nothing is ever deleted.
    """
    end_in_order()
    objects = rendered_objects(paths, options_of(treatment, bounds, None))
    suffix = " (server dry run)" if dry_run == "server" else ""
    cluster = connection.cluster(treatment.namespace)
    memory = Memory(cluster, paths, inventory, connection.field_manager)
    application = Application(
        cluster,
        objects,
        manager=connection.field_manager,
        force=connection.force_conflicts,
        dry_run=dry_run == "server",
        starting=lambda: memory.expect(objects),
        done=lambda applied: write_stdout(f"{applied.place} {applied.outcome}{suffix}\n".encode()),
    )
    _run(application, objects)
    memory.tell(objects, settle=dry_run == "none")


def _run(application: Application, objects: Sequence[Object]) -> None:
    """Apply the objects; where that ends early, say what is not applied."""
    try:
        application.run()
    except RefusedError as error:
        whole = tell_refused(error)
        _tell_left(application)
        raise whole from None
    except (SecretsyncError, KeyboardInterrupt) as error:
        sent = bool(application.applied) or application.uncertain is not None
        if isinstance(error, UnreachableError) and not sent and len(objects) > 1:
            say("nothing was applied")
        _tell_left(application)
        raise


def _tell_left(application: Application) -> None:
    """Say of each object what became of it, where some are applied and others not."""
    if not application.applied and application.uncertain is None:
        return
    for place in application.left:
        sent = application.uncertain is not None and place == application.left[0]
        say(f"{'sent, and nobody knows whether it was applied' if sent else 'not applied'}: {place}")
