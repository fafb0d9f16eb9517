"""What an operation leaves, as `verify` sees it: files that wait, are left by the policy, or whose values nobody here can tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from secretsync.git import Repository
from secretsync.keyring import load_from
from secretsync.rotation.model import Plan, WaitingFile
from secretsync.rotation.planning import snapshot
from secretsync.rotation.promises import Promise
from secretsync.rotation.verification import Check, Status

_SHOWN: Final = 20  # notes of one kind


def waiting(promise: Promise, blobs: Mapping[str, str]) -> list[str]:
    """Return the files that wait for somebody and are as before the operation."""
    return [path for path in promise.waiting if path in promise.files and blobs.get(path) == promise.files[path].blob]


def is_by_policy(repository: Repository, promise: Promise) -> bool:
    """Whether there are files that the plan leaves to a removed key, and the policy which it met ignores all of them.

    What the plan itself says of the reason is not asked: no digest covers that. Raises: ConfigError.
    """
    still = [one.path for one in promise.plan.left_out if one.is_open]
    if not still:
        return False
    policy = load_from(snapshot(repository, promise.plan.base)).policy
    return all(policy.ignored(path) for path in still)


def planned(promise: Promise, left: list[str]) -> Plan:
    """Return the plan with what waits still: V8 fails for any other file that names a removed key."""
    known = {one.path: one for one in promise.plan.waiting}
    files = [known.get(path) or WaitingFile(path, [[promise.waiting[path]]], 1, "") for path in left]
    return replace(promise.plan, waiting=files)


def told(check: Check, promise: Promise, left: list[str], untold: list[str]) -> Check:
    """Return the check of the files with those that wait, and those whose values nobody here can compare."""
    notes = [f"{path}: waits for {promise.waiting[path]}" for path in left[:_SHOWN]]
    notes += [
        f"{path}: is not known to be what was written, and no key here tells its values" for path in untold[:_SHOWN]
    ]
    status: Status = "failed" if check.failures else "unknown" if notes else check.status
    return replace(check, status=status, notes=[*notes, *check.notes])


def hint(promise: Promise, left: list[str], untold: list[str]) -> str:
    """Return how to come further; nothing where nothing is left."""
    if left:
        return f"secretsync runbook {promise.plan.scenario} resume {promise.name}"
    return "verify it where a key opens these files, or give --evidence of where it was carried out" if untold else ""
