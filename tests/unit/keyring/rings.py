"""A small key ring in memory: alice, bob, carol and a cluster, with recipients whose identities are made here."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Final

from secretsync import age

TODAY: Final = date(2026, 11, 24)


@cache
def recipient(name: str) -> str:
    """Return the age recipient that stands for `name` in this test run."""
    del name
    return str(age.generate())


def principal(name: str, *keys: str, extra: str = "") -> bytes:
    """Return the file of a principal; `extra` goes behind each key, indented by four columns."""
    lines = [f"  - id: {key}\n    type: age\n    recipient: {recipient(key)}\n{extra}" for key in keys]
    return f"# {name}\napiVersion: secretsync/v1\nkind: Principal\nname: {name}\nkeys:\n{''.join(lines)}".encode()


GROUPS: Final = b"""groups:
  sre: {members: [alice, bob]}  # on call
  prod: {members: [group:sre, cluster:prod]}
"""

POLICY: Final = b"""# who reads what
rules:
  - paths: ["prod/**"]
    readers: [group:prod]
    encrypt: {encrypted_regex: "^(data|stringData)$"}
  - paths: ["**"]
    readers: [carol, group:sre]
"""


def ring_files(**changed: bytes) -> dict[str, bytes]:
    """Return the files of the ring; `policy` or `groups` replace those files."""
    return {
        "keys/people/alice.yaml": principal("alice", "alice-1"),
        "keys/people/bob.yaml": principal("bob", "bob-1", "bob-2"),
        "keys/people/carol.yaml": principal("carol", "carol-1"),
        "keys/clusters/prod.yaml": principal("prod", "prod-1"),
        "keys/groups.yaml": changed.get("groups", GROUPS),
        "keys/policy.yaml": changed.get("policy", POLICY),
    }
