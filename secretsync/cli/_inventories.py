"""Which inventory belongs to the input of `apply`, and what is said of objects that left it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Final, TypeAlias

import typer

from secretsync import files
from secretsync.cli._terminal import say, warn
from secretsync.cluster.connection import Cluster
from secretsync.cluster.inventory import Inventory
from secretsync.errors import ClusterError, SecretsyncError
from secretsync.git import Repository
from secretsync.manifests.names import check_name
from secretsync.manifests.objects import Object

NONE: Final = "none"

InventoryName: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--inventory",
        metavar="NAME",
        help="Where the names of applied objects are kept, to tell which left; none: nowhere. Else by repository and paths.",
    ),
]

_DIGITS: Final = 16


class Memory:
    """The inventory of a run, which never fails it: what may not be read or written is a warning."""

    def __init__(self, cluster: Cluster, paths: Sequence[str], wanted: str | None, manager: str) -> None:
        """Find out which inventory it is; nothing is asked yet. Raises: ManifestError: the name that was given is none."""
        self._inventory: Inventory | None = None
        if wanted == NONE or (wanted is None and files.STDIN in paths):
            return
        if wanted is not None:
            check_name(wanted)
        source = "" if wanted else source_of(paths)
        name = wanted or hashlib.sha256(source.encode(errors="surrogateescape")).hexdigest()[:_DIGITS]
        self._inventory = Inventory(cluster, name, source, manager=manager)

    def expect(self, objects: Sequence[Object]) -> None:
        """Note what is about to be applied."""
        with self._guarded() as inventory:
            if inventory is not None:
                inventory.recall()
                inventory.expect(objects)

    def tell(self, objects: Sequence[Object], *, settle: bool) -> None:
        """Name the objects that left the input; with `settle` note what was applied."""
        with self._guarded() as inventory:
            if inventory is None:
                return
            inventory.recall()
            left = inventory.left(objects)
            for entry in left:
                warn(f"{entry.place} was applied before, is not in the input any more, and stays in the cluster")
            for entry in left[:1]:
                where = f" -n {entry.namespace}" if entry.namespace else ""
                say(f"nothing is deleted here: kubectl delete {entry.kind.lower()} {entry.name}{where}", kind="hint")
            if settle:
                inventory.settle(objects, left)

    @contextmanager
    def _guarded(self) -> Iterator[Inventory | None]:
        try:
            yield self._inventory
        except ClusterError as error:
            warn(f"objects that left the input are not named: {error}")
            say("--inventory none keeps no names; -n NAMESPACE says where they are kept", kind="hint")
            self._inventory = None


def source_of(paths: Sequence[str]) -> str:
    """Return what an input is, whoever applies it from whichever clone: the repository, and the paths in it."""
    places = {os.path.realpath(path) for path in paths}
    start = os.path.commonpath(places)
    start = start if os.path.isdir(start) else os.path.dirname(start)
    try:
        repository = Repository.containing(start)
        root = os.path.realpath(repository.root)
        settings = {each.name: each.value for each in repository.git.settings}
        name = _without_scheme(settings.get("remote.origin.url", "")) or root
    except SecretsyncError:
        root, name = os.sep, ""
    return "\n".join([name, *sorted(os.path.relpath(place, root) for place in places)])


def _without_scheme(url: str) -> str:
    """Return host and path of a remote's address: how it is reached, and as whom, says nothing of what it is."""
    rest = url.partition("://")[2] or (url if url.startswith("/") else url.replace(":", "/", 1))
    host, slash, path = rest.partition("/")
    return f"{host.rpartition('@')[2]}{slash}{path}".removesuffix("/").removesuffix(".git")
