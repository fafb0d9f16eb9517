"""The real sops obeys the generated `.sops.yaml`: whom it encrypts for is whom the key ring names, and what it selects."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from secretsync import age
from secretsync.keyring import Checkout, KeyRing, editing, load
from secretsync.keyring.adoption import adopt
from secretsync.keyring.applying import apply

TODAY: Final = date(2026, 11, 24)
PEOPLE: Final = ("alice", "bob", "carol", "prod")

POLICY: Final = b"""\
defaults: {require: [carol]}
rules:
  - paths: ["clusters/prod-*/**/*.sops.yaml", "top.{yaml,json}"]
    readers: [group:sre, cluster:prod]
    encrypt: {encrypted_regex: "^(data|stringData)$", mac_only_encrypted: true}
  - paths: ["quorum/**"]
    reader_groups:
      - members: [alice]
      - members: [bob]
      - members: [prod, carol]
    threshold: 2
    encrypt: {unencrypted_suffix: _clear}
  - paths: ["all/**"]
    reader_groups:
      - members: [alice]
      - members: [bob]
  - path_regex: odd[0-9]+
    readers: [bob]
    encrypt: {encrypted_comment_regex: secret}
  - paths: ["a+b (c)/[xy]?.*"]
    readers: [alice]
    encrypt: {unencrypted_regex: "^kind$"}
"""
PATHS: Final = [
    "clusters/prod-eu/app/db.sops.yaml", "clusters/prod-eu/db.sops.yaml", "top.yaml", "top.json", "quorum/deep/x.yaml",
    "all/x.yaml", "some/odd12/x.yaml", "a+b (c)/xz.yaml",
]  # fmt: skip
UNMATCHED: Final = ["clusters/dev/db.sops.yaml", "clusters/prod-eu/db.yaml", "deep/top.yaml", "a+b (c)/zz.yaml"]


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    """Return a key ring whose `.sops.yaml` lies in the test's folder."""
    for name in PEOPLE:
        folder = "clusters" if name == "prod" else "people"
        path = tmp_path / "keys" / folder / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"name: {name}\nkeys:\n  - {{id: {name}-1, type: age, recipient: {age.generate()}}}\n")
    (tmp_path / "keys/groups.yaml").write_text("groups: {sre: {members: [alice, bob]}}\n")
    (tmp_path / "keys/policy.yaml").write_bytes(POLICY)
    apply(tmp_path, editing.regenerated(Checkout(tmp_path), {}, today=TODAY))
    return load(tmp_path)


def encrypt(sops: Path, root: Path, path: str) -> subprocess.CompletedProcess[str]:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text('{"kind": "Secret", "data": {"a": "YQ=="}, "b_clear": "b"}')
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(root)}
    return subprocess.run(
        [sops, "encrypt", path], cwd=root, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


def recipients(block: dict[str, Any]) -> list[set[str]]:
    groups = block.get("key_groups") or [block]
    return [{each["recipient"] for each in group["age"]} for group in groups]


@pytest.mark.parametrize("path", PATHS)
def test_sops_encrypts_for_whom_the_ring_names(
    peer: Callable[[str], Path], tmp_path: Path, ring: KeyRing, path: str
) -> None:
    outcome = encrypt(peer("sops"), tmp_path, path)
    assert outcome.returncode == 0, outcome.stderr
    document = json.loads(outcome.stdout) if path.endswith(".json") else yaml.safe_load(outcome.stdout)
    rule = ring.rule_for(path)
    assert rule is not None
    wanted = [{reader.recipient.name for reader in group} for group in ring.readers(rule, today=TODAY)]
    assert recipients(document["sops"]) == wanted
    if len(wanted) > 1:
        assert document["sops"]["shamir_threshold"] == (rule.threshold or len(wanted))
    if rule.selector:
        assert document["sops"][rule.selector.kind] == rule.selector.pattern
    assert bool(document["sops"].get("mac_only_encrypted")) == rule.mac_only_encrypted


@pytest.mark.parametrize("path", UNMATCHED)
def test_sops_has_no_rule_where_the_ring_has_none(
    peer: Callable[[str], Path], tmp_path: Path, ring: KeyRing, path: str
) -> None:
    assert ring.rule_for(path) is None
    outcome = encrypt(peer("sops"), tmp_path, path)
    assert outcome.returncode != 0
    assert "no matching creation rules found" in outcome.stderr


def test_sops_updatekeys_finds_nothing_to_do_after_an_adoption(peer: Callable[[str], Path], tmp_path: Path) -> None:
    """Adopting changes no ciphertext: sops itself, with the old file and the new, agrees on the recipients."""
    identity = age.generate()
    (tmp_path / ".sops.yaml").write_text(
        f"keys:\n  - &alice {identity}\n  - &bob {age.generate()}\ncreation_rules:\n"
        "  - path_regex: x\n    key_groups:\n      - age: [*alice, *bob]\n"
    )
    outcome = encrypt(peer("sops"), tmp_path, "x.json")
    (tmp_path / "x.json").write_text(outcome.stdout)
    apply(tmp_path, adopt(Checkout(tmp_path), ["x.json"], today=TODAY).changes)
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "SOPS_AGE_KEY": identity.expose()}
    again = subprocess.run(
        [peer("sops"), "updatekeys", "--yes", "x.json"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert "already up to date" in again.stderr
