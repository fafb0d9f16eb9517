"""What applying would change in the cluster, with every value of a Secret replaced by a keyed hash.

The server itself says what would come out (a dry run of server-side apply), so that defaults and other owners' fields
are no differences. One random key a run makes equal values look equal and tells nothing else.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Sequence
from difflib import unified_diff
from typing import Any, Final, NamedTuple

from secretsync.cluster.connection import FIELD_MANAGER, Cluster, Object
from secretsync.documents.plain import from_plain
from secretsync.documents.stores import store_named
from secretsync.documents.tree import Mapping
from secretsync.manifests.objects import identify

_SERVER_SET: Final = ("managedFields", "resourceVersion", "uid", "generation", "creationTimestamp", "selfLink")
_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
_DIGITS: Final = 16  # 64 bits in hexadecimal, as in `render --mode redact`
_KEY_SIZE: Final = 32


class Difference(NamedTuple):
    """One object that applying would change; `lines` is a unified diff of its YAML, empty where nothing changes."""

    title: str
    lines: list[str]


def differences(
    cluster: Cluster, objects: Sequence[Object], *, manager: str = FIELD_MANAGER, force: bool = False
) -> list[Difference]:
    """Return, for each object in order, how the live one would change.

    Raises:
        ClusterError: the server refuses an object or is out of reach.
    """
    redactor = _Redactor(secrets.token_bytes(_KEY_SIZE))
    return [_difference(cluster, each, redactor, manager, force=force) for each in objects]


def _difference(cluster: Cluster, manifest: Object, redactor: _Redactor, manager: str, *, force: bool) -> Difference:
    live = cluster.read(manifest)
    after = cluster.apply(manifest, manager=manager, force=force, dry_run=True)
    title = str(identify(after.object))
    old = redactor.text(live.object) if live else []
    lines = unified_diff(old, redactor.text(after.object), f"live {title}", f"applied {title}", lineterm="")
    return Difference(title, list(lines))


class _Redactor:
    """Shows objects as YAML without what the server adds and without secret values."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def text(self, manifest: Object) -> list[str]:
        """Return the lines of the object's YAML."""
        shown = {name: value for name, value in manifest.items() if name != "status"}
        shown["metadata"] = self._metadata(dict(manifest.get("metadata", {})))
        if manifest.get("kind") == "Secret":
            for field in ("data", "stringData"):
                values = shown.get(field)
                if isinstance(values, dict):
                    shown[field] = {name: self._hash(field, name, value) for name, value in sorted(values.items())}
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

    def _hash(self, *parts: Any) -> str:
        return hmac.digest(self._key, json.dumps(parts).encode(), "sha256").hex()[:_DIGITS]
