"""The ring's own files beside SOPS files of the same names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from secretsync.keyring.ownfiles import is_own, store_of
from tests.unit.keyring.rings import ring_files

VALUE = "ENC[AES256_GCM,data:eA==,iv:AAAA,tag:AAAA,type:str]"
BLOCK = f"sops:\n    age: []\n    mac: {VALUE}\n"
CARRIES = (
    f"apiVersion: secretsync/v1\nkind: Policy\n# as in {VALUE}\nsops: {{stores: {{yaml: {{indent: 2}}}}}}\n".encode()
)
LOCK = json.dumps({"version": 1, "principals": {"x": VALUE}, "sops": {}, "digest": "", "prev": ""}).encode()


@pytest.mark.parametrize("path", ["keys/policy.yaml", "keys/groups.yaml", "./keys/policy.yaml", "a/b/keys/policy.yaml"])
def test_a_policy_that_quotes_ciphertext_is_no_sops_file(path: str) -> None:
    assert is_own(path, CARRIES)
    assert store_of(path, CARRIES) is None


@pytest.mark.parametrize("path", ["policy.yaml", "app/policy.yaml", "keys/people/deep/x.yaml", "keys/app.yaml"])
def test_only_where_the_ring_keeps_it(path: str) -> None:
    assert store_of(path, CARRIES) == "yaml"


@pytest.mark.parametrize("path", ["keys/policy.yaml", "keys/people/alice.yaml", "keys/app.yaml"])
def test_a_sops_file_below_keys_is_one(path: str) -> None:
    assert store_of(path, f"password: {VALUE}\n{BLOCK}".encode()) == "yaml"
    assert store_of(path, f"apiVersion: secretsync/v1\npassword: {VALUE}\n{BLOCK}".encode()) == "yaml"


def test_a_lock_is_known_by_its_fields() -> None:
    assert store_of("keys/keyring.lock", LOCK) is None
    sops_file = json.dumps({"data": VALUE, "sops": {"mac": VALUE}}).encode()
    assert store_of("keys/keyring.lock", sops_file) == "binary"


def test_every_file_of_a_ring_is_its_own() -> None:
    versioned = {
        path: b"apiVersion: secretsync/v1\n" + data for path, data in ring_files().items() if "people" not in path
    }
    assert all(is_own(path, data) for path, data in versioned.items() if not data.count(b"apiVersion") > 1)


def test_damaged_files_are_not_the_rings_own(tmp_path: Path) -> None:
    assert not is_own("keys/policy.yaml", b"a: [")
    assert not is_own("keys/policy.yaml", b"")
    assert not is_own("keys/keyring.lock", b"[" * 100_000)
