"""A renewed sealing key: older items are sealed anew in place, from sops' Secret or the old private key."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from secretsync.errors import ChangedFileError
from secretsync.git import Repository
from secretsync.manifests.secret import decode_base64
from secretsync.processes import Pool
from secretsync.rotation import applying
from secretsync.rotation.applying import ApplyOutcome, Controls
from secretsync.rotation.file_worker import FileWork
from secretsync.rotation.journal import Observer, Operation, Record
from secretsync.rotation.model import Plan
from secretsync.rotation.planning import make_plan
from secretsync.rotation.resealing import sealed_items
from secretsync.rotation.scenario import scenario_named
from secretsync.rotation.survey import Setting
from secretsync.sealed import SealingCertificate, items, privatekeys, seal
from secretsync.sealed.privatekeys import UnsealingKey
from tests.unit.rotation.repositories import NOW, Sandbox

SECRET = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "db", "namespace": "shop"},
    "stringData": {"user": "shop", "password": "hunter2-sealed"},
}


@cache
def key_pem(name: str) -> tuple[str, str]:
    """Return a certificate and its private key, both PEM, made once for a test run."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=3650))
        .sign(private, hashes.SHA256())
    )
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode(), pem.decode()


def _key(name: str) -> tuple[str, UnsealingKey]:
    certificate, private = key_pem(name)
    return certificate, privatekeys.load(private.encode())[0]


def sealed_manifest() -> str:
    """Return a SealedSecret with one item for the new key, and one for the old."""
    return _manifest(_sealed("new")["user"], _sealed("old")["password"])


def _sealed(name: str) -> dict[str, str]:
    certificate = SealingCertificate.load(_key(name)[0].encode(), now=NOW)
    items: dict[str, str] = seal(SECRET, certificate)["spec"]["encryptedData"]  # type: ignore[index]
    return items


def _manifest(user: str, password: str) -> str:
    return (
        "# kept as it is\napiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\n"
        "metadata: {name: db,   namespace: shop, labels: {own: label}}\nspec:\n  encryptedData:\n"
        f"    user: {user} # who\n    password: '{password}'\n  template: {{metadata: {{annotations: {{a: b}}}}}}\n"
    )


def _plan(sandbox: Sandbox, *keys: UnsealingKey) -> Plan:
    repository = Repository.containing(sandbox.root)
    given = {"subject": "prod", "certificate": _key("new")[0]}
    with Pool(FileWork(repository, sandbox.keys(), unsealing=keys)) as pool:
        return make_plan(scenario_named("reseal"), given, Setting(repository, sandbox.keys(), pool, NOW))


def _apply(sandbox: Sandbox, plan: Plan, *keys: UnsealingKey, observer: Observer | None = None) -> ApplyOutcome:
    repository = Repository.containing(sandbox.root)
    operation = Operation(repository, plan.operation, observer=observer)
    with Pool(FileWork(repository, sandbox.keys(), unsealing=keys)) as pool:
        outcome = applying.apply(plan, operation, repository, pool, Controls(lambda: False, lambda _d, _t: None))
    sandbox.merge(outcome)
    return outcome


@pytest.fixture
def path(sandbox: Sandbox) -> str:
    """Return a file whose user is sealed for the new key and whose password still for the old one."""
    name = "prod/db.sealed.yaml"
    sandbox.write({name: sealed_manifest()})
    sandbox.commit()
    return name


def test_items_of_older_keys_are_sealed_anew_and_every_other_byte_stays(sandbox: Sandbox, path: str) -> None:
    new, old = _key("new")[1], _key("old")[1]
    before = (sandbox.root / path).read_text()
    plan = _plan(sandbox, new, old)
    assert plan.problems == []
    assert [(file.path, file.items) for file in plan.files] == [(path, 1)]
    outcome = _apply(sandbox, plan, new, old)
    checks = {check.id: check.status for check in outcome.checks}
    assert (checks["V4"], checks["V9"], checks["V10"]) == ("passed", "passed", "passed")
    after = (sandbox.root / path).read_text()
    was, now = list(sealed_items(before.encode())), list(sealed_items(after.encode()))
    assert [one.text == other.text for one, other in zip(was, now, strict=True)] == [False, True]
    assert before.replace(was[0].text, "") == after.replace(now[0].text, "")
    assert _plan(sandbox, new, old).files == []


def test_sops_is_the_source_where_it_keeps_the_secret(sandbox: Sandbox, path: str) -> None:
    text = "kind: Secret\napiVersion: v1\nmetadata: {name: db, namespace: shop}\nstringData:\n  user: u\n  password: from-sops\n"
    sandbox.write({"prod/source.yaml": sandbox.encrypt("prod/source.yaml", text, "alice", "bob", "prod")})
    sandbox.commit()
    new = _key("new")[1]
    plan = _plan(sandbox, new)
    assert plan.files[0].sources["shop/db"][0] == "prod/source.yaml"
    _apply(sandbox, plan, new)
    found = {one.key: one for one in sealed_items((sandbox.root / path).read_bytes())}
    password = found["password"]
    assert items.unseal(decode_base64(password.text), [new], password.resource.label) == b"from-sops"


def test_a_file_that_somebody_changes_before_it_is_sealed_anew_is_left_to_them(sandbox: Sandbox, path: str) -> None:
    new, old = _key("new")[1], _key("old")[1]
    plan = _plan(sandbox, new, old)
    tree = Path(Operation(Repository.containing(sandbox.root), plan.operation).tree)
    changed = (sandbox.root / path).read_text().replace("own: label", "own: other")

    def change(record: Record) -> None:
        if record["event"] == "worktree":
            (tree / path).write_text(changed)

    with pytest.raises(ChangedFileError, match="by someone else") as caught:
        _apply(sandbox, plan, new, old, observer=change)
    assert caught.value.location == path
    assert (tree / path).read_text() == changed


def test_an_item_that_nothing_opens_is_named_and_nothing_is_written(sandbox: Sandbox, path: str) -> None:
    plan = _plan(sandbox, _key("new")[1])
    assert [(one.path, one.message) for one in plan.problems] == [
        (path, "shop/db password: opens with none of the private keys, and sops keeps no Secret for it")
    ]


def test_without_the_new_private_key_the_proof_says_what_it_cannot_tell(sandbox: Sandbox) -> None:
    sandbox.write({"prod/x.yaml": _manifest(_sealed("old")["user"], _sealed("old")["password"])})
    sandbox.commit()
    old = _key("old")[1]
    outcome = _apply(sandbox, _plan(sandbox, old), old)
    assert {check.id: check.status for check in outcome.checks}["V10"] == "not applicable"
