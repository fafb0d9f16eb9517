"""Evidence that the real ssh-keygen and the real gpg sign and check: in another clone, by whom the base says."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from secretsync.errors import ProofError
from secretsync.git import Repository
from secretsync.rotation import promises
from secretsync.rotation.judging import Judgement
from secretsync.rotation.run import RunbookRun
from secretsync.rotation.scenario import scenario_named
from secretsync.rotation.signatures import Signers, payload, signers_of_file
from tests.peers.gnupg import GnupgHome, gnupg_home
from tests.unit.rotation.repositories import NOW, Sandbox


@pytest.fixture
def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """Return a repository with a key ring, and a home without any setting of git."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    made = Sandbox(tmp_path / "shop")
    made.fill()
    return made


@pytest.fixture
def home(peer: Callable[[str], Path]) -> Iterator[GnupgHome]:
    """Return an empty GnuPG home."""
    with gnupg_home(peer("gpg")) as made:
        yield made


def _ssh_key(folder: Path, name: str) -> Path:
    path = folder / name
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"{name}@x", "-f", path], check=True)
    return path


def _public(path: Path) -> str:
    return Path(f"{path}.pub").read_text().strip()


def _may_sign(sandbox: Sandbox, name: str, key: str) -> None:
    """Commit that somebody may sign evidence."""
    path = f"keys/people/{name}.yaml"
    sandbox.change_ring({path: f'{(sandbox.root / path).read_text()}signing_keys: ["{key}"]\n'})


def _sign_with(sandbox: Sandbox, key: Path | str, form: str = "ssh") -> None:
    sandbox.git("config", "user.signingKey", str(key))
    sandbox.git("config", "gpg.format", form)


def _evidence(sandbox: Sandbox, told: list[str] | None = None) -> dict[str, Any]:
    """Remove bob on a branch, merge it, and export the evidence."""
    tell = (told if told is not None else []).append
    with RunbookRun(Repository.containing(sandbox.root), sandbox.keys(), tell=tell) as run:
        done = run.apply(run.plan(scenario_named("remove"), {"subject": "bob"}, now=NOW))
        sandbox.git("merge", "-q", "--no-ff", "-m", "bob leaves", done["branch"])
        return run.evidence("remove", None)


def _judged(sandbox: Sandbox, evidence: dict[str, Any], *, at: str = "", signers: Signers | None = None) -> Judgement:
    """Judge what is merged in another clone, which never heard of the operation."""
    clone = sandbox.root.parent / "clone"
    if not clone.exists():
        sandbox.git("clone", "-q", str(sandbox.root), str(clone))
    promise = promises.of_evidence(json.dumps(evidence).encode(), "evidence.json")
    with RunbookRun(Repository.containing(clone), sandbox.keys()) as run:
        return run.verify("remove", None, promise, at=at, signers=signers)


def _signature(judgement: Judgement) -> tuple[str, str]:
    (check,) = [check for check in judgement.checks if check.id == "signature"]
    return check.status, " ".join([*check.failures, *check.notes])


def test_ssh_evidence_is_good_in_another_clone(sandbox: Sandbox, tmp_path: Path) -> None:
    key = _ssh_key(tmp_path, "alice-signs")
    _may_sign(sandbox, "alice", _public(key))
    _sign_with(sandbox, key)
    found = _judged(sandbox, _evidence(sandbox))
    assert _signature(found)[0] == "passed"
    assert "signed by alice" in _signature(found)[1]
    assert found.failures == []


