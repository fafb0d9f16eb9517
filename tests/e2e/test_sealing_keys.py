"""The life of a controller's keys, with the real controller: pin, back up, lose, restore, renew, and prove each step."""

from __future__ import annotations

import base64
import contextlib
import json
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.peers import Completed, run
from tests.peers.sealed_controller import sealed_controller as running

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.peers.api import Api
    from tests.peers.control_plane import ControlPlane
    from tests.peers.sealed_controller import SealedController
    from tests.peers.sops import Sops

LABEL = "sealedsecrets.bitnami.com/sealed-secrets-key"


@pytest.fixture
def secretsync(control_plane: ControlPlane, sops_peer: Sops) -> Callable[..., Completed]:
    """Return a function that runs `secretsync` with the test cluster's kubeconfig."""
    environ = {**sops_peer.environ, "KUBECONFIG": str(control_plane.kubeconfig)}

    def call(*arguments: object, code: int = 0, home: Path | None = None) -> Completed:
        """Run it; with a `home` that has no keys, as somebody who cannot open anything."""
        own = {"KUBECONFIG": environ["KUBECONFIG"], "HOME": str(home)} if home else environ
        ended = run([sys.executable, "-m", "secretsync.cli", *arguments], env=own, check=False)
        assert ended.code == code, ended.stderr
        return ended

    return call


def _sealed(secretsync: Callable[..., Completed], folder: Path, certificate: Path, name: str) -> Path:
    plain = folder / f"{name}-plain.yaml"
    manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "default"}}
    plain.write_text(json.dumps({**manifest, "stringData": {"password": "x"}}))
    sealed = folder / f"{name}.yaml"
    secretsync("seal", "--cert", certificate, "-w", sealed, plain)
    return sealed


def _add_key(api: Api, name: str, *, days: int, namespace: str = "kube-system") -> None:
    """Add an active key whose certificate begins in the future of all others by `days`: what a renewal does."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(x509.Name([]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    data = {"tls.key": private, "tls.crt": certificate.public_bytes(serialization.Encoding.PEM)}
    secret: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {"name": name, "namespace": namespace, "labels": {LABEL: "active"}},
        "data": {field: base64.b64encode(value).decode() for field, value in data.items()},
    }
    api.apply(secret)


def test_keys_are_backed_up_lost_restored_and_renewed(
    secretsync: Callable[..., Completed],
    sealed_controller: SealedController,
    control_plane: ControlPlane,
    sops_peer: Sops,
    peer: Callable[[str], Path],
    tmp_path: Path,
) -> None:
    api = control_plane.api
    listed = json.loads(secretsync("sealing-keys", "list", "-o", "json").stdout)["keys"]
    pin = listed[0]["spki_sha256"]
    certificate = tmp_path / "cert.pem"
    secretsync("sealing-keys", "fetch", "--from", "secrets", "--pin", pin, "-w", certificate)
    assert certificate.read_bytes() == sealed_controller.certificate()

    sealed = _sealed(secretsync, tmp_path, certificate, "first")
    backup = tmp_path / "backup.enc.yaml"
    secretsync("sealing-keys", "backup", "--age", sops_peer.recipient, "-w", backup)
    assert b"PRIVATE KEY" not in backup.read_bytes()
    assert base64.b64encode(b"-----BEGIN RSA")[:16] not in backup.read_bytes()
    proof = secretsync("sealing-keys", "prove", "--backup", backup, sealed).stdout
    assert proof == f"1 item of 1 SealedSecret opens with {len(listed)} key{'s' * (len(listed) > 1)}\n".encode()

    _add_key(api, "lost", days=3)
    lost = tmp_path / "lost.enc.yaml"
    secretsync("sealing-keys", "backup", "--age", sops_peer.recipient, "-w", lost)
    api.delete("Secret", "lost", "kube-system")
    kept = lost.read_bytes()
    for home in (None, tmp_path):  # with the key that opens it, and without any
        refused = secretsync("sealing-keys", "backup", "--age", sops_peer.recipient, "-w", lost, home=home, code=11)
        assert "would lose them: lost\n" in refused.stderr
        assert "--allow-fewer-keys" in refused.stderr
        secretsync("sealing-keys", "backup", "--age", sops_peer.recipient, "-w", backup, home=home)
    assert lost.read_bytes() == kept
    restored = secretsync("sealing-keys", "restore", lost)
    assert restored.stdout == b"secret/lost created\n"
    assert "restart" in restored.stderr
    assert secretsync("sealing-keys", "restore", lost).stdout == b""

    with contextlib.ExitStack() as after_restart:
        folder = tmp_path / "restarted"
        folder.mkdir()
        restarted = after_restart.enter_context(running(peer, control_plane, folder))
        renewed = tmp_path / "renewed.pem"
        secretsync("sealing-keys", "fetch", "--from", "secrets", "-w", renewed)
        assert renewed.read_bytes() == restarted.certificate() != certificate.read_bytes()
        second = _sealed(secretsync, tmp_path, renewed, "second")
        secretsync("sealing-keys", "prove", "--only-newest", second)
        old = secretsync("sealing-keys", "prove", "--only-newest", sealed, code=8)
        assert "SealedSecret default/first" in old.stderr or "first" in old.stderr
        secretsync("sealing-keys", "prove", sealed, second)
    api.delete("Secret", "lost", "kube-system")
    secretsync("sealing-keys", "backup", "--age", sops_peer.recipient, "-w", lost, "--allow-fewer-keys")
    assert b"name: lost" not in lost.read_bytes()
    certificate.write_bytes(sealed_controller.certificate())
    taken = secretsync("sealing-keys", "backup", "--age", sops_peer.recipient, "-w", certificate, code=11)
    assert "is no backup of sealing keys" in taken.stderr


def test_a_certificate_other_than_the_pinned_one_is_refused(
    secretsync: Callable[..., Completed], sealed_controller: SealedController
) -> None:
    assert sealed_controller.certificate()
    refused = secretsync("sealing-keys", "fetch", "--from", "secrets", "--pin", "0" * 64, code=4)
    assert refused.stdout == b""
    assert "is pinned" in refused.stderr


def test_a_certificate_is_fetched_by_url_from_this_machine_or_by_https_only(
    secretsync: Callable[..., Completed], sealed_controller: SealedController
) -> None:
    url = f"{sealed_controller.url}/v1/cert.pem"
    assert secretsync("sealing-keys", "fetch", "--url", url, code=3).stdout == b""
    pin = json.loads(secretsync("sealing-keys", "list", "-o", "json").stdout)["keys"][0]["spki_sha256"]
    fetched = secretsync("sealing-keys", "fetch", "--url", url, "--pin", pin)
    assert fetched.stdout == sealed_controller.certificate()
    assert "https" in secretsync("sealing-keys", "fetch", "--url", "http://192.0.2.1/x", code=9).stderr


def test_a_namespace_without_keys_is_an_error_that_names_the_option(secretsync: Callable[..., Completed]) -> None:
    failed = secretsync("sealing-keys", "list", "--controller-namespace", "default", code=9)
    assert "--controller-namespace" in failed.stderr
