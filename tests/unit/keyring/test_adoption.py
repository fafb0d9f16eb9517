"""Adopting a `.sops.yaml`: names, rules that mean the same, and what cannot be adopted."""

from __future__ import annotations

import pytest

from secretsync.errors import ConfigError, PolicyError
from secretsync.keyring import Changed, Snapshot, load_from
from secretsync.keyring.adoption import Adoption, adopt
from secretsync.sops.config import parse_config
from secretsync.sops.datakey import MasterKey
from tests.unit.keyring.rings import TODAY, recipient, ring_files

NAMES = ["prod/a.yaml", "dev/b.yaml", "c.json"]


def adopted(text: str) -> Adoption:
    return adopt(Snapshot({".sops.yaml": text.encode()}), NAMES, today=TODAY)


def people(text: str) -> dict[str, str]:
    """Return the name of every adopted recipient."""
    ring = load_from(Changed(Snapshot({}), adopted(text).changes))
    return {key.recipient: principal.name for principal, key in ring.public_keys()}


A, B, C = recipient("a"), recipient("b"), recipient("c")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (f"keys:\n  - &alice {A}\ncreation_rules:\n  - age: *alice\n", "alice"),
        (f"keys:\n  - &admin_alice {A}\ncreation_rules:\n  - key_groups: [{{age: [*admin_alice]}}]\n", "admin-alice"),
        (f"creation_rules:\n  - age: {A}  # Alice\n", "alice"),
        (f"creation_rules:\n  - age:\n      # Alice Adams\n      - {A}\n", "alice-adams"),
        (f"creation_rules:\n  - age:\n      # this one is for when we deploy\n      - {A}\n", "unknown-"),
        (f"creation_rules:\n  - age: {A}\n", "unknown-"),
    ],
    ids=["anchor", "anchor in a group", "comment behind", "comment above", "a sentence is no name", "no name"],
)
def test_names_come_from_anchors_and_comments(text: str, name: str) -> None:
    assert people(text)[A].startswith(name)


def test_each_key_of_a_list_has_the_comment_on_its_own_line() -> None:
    names = people(
        f"creation_rules:\n  - age:\n      # both\n      - {A} # alice, a developer\n      - {B} # bob (left)\n"
    )
    assert names == {A: "alice", B: "bob"}


def test_two_keys_of_one_name_are_two_principals() -> None:
    names = people(f"creation_rules:\n  - age:\n      # ops\n      - {A}\n      # ops\n      - {B}\n")
    assert names[A] == "ops"
    assert names[B].startswith("ops-")


def test_a_cluster_and_a_service_are_known_by_their_names() -> None:
    text = f"creation_rules:\n  - age:\n      # cluster-prod\n      - {A}\n      # ci main\n      - {B}\n"
    assert {"keys/clusters/cluster-prod.yaml", "keys/services/ci-main.yaml"} <= set(adopted(text).changes)


def test_every_rule_means_the_same_afterwards() -> None:
    text = f"""\
creation_rules:
  - path_regex: prod/.*\\.yaml$
    key_groups:
      - age: ["{A}"]
      - age: ["{B}"]
      - pgp: [FBC7B9E2A4F9289AC0C1D4843D16CEE4A27381B4]
    shamir_threshold: 2
    encrypted_regex: ^data$
    mac_only_encrypted: true
  - path_regex: dev
    age: >-
      {A},
      {B}
    kms: arn:aws:kms:us-east-1:123456789012:key/abc+arn:aws:iam::123456789012:role/r
    gcp_kms: projects/p/locations/l/keyRings/r/cryptoKeys/k
    azure_keyvault: https://v.vault.azure.net/keys/k/1
    hc_vault_transit_uri: https://v/v1/sops/keys/k
    aws_profile: team
  - age: {C}
stores:
  yaml:
    indent: 2
"""
    result = adopted(text)
    assert result.proved == NAMES
    after = parse_config(result.changes[".sops.yaml"] or b"", ".sops.yaml")
    before = parse_config(text.encode(), ".sops.yaml")
    assert after.indents == before.indents
    for old, new in zip(before.rules or [], after.rules or [], strict=True):
        assert [set(group) for group in new.groups] == [set(group) for group in old.groups]
        assert new.shamir_threshold == old.shamir_threshold
    assert (
        MasterKey("kms", "arn:aws:kms:us-east-1:123456789012:key/abc+arn:aws:iam::123456789012:role/r||team")
        in (after.rules or [])[1].groups[0]
    )


def test_unnamed_keys_are_told() -> None:
    assert any("nobody is named" in warning for warning in adopted(f"creation_rules:\n  - age: {A}\n").warnings)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("creation_rules: []\n", "no creation_rules"),
        ("stores: {}\n", "no creation_rules"),
        ("creation_rules:\n  - path_regex: x\n", "rule without keys"),
        (
            f"creation_rules:\n  - age: {A}\ndestination_rules:\n  - s3_bucket: b\n    recreation_rule: {{age: {B}}}\n",
            "recreation_rule",
        ),
        ("creation_rules: {\n", r"\.sops\.yaml"),
    ],
    ids=["no rules", "no list", "no keys", "a recreation rule", "no YAML"],
)
def test_what_cannot_be_adopted_is_refused(text: str, match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        adopted(text)


def test_a_recreation_rule_says_how_to_go_on() -> None:
    rule = f"destination_rules:\n  - s3_bucket: b\n    recreation_rule: {{age: {B}}}\n"
    with pytest.raises(ConfigError) as caught:
        adopted(f"creation_rules:\n  - age: {A}\n{rule}")
    assert "sops --config FILE publish" in (caught.value.hint or "")
    assert adopted(f"creation_rules:\n  - age: {A}\n").changes


def test_a_second_ring_is_refused() -> None:
    with pytest.raises(PolicyError, match="already"):
        adopt(Snapshot({**ring_files(), ".sops.yaml": b""}), [], today=TODAY)


def test_nothing_to_adopt_is_refused() -> None:
    with pytest.raises(ConfigError, match="no such file"):
        adopt(Snapshot({}), [], today=TODAY)
