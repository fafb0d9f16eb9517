"""What `secretsync init` and `keys` find and make, a program does without the command line: Typer is not loaded."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from secretsync.errors import ConfigError
from secretsync.git import Repository
from secretsync.keyring import discovery
from secretsync.keyring.reading import POLICY

PROGRAM = """
import json, os, sys
from datetime import date
from secretsync.keyring import Principal, PublicKey, discovery
from secretsync.keyring.applying import apply
from secretsync.keyring.bootstrap import found
from secretsync.keyring.key_intake import examine
from secretsync.keyring.sources import Checkout
from secretsync.masterkeys import new_identity

today = date(2026, 11, 24)
root = discovery.root_of(".")
path = new_identity.place_for(None, os.environ, outside=str(root))
identity = new_identity.make(post_quantum=False)
is_open_to_others = new_identity.keep(identity, path)
candidate = examine(identity.recipient, today=today)
first = Principal("alice", "person", "", (PublicKey("alice-1", candidate.type, candidate.recipient, created=today),))
apply(root, found(Checkout(root), first, today=today))
assert "typer" not in sys.modules
names = [one.name for one in discovery.ring_at(root).principals]
json.dump([str(root), path, is_open_to_others, identity.recipient, names, discovery.names(root)], sys.stdout)
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return an empty repository."""
    root = tmp_path / "shop"
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    return root


def test_a_program_makes_an_identity_and_a_key_ring_without_typer(repository: Path, tmp_path: Path) -> None:
    (repository / "apps").mkdir()
    home = tmp_path / "home"
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(home), "XDG_CONFIG_HOME": str(home)}
    folder = repository / "apps"
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=folder, env=environ, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    root, path, is_open_to_others, recipient, principals, names = json.loads(ended.stdout)
    assert (root, principals, is_open_to_others) == (str(repository), ["alice"], False)
    assert f"# public key: {recipient}\n" in Path(path).read_text()
    assert Path(path) == home / "sops" / "age" / "keys.txt"
    assert Path(path).stat().st_mode & 0o777 == 0o600
    assert names == [".sops.yaml", "keys/groups.yaml", "keys/keyring.lock", "keys/people/alice.yaml", POLICY]


def test_the_root_is_the_nearest_ring_then_rules_then_a_repository(repository: Path) -> None:
    inner = repository / "a" / "b"
    inner.mkdir(parents=True)
    assert discovery.root_of(inner) == repository
    (repository / "a" / ".sops.yaml").write_text("creation_rules: []\n")
    assert discovery.root_of(inner) == repository / "a"
    (repository / POLICY).parent.mkdir()
    (repository / POLICY).write_text("")
    assert discovery.root_of(inner) == repository


def test_without_a_ring_a_program_is_told_as_a_person_is(repository: Path) -> None:
    with pytest.raises(ConfigError, match="no key ring") as caught:
        discovery.ring_at(repository)
    assert caught.value.hint == "secretsync init"


def test_what_stays_here_lies_in_the_repository_or_in_the_users_own_folder(repository: Path, tmp_path: Path) -> None:
    assert discovery.state(repository, {}) == Path(Repository.containing(repository).common) / "secretsync/proofs"
    alone = tmp_path / "alone"
    alone.mkdir()
    assert discovery.state(alone, {"XDG_STATE_HOME": "/state"}) == Path("/state/secretsync/proofs")
    (alone / "x.yaml").write_text("a: 1\n")
    assert discovery.names(alone) == ["x.yaml"]
