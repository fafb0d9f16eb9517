"""A new key ring: its first principal, who is its first administrator, and a policy to start from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from secretsync.configuration import API_VERSION
from secretsync.errors import PolicyError
from secretsync.keyring import lockfile, writing
from secretsync.keyring.editing import SOPS_YAML, regenerated
from secretsync.keyring.model import Principal
from secretsync.keyring.reading import GROUPS, POLICY
from secretsync.keyring.sources import FOLDER, Changes, RingSource

ADMINS: Final = "admins"
DEFAULT_PATHS: Final = ("**/?*.{enc,sops}.{yaml,yml}",)  # `?`, or it would be for .sops.yaml as well
OTHER_PATHS: Final = ("**/?*.{enc,sops}.*",)
VALUE_FIELDS: Final = "^(data|stringData)$"  # of a Kubernetes Secret

_GROUPS_COMMENT: Final = "Members are principals (alice, cluster:prod) and other groups (group:admins)."
_POLICY_COMMENT: Final = (
    "Who reads which files, and what in them is encrypted; the first rule that matches decides.\n"
    "After a change: secretsync keys lint --fix, then secretsync updatekeys for the files that it names."
)


def found(
    source: RingSource, first: Principal, *, today: date, paths: Sequence[str] = (), armored: bytes = b""
) -> Changes:
    """Return the files of a new key ring whose only reader is `first`.

    Without `paths`, Kubernetes manifests (`*.enc.yaml`, `*.sops.yaml`) have the values of Secrets encrypted, and other
    files with `.enc.` or `.sops.` in their name all values.

    Raises:
        PolicyError: a file of the ring is there already.
    """
    changes: Changes = {
        f"{FOLDER}/{first.path}": writing.principal(first),
        GROUPS: writing.dump(
            {"apiVersion": API_VERSION, "kind": "Groups", "groups": {ADMINS: {"members": [first.name]}}},
            _GROUPS_COMMENT,
        ),
        POLICY: writing.dump({"apiVersion": API_VERSION, "kind": "Policy", "rules": _rules(paths)}, _POLICY_COMMENT),
    }
    if armored:
        changes[f"{FOLDER}/{first.keys[0].armored_path}"] = armored
    for path in [*changes, SOPS_YAML, lockfile.PATH]:
        if source.read(path) is not None:
            raise PolicyError("already exists; not overwritten", location=path)
    return regenerated(source, changes, today=today)


def _rules(paths: Sequence[str]) -> list[dict[str, object]]:
    readers: dict[str, object] = {"readers": [f"group:{ADMINS}"]}
    manifests = {"paths": list(paths or DEFAULT_PATHS), **readers, "encrypt": {"encrypted_regex": VALUE_FIELDS}}
    return [manifests] if paths else [manifests, {"paths": list(OTHER_PATHS), **readers}]
