"""Apply a list of objects in an order in which each finds what it needs: namespaces and kinds first, the rest as given.

Every object is tried on the server without effect before the first is applied, so that a refusal changes nothing; those
that wait for a namespace or kind of the same list are tried as soon as that is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, Literal, NamedTuple, TypeAlias

from secretsync.cluster.connection import FIELD_MANAGER, Cluster, Object, Reply
from secretsync.cluster.pending_kinds import DEFINITION, NAMESPACE, defined, waiting
from secretsync.cluster.trying import RefusedError, Tried, attempt, require_once
from secretsync.errors import SecretsyncError, UnreachableError
from secretsync.manifests.objects import identify, place_of

Outcome: TypeAlias = Literal["created", "configured", "unchanged"]

_FIRST: Final = {NAMESPACE: 0, DEFINITION: 1}
_TOUCHED: Final = frozenset({"managedFields", "resourceVersion", "generation"})


class Applied(NamedTuple):
    """What became of one object."""

    kind: str
    namespace: str
    name: str
    outcome: Outcome

    @property
    def place(self) -> str:
        """Which object it is, as lines for people say it."""
        return place_of(self.kind, self.namespace, self.name)


class Application:
    """Applying a list of objects, and at any moment what is done and what is not.

    `starting` is called once before the first object is sent, `done` hears of each object at once. `uncertain` is the one that was sent last, where no answer came.
    """

    def __init__(  # noqa: PLR0913  # one for each flag, and who hears of it
        self,
        cluster: Cluster,
        objects: Sequence[Object],
        *,
        manager: str = FIELD_MANAGER,
        force: bool = False,
        dry_run: bool = False,
        starting: Callable[[], None] | None = None,
        done: Callable[[Applied], None] | None = None,
    ) -> None:
        """Look at nothing yet."""
        self.applied: list[Applied] = []
        self._planned: list[Applied] = []
        self._refused: list[SecretsyncError] = []
        self.uncertain: Object | None = None
        self._cluster = cluster
        self._ordered = sorted(objects, key=lambda each: _FIRST.get(str(each.get("kind")), len(_FIRST)))
        self._manager = manager
        self._force = force
        self._dry_run = dry_run
        self._starting = starting
        self._done = done

    @property
    def left(self) -> list[str]:
        """The objects that were not applied, in the order in which they would have been."""
        return [each.place for each in self._planned[len(self.applied) :]]

    def run(self) -> None:
        """Apply every object.

        Raises:
            ManifestError: an object stands twice. Nothing has been sent.
            RefusedError: the server does not take some, each of which it holds. Nothing of those that can be tried
                beforehand has been applied.
            ClusterError: the server refuses one after all, or cannot be asked; UnreachableError: it does not answer.
        """
        require_once(self._cluster, self._ordered)
        self._planned = [self._created(each) for each in self._ordered]
        ahead = waiting(self._cluster, self._ordered)
        tried: list[Tried | None] = [
            None if waits else self._attempt(each) for each, waits in zip(self._ordered, ahead, strict=True)
        ]
        self._require_taken()
        if self._starting is not None and not self._dry_run:
            self._starting()
        first = sum(str(each.get("kind")) in _FIRST for each in self._ordered)
        self._apply(tried[:first])
        if not self._dry_run:
            tried = [one or self._attempt(each) for one, each in zip(tried, self._ordered, strict=True)]
            self._require_taken()
        self._apply(tried[first:])

    def _attempt(self, manifest: Object) -> Tried:
        tried = attempt(self._cluster, manifest, manager=self._manager, force=self._force)
        if tried.error is not None:
            self._refused.append(tried.error)
        return tried

    def _require_taken(self) -> None:
        """Raise a RefusedError where the server does not take an object that was tried."""
        if self._refused:
            rest = "" if self.applied or self._dry_run else ", and nothing was applied"
            raise RefusedError(self._refused, len(self._ordered), rest=rest)

    def _apply(self, tried: Iterable[Tried | None]) -> None:
        for one in tried:
            manifest = self._ordered[len(self.applied)]
            result = self._applied(one, manifest)
            self.applied.append(result)
            if self._done is not None:
                self._done(result)
            if result.kind == DEFINITION and not self._dry_run:
                for version, kind in defined(manifest):
                    self._cluster.wait_for_kind(version, kind)

    def _applied(self, tried: Tried | None, manifest: Object) -> Applied:
        """Apply one object that was tried; in a dry run nothing more is sent, and what waits would be created."""
        outcome: Outcome = "created"
        if tried is None:
            return self._created(manifest)
        before, after = tried.live, tried.after
        if not self._dry_run:
            after = self._send(tried.manifest)
        assert after is not None  # as it was not refused
        if before is not None:
            same = _content(before) == _content(after) if self._dry_run else before.version == after.version
            outcome = "unchanged" if same else "configured"
        metadata = after.object.get("metadata", {})
        return Applied(str(manifest["kind"]), str(metadata.get("namespace", "")), str(metadata.get("name")), outcome)

    def _created(self, manifest: Object) -> Applied:
        found = identify(manifest)
        return Applied(found.kind, self._cluster.namespace_of(manifest), found.name, "created")

    def _send(self, manifest: Object) -> Reply:
        self.uncertain = manifest
        try:
            reply = self._cluster.apply(manifest, manager=self._manager, force=self._force)
        except UnreachableError:
            raise
        except SecretsyncError:
            self.uncertain = None
            raise
        self.uncertain = None
        return reply


def _content(reply: Reply) -> Object:
    """Return the object without what every write touches; a dry run leaves the resource version as it is."""
    metadata = {name: value for name, value in reply.object["metadata"].items() if name not in _TOUCHED}
    return {**reply.object, "metadata": metadata}