def test_pgp_evidence_is_good_in_another_clone(
    sandbox: Sandbox, home: GnupgHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    fingerprint = home.generate("alice@example.org")
    monkeypatch.setenv("GNUPGHOME", home.environ["GNUPGHOME"])
    sandbox.write({f"keys/pgp/{fingerprint}.asc": home.run("--armor", "--export", fingerprint)})
    _may_sign(sandbox, "alice", fingerprint)
    _sign_with(sandbox, fingerprint, "openpgp")
    evidence = _evidence(sandbox)
    found = _judged(sandbox, evidence)
    assert _signature(found)[0] == "passed"
    assert found.failures == []
    assert _signature(_judged(sandbox, {**evidence, "seconds": 99}))[0] == "failed"


def test_evidence_that_was_changed_is_told(sandbox: Sandbox, tmp_path: Path) -> None:
    key = _ssh_key(tmp_path, "alice-signs")
    _sign_with(sandbox, key)
    evidence = _evidence(sandbox)
    assert _signature(_judged(sandbox, evidence)) == ("unknown", _signature(_judged(sandbox, evidence))[1])
    evidence["ended"] = "2026-11-25T00:00:00Z"
    found = _judged(sandbox, evidence)
    assert _signature(found)[0] == "failed", "a damaged signature is one whoever may sign"
    with pytest.raises(ProofError, match="changed since it was signed"):
        found.require_good()


@pytest.mark.parametrize("signed", [True, False])
def test_a_stranger_and_nobody_are_refused_where_signers_are_known(
    sandbox: Sandbox, tmp_path: Path, signed: bool
) -> None:
    _may_sign(sandbox, "alice", _public(_ssh_key(tmp_path, "alice-signs")))
    if signed:
        _sign_with(sandbox, _ssh_key(tmp_path, "mallory-signs"))
    found = _judged(sandbox, _evidence(sandbox))
    assert _signature(found)[0] == "failed"
    assert ("somebody else" if signed else "not signed") in _signature(found)[1]
    with pytest.raises(ProofError):
        found.require_good()


def test_whoever_is_removed_does_not_vouch_for_it(sandbox: Sandbox, tmp_path: Path) -> None:
    key = _ssh_key(tmp_path, "bob-signs")
    _may_sign(sandbox, "alice", _public(_ssh_key(tmp_path, "alice-signs")))
    _may_sign(sandbox, "bob", _public(key))
    _sign_with(sandbox, key)
    assert _signature(_judged(sandbox, _evidence(sandbox)))[0] == "failed"


def test_the_judged_commit_has_no_say_in_who_may_sign(sandbox: Sandbox, tmp_path: Path) -> None:
    """Mallory makes herself a signer on the branch, and bases evidence of her own on that."""
    _may_sign(sandbox, "alice", _public(_ssh_key(tmp_path, "alice-signs")))
    key = _ssh_key(tmp_path, "mallory-signs")
    sandbox.git("checkout", "-q", "-b", "mine")
    _may_sign(sandbox, "carol", _public(key))
    _sign_with(sandbox, key)
    evidence = _evidence(sandbox)
    sandbox.git("checkout", "-q", "main")
    found = _judged(sandbox, evidence, at="origin/mine")
    assert _signature(found)[0] == "failed"
    sandbox.git("merge", "-q", "--no-ff", "-m", "merge", "mine")
    sandbox.git("-C", str(sandbox.root.parent / "clone"), "pull", "-q")
    assert _signature(_judged(sandbox, evidence, at="main"))[0] == "failed"


def test_a_file_of_allowed_signers_counts_in_place_of_the_ring(sandbox: Sandbox, tmp_path: Path) -> None:
    key = _ssh_key(tmp_path, "release-signs")
    _may_sign(sandbox, "alice", _public(_ssh_key(tmp_path, "alice-signs")))
    _sign_with(sandbox, key)
    evidence = _evidence(sandbox)
    allowed = tmp_path / "allowed"
    allowed.write_text(f"release@example.org {_public(key)}\n")
    assert _signature(_judged(sandbox, evidence, signers=signers_of_file(str(allowed))))[0] == "passed"
    allowed.write_text(f'release@example.org namespaces="git" {_public(key)}\n')
    assert _signature(_judged(sandbox, evidence, signers=signers_of_file(str(allowed))))[0] == "failed"


def test_a_signature_for_another_purpose_is_none(sandbox: Sandbox, tmp_path: Path) -> None:
    key = _ssh_key(tmp_path, "alice-signs")
    _may_sign(sandbox, "alice", _public(key))
    _sign_with(sandbox, key)
    evidence = _evidence(sandbox)

    command = ["ssh-keygen", "-Y", "sign", "-n", "git", "-f", str(key)]
    made = subprocess.run(command, input=payload(evidence), capture_output=True, check=True).stdout.decode()
    evidence["signature"] = {"format": "ssh", "value": made}
    assert _signature(_judged(sandbox, evidence))[0] == "failed"


def test_the_repository_does_not_choose_the_program_that_signs(sandbox: Sandbox, tmp_path: Path) -> None:
    key = _ssh_key(tmp_path, "alice-signs")
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    program.chmod(0o700)
    _sign_with(sandbox, key)
    for name in ("gpg.ssh.program", "gpg.program", "gpg.openpgp.program", "gpg.ssh.defaultKeyCommand"):
        sandbox.git("config", name, str(program))
    assert _evidence(sandbox)["signature"]["format"] == "ssh"
    assert not (tmp_path / "started").exists()


def test_a_key_that_does_not_sign_leaves_evidence_that_says_so(sandbox: Sandbox, tmp_path: Path) -> None:
    """What was done is done; it is told, and the evidence is signed when it is exported."""
    _sign_with(sandbox, tmp_path / "away")
    told: list[str] = []
    with RunbookRun(Repository.containing(sandbox.root), sandbox.keys(), tell=told.append) as run:
        done = run.apply(run.plan(scenario_named("remove"), {"subject": "bob"}, now=NOW))
        assert "signature" not in done
        assert any("the evidence is not signed" in line for line in told)
        _sign_with(sandbox, _ssh_key(tmp_path, "away"))
        assert run.evidence("remove", None)["signature"]["format"] == "ssh"
