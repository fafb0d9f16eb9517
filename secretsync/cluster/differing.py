"""What applying would change in the cluster, with every value of a Secret, and what was encrypted, replaced by a hash.

The server itself says what would come out (a dry run of server-side apply), so that defaults and other owners' fields
are no differences. One random key a run makes equal values look equal and tells nothing else.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Iterator, Sequence
from difflib import unified_diff
from typing import Any, Final, NamedTuple, TypeAlias

from secretsync.cluster.connection import FIELD_MANAGER, Cluster, Object
from secretsync.cluster.pending_kinds import waiting
from secretsync.cluster.trying import RefusedError, Tried, attempt, require_once
from secretsync.documents.plain import from_plain
from secretsync.documents.stores import store_named
from secretsync.documents.tree import Mapping
from secretsync.manifests.objects import identify

Place: TypeAlias = tuple[str, ...]
"""The keys that lead to a value; where they lead to a list, all of it is meant."""

_SERVER_SET: Final = ("managedFields", "resourceVersion", "uid", "generation", "creationTimestamp", "selfLink")
_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
_DIGITS: Final = 16  # 64 bits in hexadecimal, as in `render --mode redact`
_KEY_SIZE: Final = 32


class ObjectDifference(NamedTuple):
    """One object that applying would change; `lines` is a unified diff of its YAML, empty where nothing changes."""

    title: str
    lines: list[str]


def differences(
    cluster: Cluster,
    objects: Sequence[Object],
    *,
    hidden: Sequence[Sequence[Place]],
    manager: str = FIELD_MANAGER,
    force: bool = False,
) -> list[ObjectDifference]:
    """Return, for each object in order, how the live one would change; `hidden` are the places that are not to be shown.

    An object that waits for a namespace or a kind of the same list is all new.

    Raises:
        ManifestError: an object stands twice.
        RefusedError: the server refuses some, each of which it holds.
        UnreachableError: the server is out of reach.
    """
    redactor = _Redactor(secrets.token_bytes(_KEY_SIZE))
    require_once(cluster, objects)
    found = []
    tried = [
        Tried(each) if is_ahead else attempt(cluster, each, manager=manager, force=force)
        for each, is_ahead in zip(objects, waiting(cluster, objects), strict=True)
    ]
    if errors := [each.error for each in tried if each.error is not None]:
        raise RefusedError(errors, len(objects))
    for one, places in zip(tried, hidden, strict=True):
        live = one.live.object if one.live else None
        after = one.after.object if one.after else one.manifest
        title = str(identify(after))
        old = redactor.text(live, places) if live else []
        lines = unified_diff(old, redactor.text(after, places), f"live {title}", f"applied {title}", lineterm="")
        found.append(ObjectDifference(title, list(lines)))
    return found


def places_that_differ(one: Any, other: Any, place: Place = ()) -> Iterator[Place]:
    """Yield where two objects of the same shape hold different values, with a list as one value."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name, value in one.items():
            yield from places_that_differ(value, other.get(name), (*place, name))
    elif one != other:
        yield place


class _Redactor:
    """Shows objects as YAML without what the server adds and without secret values."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def text(self, manifest: Object, places: Sequence[Place]) -> list[str]:
        """Return the lines of the object's YAML with what stands at `places` hidden."""
        shown = {name: value for name, value in manifest.items() if name != "status"}
        shown["metadata"] = self._metadata(dict(manifest.get("metadata", {})))
        if manifest.get("kind") == "Secret":
            for field in ("data", "stringData"):
                values = shown.get(field)
                if isinstance(values, dict):
                    shown[field] = {name: self._hash(field, name, value) for name, value in sorted(values.items())}
        for place in places:
            shown = self._without(shown, place, 0)
        tree = from_plain(shown)
        assert isinstance(tree, Mapping)
        return store_named("yaml").dump([tree], indent=2).decode().splitlines()

    def _metadata(self, metadata: dict[str, Any]) -> dict[str, Any]:
        for name in _SERVER_SET:
            metadata.pop(name, None)
        annotations = dict(metadata.get("annotations") or {})
        if annotations.pop(_APPLIED, None) is not None:
            metadata["annotations"] = annotations
        return metadata

    def _without(self, value: Any, place: Place, depth: int) -> Any:
        """Return `value` with what stands at the rest of `place` replaced by hashes, its shape kept."""
        if depth < len(place):
            if not isinstance(value, dict) or place[depth] not in value:
                return value
            return {**value, place[depth]: self._without(value[place[depth]], place, depth + 1)}
        if isinstance(value, dict):
            return {name: self._without(item, place, depth) for name, item in value.items()}
        if isinstance(value, list):
            return [self._without(item, place, depth) for item in value]
        return self._hash(*place, value)

    def _hash(self, *parts: Any) -> str:
        return hmac.digest(self._key, json.dumps(parts).encode(), "sha256").hex()[:_DIGITS]
