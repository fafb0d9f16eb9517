"""What was applied from the same input before, so that objects which left it can be named. Nothing is ever deleted.

An inventory is a ConfigMap with a line for each object, as cli-utils and Flux keep one: no value, no label on the
objects themselves. An object stays in it until it is gone from the cluster, or is no longer ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

from secretsync.cluster.connection import FIELD_MANAGER, Cluster, Object
from secretsync.errors import ClusterError, UnreachableError
from secretsync.letters import DIGITS, LETTERS, consists_of
from secretsync.manifests.objects import identify, place_of

_LABEL: Final = "app.kubernetes.io/component"
_COMPONENT: Final = "secretsync-inventory"
_PREFIX: Final = "secretsync-inventory-"
_SERVERS: Final = ("kube-apiserver", "kube-controller-manager")
"""Who owns fields of objects that hold nothing but a name, such as a Namespace: nobody owns those that are applied empty."""

_LEGAL: Final = LETTERS + DIGITS + "-._:/"


class InventoryEntry(NamedTuple):
    """One object: its apiVersion, kind, namespace (empty for none) and name."""

    version: str
    kind: str
    namespace: str
    name: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What makes it the same object in any version of its kind."""
        return self.version.rpartition("/")[0], self.kind, self.namespace, self.name

    @property
    def place(self) -> str:
        """Which object it is, for people."""
        return place_of(self.kind, self.namespace, self.name)

    @property
    def line(self) -> str:
        """The entry as it is kept."""
        return f"{self.version} {self.kind} {self.namespace}/{self.name}"

    @property
    def stub(self) -> Object:
        """A manifest that names the object."""
        metadata = {"name": self.name, **({"namespace": self.namespace} if self.namespace else {})}
        return {"apiVersion": self.version, "kind": self.kind, "metadata": metadata}


class Inventory:
    """The inventory of one input in a cluster.

    `source` says what the input is: lines, the repository first and then each path in it; empty for one that was named.
    """

    def __init__(self, cluster: Cluster, name: str, source: str, *, manager: str = FIELD_MANAGER) -> None:
        """Ask nothing yet."""
        self.place = f"{cluster.namespace}/{_PREFIX}{name}"
        self._cluster = cluster
        self._name = f"{_PREFIX}{name}"
        self._source = source
        self._manager = manager
        self._before: dict[tuple[str, str, str, str], InventoryEntry] = {}
        self._stored: list[str] | None = None
        self._is_recalled = False

    def recall(self) -> None:
        """Read what was applied before, unless that is known. Raises: ClusterError: it may not be read."""
        if self._is_recalled:
            return
        live = self._cluster.read(self._manifest([]))
        if live is not None:
            self._stored = _lines(live.object)
            self._before = {entry.key: entry for entry in _entries(self._stored)}
        self._is_recalled = True

    def expect(self, objects: Sequence[Object]) -> None:
        """Note what is about to be applied, beside what was: a run that breaks off forgets nothing.

        That this fails is no error yet, because the namespace may come with the objects.
        """
        with suppress(ClusterError):
            self._store([*self._before.values(), *self._named(objects)])

    def left(self, objects: Sequence[Object]) -> list[InventoryEntry]:
        """Return the objects that were applied before, are not in the input any more, and are still there and ours.

        Raises:
            ClusterError: the cluster cannot be asked.
        """
        present = {entry.key for entry in self._named(objects)}
        gone = [entry for key, entry in sorted(self._before.items()) if key not in present]
        found = [entry for entry in gone if self._is_ours(entry)]
        taken = self._others() if found else set()
        return [entry for entry in found if entry.key not in taken]

    def settle(self, objects: Sequence[Object], left: Iterable[InventoryEntry]) -> None:
        """Note what was applied, and what is left over. Raises: ClusterError: it may not be written."""
        self._store([*self._named(objects), *left])

    def _named(self, objects: Sequence[Object]) -> list[InventoryEntry]:
        found = [identify(each) for each in objects]
        places = [self._cluster.namespace_of(each) for each in objects]
        return [
            InventoryEntry(one.api_version, one.kind, place, one.name) for one, place in zip(found, places, strict=True)
        ]

    def _is_ours(self, entry: InventoryEntry) -> bool:
        """Whether an object is there and we own fields of it, or nobody does; one that cannot be looked at may be."""
        if not self._cluster.knows(entry.version, entry.kind):
            return False
        try:
            live = self._cluster.read(entry.stub)
        except UnreachableError:
            raise
        except ClusterError:
            return True
        if live is None:
            return False
        owners = live.object.get("metadata", {}).get("managedFields") or []
        ours = any(each.get("manager") == self._manager and each.get("operation") == "Apply" for each in owners)
        return ours or all(each.get("manager") in _SERVERS for each in owners)

    def _others(self) -> set[tuple[str, str, str, str]]:
        """Return the objects of other inputs that have one of their own; one of a part of this input does not count."""
        try:
            found = self._cluster.objects(
                "v1", "ConfigMap", namespace=self._cluster.namespace, label=f"{_LABEL}={_COMPONENT}"
            )
        except UnreachableError:
            raise
        except ClusterError:
            return set()
        others = [each for each in found if identify(each).name != self._name and not self._holds(each)]
        return {entry.key for each in others for entry in _entries(_lines(each))}

    def _holds(self, other: Object) -> bool:
        """Whether another input is a part of this one."""
        data = other.get("data")
        repository, *paths = str(data.get("source", "") if isinstance(data, dict) else "").split("\n")
        own, *folders = self._source.split("\n")
        return (
            bool(paths) and own == repository and all(any(_is_below(path, each) for each in folders) for path in paths)
        )

    def _store(self, entries: Iterable[InventoryEntry]) -> None:
        lines = sorted({entry.line for entry in entries})
        if lines == self._stored:
            return
        self._cluster.apply(self._manifest(lines), force=True)
        self._stored = lines

    def _manifest(self, lines: Sequence[str]) -> Object:
        return {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": self._name,
                "namespace": self._cluster.namespace,
                "labels": {_LABEL: _COMPONENT, "app.kubernetes.io/managed-by": "secretsync"},
            },
            "data": {"source": self._source, "objects": "".join(f"{line}\n" for line in lines)},
        }


def _lines(config: Object) -> list[str]:
    data = config.get("data")
    return str(data.get("objects", "") if isinstance(data, dict) else "").splitlines()


def _entries(lines: Iterable[str]) -> list[InventoryEntry]:
    """Return the entries of lines; one that no inventory of ours has is passed over."""
    found = []
    for line in lines:
        version, _, rest = line.partition(" ")
        kind, _, place = rest.partition(" ")
        namespace, slash, name = place.partition("/")
        if version and kind and name and slash and consists_of(f"{version}{kind}{place}", _LEGAL):
            found.append(InventoryEntry(version, kind, namespace, name))
    return found


def _is_below(path: str, folder: str) -> bool:
    return folder in {path, "."} or path.startswith(f"{folder}/")
