"""`keyring.lock`: what the policy comes to, in one canonical file, so that a review sees who gains or loses access.

It holds no opinion of its own and no date of today: the same `keys/` give the same lock. `prev` is the digest of the
lock file it replaced, which makes a rewritten history of locks visible.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Final, NamedTuple

from secretsync.errors import ConfigError
from secretsync.keyring.model import KeyRing, PublicKey, normalised
from secretsync.keyring.policy import PolicyRule
from secretsync.keyring.sources import FOLDER

PATH: Final = f"{FOLDER}/keyring.lock"
VERSION: Final = 2
"""2 calls `sops_yaml` what 1 called `sops`, the word by which other programs tell files that sops has encrypted."""

_OLD_VERSION: Final = 1

_NOT_COVERED: Final = ("digest", "prev")


class LockFile(NamedTuple):
    """A lock as read, in the form of today: its digest (64 hex digits) over `content`, and that of the file it replaced.

    `prev` is empty for the first. `version` is that of the file: an old one is written anew with the next change.
    """

    digest: str
    prev: str
    content: dict[str, object]
    version: int = VERSION


def fingerprint(key: PublicKey) -> str:
    """Return SHA-256, 64 hex digits, over kind and normalised recipient of a key."""
    kind, name = normalised(key.master_key)
    return sha256(f"{kind}\0{name}".encode()).hexdigest()


def content(ring: KeyRing) -> dict[str, object]:
    """Return what a lock says of a ring, as plain JSON values.

    Raises:
        ConfigError: a rule names somebody the ring does not know.
    """
    policy = ring.policy
    return {
        "version": VERSION,
        "defaults": {
            "allow_private_keys": sorted(policy.allow_private_keys),
            "forbid_mixed_pq": policy.forbid_mixed_pq,
            "max_datakey_age_days": policy.max_datakey_age.days if policy.max_datakey_age else None,
            "min_recipients": policy.min_recipients,
            "require": sorted(policy.require),
        },
        "effective": [_effective(ring, rule) for rule in policy.rules],
        "groups": {
            group.name: {"max_members": group.max_members, "approvers": group.approvers} for group in ring.groups
        },
        "principals": {
            each.name: {"kind": each.kind, "keys": {key.id: _key(key) for key in each.keys}} for each in ring.principals
        },
        "retired": {f"{each.principal}/{each.key.id}": fingerprint(each.key) for each in ring.retired},
        "sealing_pins": {pin.cluster: pin.spki_sha256 for pin in policy.sealing},
        "sops_yaml": policy.sops,
        **_optional(ring),
    }


def _optional(ring: KeyRing) -> dict[str, object]:
    """Return the fields that a lock has only where the ring says something of them."""
    fields: dict[str, object] = {
        "sealing_paths": {pin.cluster: list(pin.paths) for pin in ring.policy.sealing if pin.paths},
        "signing_keys": {each.name: sorted(each.signing_keys) for each in ring.principals if each.signing_keys},
        "ignore": [{"paths": list(each.paths), "reason": each.reason} for each in ring.policy.ignore],
        "live_refs": sorted(ring.policy.live_refs.globs),
    }
    return {name: value for name, value in fields.items() if value}


def digest(values: dict[str, object]) -> str:
    """Return SHA-256, 64 hex digits, over the canonical JSON of a lock's content: sorted keys, no white space."""
    return sha256(json.dumps(values, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def generate(ring: KeyRing, previous: bytes | None) -> bytes:
    """Return the lock file of a ring: `previous` itself where nothing changed, else one that names it.

    Raises:
        ConfigError: a rule names somebody the ring does not know.
    """
    values = content(ring)
    lock = _intact(previous)
    if previous is not None and lock and (lock.version, lock.digest) == (VERSION, digest(values)):
        return previous
    prev = "" if previous is None else sha256(previous).hexdigest()
    written = {**values, "digest": digest(values), "prev": prev}
    return (json.dumps(written, sort_keys=True, indent=2) + "\n").encode()


def read(data: bytes) -> LockFile:
    """Parse a lock file and check its digest.

    Raises:
        ConfigError: no JSON of this version, or its content is not what its digest was made over.
    """
    try:
        values = json.loads(data)
        values = {**values}
        recorded, prev = str(values["digest"]), str(values["prev"])
    except (ValueError, TypeError, KeyError, RecursionError):
        raise ConfigError("is not a lock file", location=PATH, hint=_FIX) from None
    covered = {name: value for name, value in values.items() if name not in _NOT_COVERED}
    version = covered.get("version")
    if type(version) is not int or version not in {_OLD_VERSION, VERSION}:
        raise ConfigError(f"has a version other than {VERSION}", location=PATH, hint=_FIX)
    if digest(covered) != recorded:
        raise ConfigError("was edited by hand: its digest does not match", location=PATH, hint=_FIX)
    renamed = _renewed(covered) if version == _OLD_VERSION else covered
    return LockFile(digest(renamed), prev, renamed, version)


def _renewed(old: dict[str, object]) -> dict[str, object]:
    """Return the content of a lock of version 1 as version 2 has it."""
    kept = {name: value for name, value in old.items() if name != "sops"}
    return {**kept, "version": VERSION, "sops_yaml": old.get("sops", {})}


_FIX: Final = "look at what changed, then: secretsync keys lint --fix"


def _intact(data: bytes | None) -> LockFile | None:
    try:
        return None if data is None else read(data)
    except ConfigError:
        return None


def _effective(ring: KeyRing, rule: PolicyRule) -> dict[str, object]:
    """Return a rule with its readers resolved, whatever the day: keys by whose they are, dates left to the principal."""
    place, required = f"keys/policy.yaml {rule.place}.readers", [] if len(rule.readers) > 1 else ring.required()
    groups = [
        sorted(
            f"{principal.name}/{key.id}"
            for principal in dict.fromkeys([*ring.members(names, place), *required])
            for key in principal.keys
            if key.status == "active" and not ring.find_retired(key.master_key)
        )
        for names in rule.readers
    ]
    return {
        "paths": [rule.path_regex] if rule.path_regex else list(rule.paths),
        "groups": groups,
        "threshold": rule.threshold,
        "selector": {rule.selector.kind: rule.selector.pattern} if rule.selector else {},
        "mac_only_encrypted": rule.mac_only_encrypted,
    }


def _key(key: PublicKey) -> dict[str, str]:
    fields = {
        "type": key.type,
        "sha256": fingerprint(key),
        "status": key.status,
        "not_before": key.not_before.isoformat() if key.not_before else "",
        "expires": key.expires.isoformat() if key.expires else "",
    }
    return {name: value for name, value in fields.items() if value}
