"""Reading a ring: what its files say, and that everything else is an error which names its place."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secretsync.errors import ConfigError, SecretsyncError
from secretsync.keyring import Snapshot, load_from, lockfile
from secretsync.keyring.key_checks import ring_findings
from secretsync.sops.datakey import MasterKey
from tests.unit.keyring.rings import TODAY, recipient, ring_files

FULL = f"""\
apiVersion: secretsync/v1
kind: Policy
defaults: {{max_datakey_age: 365d, min_recipients: 2, require: [carol], forbid_mixed_pq: true}}
rules:
  - paths: ["a/**"]
    reader_groups: [{{members: [alice]}}, {{members: [bob]}}, {{members: [carol]}}]
    threshold: 2
    encrypt: {{encrypted_suffix: _secret, mac_only_encrypted: true}}
  - path_regex: \\.yaml$
    readers: [alice]
sealing:
  - {{cluster: prod, cert: sealing/prod/x.pem, pin_spki_sha256: {"ab" * 32}, backup_group: sre}}
sops: {{stores: {{yaml: {{indent: 2}}}}}}
"""


def test_a_policy_says_all_there_is() -> None:
    policy = load_from(Snapshot(ring_files(policy=FULL.encode()))).policy
    first, second = policy.rules
    assert (first.readers, first.threshold) == ((("alice",), ("bob",), ("carol",)), 2)
    assert first.selector is not None
    assert (first.selector.kind, first.selector.pattern, first.mac_only_encrypted) == (
        "encrypted_suffix",
        "_secret",
        True,
    )
    assert (second.path_regex, second.matches("deep/x.yaml"), second.matches("x.json")) == (r"\.yaml$", True, False)
    assert (policy.max_datakey_age, policy.min_recipients, policy.require) == (timedelta(365), 2, ("carol",))
    assert policy.sealing[0].backup_group == "sre"
    assert policy.sops == {"stores": {"yaml": {"indent": 2}}}


def test_a_date_may_be_quoted_or_not() -> None:
    for text in ("2027-01-31", '"2027-01-31"'):
        person = f"name: bob\nkeys: [{{id: b, type: age, recipient: {recipient('b')}, expires: {text}}}]\n".encode()
        ring = load_from(Snapshot({**ring_files(), "keys/people/bob.yaml": person}))
        assert ring.principal("bob").keys[0].expires == date(2027, 1, 31)


MISTAKES: dict[str, tuple[str, str, str]] = {
    "a misspelt field": ("keys/policy.yaml", "rules:\n  - path: [a]\n    readers: [alice]\n", "did you mean 'paths'"),
    "a field of another file": ("keys/groups.yaml", "rules: []\n", "unknown field"),
    "no readers": ("keys/policy.yaml", "rules:\n  - paths: [a]\n", "nobody would be left to read"),
    "both kinds of readers": (
        "keys/policy.yaml", "rules:\n  - {paths: [a], readers: [alice], reader_groups: [{members: [bob]}]}\n", "either",
    ),
    "no paths": ("keys/policy.yaml", "rules:\n  - readers: [alice]\n", "either paths or a path_regex"),
    "a path upwards": ("keys/policy.yaml", "rules:\n  - {paths: [../x], readers: [alice]}\n", "relative"),
    "a pattern that is none": ("keys/policy.yaml", "rules:\n  - {path_regex: '(', readers: [alice]}\n", "rules[0].path_regex"),
    "two selectors": (
        "keys/policy.yaml",
        "rules:\n  - {paths: [a], readers: [alice], encrypt: {encrypted_regex: a, encrypted_suffix: b}}\n",
        "more than one selector",
    ),
    "a selector that is none": (
        "keys/policy.yaml", "rules:\n  - {paths: [a], readers: [alice], encrypt: {encrypted_regex: '('}}\n", "rules[0].encrypt",
    ),
    "a threshold without groups": ("keys/policy.yaml", "rules:\n  - {paths: [a], readers: [alice], threshold: 2}\n", "threshold"),
    "an age in weeks": ("keys/policy.yaml", "defaults: {max_datakey_age: 3w}\n", "365d"),
    "a short pin": ("keys/policy.yaml", "sealing: [{cluster: c, cert: x, pin_spki_sha256: abc}]\n", "64"),
    "another version": ("keys/policy.yaml", "apiVersion: secretsync/v9\n", "secretsync/v1"),
    "two documents": ("keys/policy.yaml", "rules: []\n---\nrules: []\n", "more than one document"),
    "a key twice": ("keys/policy.yaml", "rules: []\nrules: []\n", "keys/policy.yaml"),
    "a tag that would be live": ("keys/policy.yaml", "live_refs: [main, refs/tags/v1]\n", "live_refs[1]: 'refs/tags/v1' names no branch"),
    "a live branch with an open bracket": ("keys/policy.yaml", "live_refs: ['release/[1']\n", "live_refs[0]"),
    "no live branch at all": ("keys/policy.yaml", "live_refs: []\n", "leave live_refs out"),
    "a live branch that is a number": ("keys/policy.yaml", "live_refs: [1]\n", "list of strings"),
    "no YAML": ("keys/groups.yaml", "groups: {\n", "keys/groups.yaml"),
    "another name than the file's": ("keys/people/bob.yaml", "name: eve\n", "differs from the file's name"),
    "a name in capitals": ("keys/people/bob.yaml", "name: Bob\n", "a-z"),
    "a group in capitals": ("keys/groups.yaml", "groups: {SRE: {members: []}}\n", "a-z"),
    "an unknown type": ("keys/people/bob.yaml", "name: bob\nkeys: [{id: b, type: rot13, recipient: x}]\n", "keys[0].type"),
    "no recipient": ("keys/people/bob.yaml", "name: bob\nkeys: [{id: b, type: age}]\n", "is missing"),
    "two recipients in one": (
        "keys/people/bob.yaml", "name: bob\nkeys: [{id: b, type: age, recipient: 'age1a,age1b'}]\n", "not one recipient",
    ),
    "a recipient on two lines": (
        "keys/people/bob.yaml", 'name: bob\nkeys: [{id: b, type: age, recipient: "age1a\\nage1b"}]\n', "not one recipient",
    ),
    "keys beside the policy": (
        "keys/policy.yaml", "sops: {destination_rules: [{recreation_rule: {age: x}}]}\n", "recreation_rule",
    ),
    "an unknown status": ("keys/people/bob.yaml", "name: bob\nkeys: [{id: b, type: age, recipient: x, status: gone}]\n", "status"),
    "a day that is none": ("keys/people/bob.yaml", "name: bob\nkeys: [{id: b, type: age, recipient: x, expires: soon}]\n", "a day"),
    "a key id twice": ("keys/people/bob.yaml", "name: bob\nkeys: [{id: alice-1, type: age, recipient: x}]\n", "there twice"),
    "a principal twice": ("keys/services/bob.yaml", "name: bob\n", "there twice"),
    "a retired key without a day": (
        "keys/retired/eve.yaml", "name: eve\nkeys: [{id: e, type: age, recipient: x, retired_because: left}]\n", "retired_at",
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_an_error_with_its_place(mistake: str) -> None:
    path, text, expected = MISTAKES[mistake]
    with pytest.raises(ConfigError) as refused:
        load_from(Snapshot({**ring_files(), path: text.encode()}))
    assert expected in f"{refused.value} {refused.value.hint}"


@pytest.mark.parametrize(
    ("groups", "match"),
    [
        (b"groups: {sre: {members: [nobody]}, prod: {members: []}}\n", "no principal 'nobody'"),
        (b"groups: {sre: {members: ['group:prod']}, prod: {members: ['group:sre']}}\n", "contains itself"),
        (b"groups: {sre: {members: ['group:none']}, prod: {members: []}}\n", "no group 'none'"),
        (b"groups: {sre: {members: ['cluster:alice']}, prod: {members: []}}\n", "is a person and no cluster"),
    ],
    ids=["an unknown name", "a circle", "an unknown group", "another kind"],
)
def test_a_group_of_nobody_is_an_error_once_it_is_resolved(groups: bytes, match: str) -> None:
    ring = load_from(Snapshot(ring_files(groups=groups)))
    with pytest.raises(ConfigError, match=match):
        list(ring_findings(ring, TODAY))


def test_one_key_in_two_spellings_is_one_key() -> None:
    person = "name: bob\nkeys: [{id: b, type: pgp, recipient: 'FBC7 B9E2 A4F9 289A C0C1 D484 3D16 CEE4 A273 81B4'}]\n"
    ring = load_from(Snapshot({**ring_files(), "keys/people/bob.yaml": person.encode()}))
    assert ring.label(MasterKey("pgp", "fbc7b9e2a4f9289ac0c1d4843d16cee4a27381b4")) == "b"
    assert ring.label(MasterKey("age", "age1unknown0000000000000000")).startswith("unknown age1unknown")


FIELDS = ("name", "keys", "id", "type", "recipient", "expires", "rules", "paths", "readers", "reader_groups", "members",
          "groups", "defaults", "sealing", "encrypt", "threshold", "path_regex", "sops", "proof", "sre", "alice")  # fmt: skip
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.sampled_from(["alice", "age"])
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4),
    max_leaves=12,
)


@given(st.sampled_from(sorted(ring_files())), VALUES)
def test_whatever_a_file_holds_is_read_or_refused(path: str, value: object) -> None:
    """Rings come from repositories: nothing in one is a bug of ours."""
    try:
        ring = load_from(Snapshot({**ring_files(), path: json.dumps(value).encode()}))
        list(ring_findings(ring, TODAY))
        lockfile.generate(ring, None)
    except SecretsyncError:
        pass
