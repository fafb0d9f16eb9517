"""Whether what was generated from the ring still follows from it, and what changed by hand since the lock was written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import secretsync.keyring.lockfile as lockfile
import secretsync.keyring.ruleset as ruleset
from secretsync.errors import ConfigError
from secretsync.findings import Finding
from secretsync.keyring.editing import SOPS_YAML
from secretsync.keyring.generation import generate_sops_yaml
from secretsync.keyring.model import KeyRing
from secretsync.keyring.reading import POLICY
from secretsync.keyring.sources import RingSource


def drift(ring: KeyRing, source: RingSource, today: date) -> Iterator[Finding]:
    """Yield what does not follow from the ring. Raises: ConfigError where nothing can follow from it."""
    if ring.policy.rules and source.read(SOPS_YAML) != generate_sops_yaml(ring, today=today):
        message = "is not what keys/ says" if source.read(SOPS_YAML) is not None else "is missing"
        yield ruleset.GENERATED_DRIFT.finding(SOPS_YAML, "", message, ruleset.FIX)
    data = source.read(lockfile.PATH)
    if data is None:
        yield ruleset.LOST_LOCK.finding(lockfile.PATH, "", "is missing", ruleset.LOOK)
        return
    try:
        lock = lockfile.read(data)
    except ConfigError as error:
        yield ruleset.LOST_LOCK.finding(lockfile.PATH, "", error.message, ruleset.LOOK)
        return
    new = lockfile.content(ring)
    if lock.digest != lockfile.digest(new):
        yield ruleset.LOCK_DRIFT.finding(lockfile.PATH, "", _summary(lock.content, new), ruleset.FIX)
        yield from _weaker(lock.content, new)


def _weaker(old: dict[str, Any], new: dict[str, Any]) -> Iterator[Finding]:
    """Yield the changes that take protection away, which deserve more than a new lock."""
    rules = {_paths(rule): rule for rule in new["effective"]}
    for rule in old["effective"]:
        paths, present = _paths(rule), rules.get(_paths(rule))
        if present is None:
            message = f"the rule for {paths} is gone"
        elif (rule["selector"], rule["mac_only_encrypted"]) != (present["selector"], present["mac_only_encrypted"]):
            message = f"the rule for {paths} encrypted {_selector(rule)}, and now {_selector(present)}"
        elif rule["threshold"] != present["threshold"] or len(rule["groups"]) != len(present["groups"]):
            message = f"the rule for {paths} has another threshold or number of groups"
        else:
            continue
        yield ruleset.CHANGED_SELECTOR.finding(POLICY, "", message, ruleset.LOOK)
    for cluster, pin in old["sealing_pins"].items():
        if new["sealing_pins"].get(cluster) != pin:
            message = f"the sealing certificate of {cluster} was pinned as {pin[:16]}…, and no longer is"
            yield ruleset.CHANGED_PIN.finding(POLICY, "", message, ruleset.LOOK)
    for key in sorted(set(old["retired"]) - set(new["retired"])):
        message = f"{key} is no longer on the deny list"
        yield ruleset.RETIRED_RECIPIENT.finding(f"keys/retired/{key.partition('/')[0]}.yaml", "", message, ruleset.LOOK)
    yield from _weaker_defaults(old["defaults"], new["defaults"])
    yield from _narrower(old, new)


def _narrower(old: dict[str, Any], new: dict[str, Any]) -> Iterator[Finding]:
    """Yield what is looked after no longer: files that are ignored, and branches that are not live."""
    ignored = {path for each in old.get("ignore", []) for path in each["paths"]}
    for each in new.get("ignore", []):
        if more := [path for path in each["paths"] if path not in ignored]:
            message = f"{', '.join(more)} are ignored from now on ({each['reason']})"
            yield ruleset.WEAKER_DEFAULTS.finding(POLICY, "ignore", message, ruleset.LOOK)
    live, before = new.get("live_refs", []), old.get("live_refs", [])
    if live and (not before or set(before) - set(live)):
        message = f"only {', '.join(live)} are live from now on, and before {', '.join(before) or 'every branch'}"
        yield ruleset.WEAKER_DEFAULTS.finding(POLICY, "live_refs", message, ruleset.LOOK)


def _weaker_defaults(old: dict[str, Any], new: dict[str, Any]) -> Iterator[Finding]:
    lost = [
        (old["min_recipients"] > new["min_recipients"], "min_recipients is lower"),
        (bool(set(old["require"]) - set(new["require"])), "somebody required is not required any more"),
        (
            bool(set(new["allow_private_keys"]) - set(old["allow_private_keys"])),
            "private keys are allowed in more places",
        ),
        (old["forbid_mixed_pq"] and not new["forbid_mixed_pq"], "mixing post-quantum keys with others is allowed"),
    ]
    for happened, message in lost:
        if happened:
            yield ruleset.WEAKER_DEFAULTS.finding(POLICY, "defaults", message, ruleset.LOOK)


def _summary(old: dict[str, Any], new: dict[str, Any]) -> str:
    """Return who gains and who loses access, rule by rule, in one line."""
    before, after = (_readers(content) for content in (old, new))
    told = []
    for paths in dict.fromkeys([*before, *after]):
        gained, lost = (
            after.get(paths, set()) - before.get(paths, set()),
            before.get(paths, set()) - after.get(paths, set()),
        )
        told += [f"{name} gains {paths}" for name in sorted(gained)] + [
            f"{name} loses {paths}" for name in sorted(lost)
        ]
    changed = [
        f"{name}/{key} is another key"
        for name, principal in old["principals"].items()
        for key, fields in principal["keys"].items()
        if _fingerprint(new, name, key) not in {None, fields["sha256"]}
    ]
    return f"keys/ was changed since: {'; '.join(changed + told) or 'nobody gains or loses access'}"


def _fingerprint(content: dict[str, Any], name: str, key: str) -> str | None:
    fields = content["principals"].get(name, {"keys": {}})["keys"].get(key)
    return fields["sha256"] if fields else None


def _readers(content: dict[str, Any]) -> dict[str, set[str]]:
    return {_paths(rule): {name for group in rule["groups"] for name in group} for rule in content["effective"]}


def _paths(rule: dict[str, Any]) -> str:
    return ", ".join(rule["paths"])


def _selector(rule: dict[str, Any]) -> str:
    selector = json.dumps(rule["selector"]) if rule["selector"] else "everything"
    return f"{selector}{' (MAC over encrypted values only)' if rule['mac_only_encrypted'] else ''}"
