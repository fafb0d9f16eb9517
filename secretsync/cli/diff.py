"""`secretsync diff`: what `apply` would change in the cluster, without showing a secret value."""

from __future__ import annotations

from typing import Final

from secretsync.cli._cluster import Connection, Paths, objects_with_hidden, tell_refused
from secretsync.cli._inventories import InventoryName, Memory
from secretsync.cli._options import grouped
from secretsync.cli._output import write_stdout
from secretsync.cli.render import Bounds, Treatment, options_of
from secretsync.cluster.differing import differences
from secretsync.cluster.trying import RefusedError

DIFFERENT: Final = 1
"""The exit code where there are differences. Source: `kubectl diff --help`."""


@grouped
def diff(
    paths: Paths,
    treatment: Treatment,
    connection: Connection,
    *,
    inventory: InventoryName = None,
    bounds: Bounds,
) -> int:
    """Show what applying would change in the cluster: a dry run on the server, compared with the live objects.

    Values of Secrets, and all that was encrypted, are replaced by hashes under a key of this run: equal ones stay equal.
    Exits with 1 where there are differences. Objects that were applied before and left the input are named, and are none.
    """
    objects, hidden = objects_with_hidden(paths, options_of(treatment, bounds, None))
    cluster, manager = connection.cluster(treatment.namespace), connection.field_manager
    try:
        found = differences(cluster, objects, hidden=hidden, manager=manager, force=connection.force_conflicts)
    except RefusedError as error:
        raise tell_refused(error) from None
    Memory(cluster, paths, inventory, manager).tell(objects, settle=False)
    lines = [line for each in found for line in each.lines]
    write_stdout("".join(f"{line}\n" for line in lines).encode())
    return DIFFERENT if lines else 0
