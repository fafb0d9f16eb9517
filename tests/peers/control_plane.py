"""A real Kubernetes control plane on loopback: etcd, the API server and, if asked for, two controllers.

The two are garbage collection of owned objects and the end of namespaces. There are no nodes: nothing runs in it.
"""

from __future__ import annotations

import contextlib
import json
import secrets
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.peers.api import Api
from tests.peers.processes import Server, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    Find = Callable[[str], Path]


class ControlPlane:
    """A running control plane, and what its clients need to reach it."""

    def __init__(self, find: Find, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.api = Api(
            f"https://127.0.0.1:{self.port}",
            ca_file=folder / "certs" / "apiserver.crt",
            token=secrets.token_hex(16),
        )
        self.kubeconfig = folder / "kubeconfig"
        self._find = find

    def write_credentials(self) -> None:
        """Write the service account key, the token file and a kubeconfig."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        (self.folder / "sa.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.TraditionalOpenSSL,
                serialization.NoEncryption(),
            )
        )
        (self.folder / "sa.pub").write_bytes(
            key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        )
        (self.folder / "tokens.csv").write_text(f"{self.api.token},admin,admin,system:masters\n")
        self.kubeconfig.write_text(json.dumps(self._kubeconfig()))

    def _kubeconfig(self) -> dict[str, object]:
        cluster = {"server": self.api.url, "certificate-authority": str(self.api.ca_file)}
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": "admin", "user": {"token": self.api.token}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}],
            "current-context": "test",
        }

    def etcd(self, client: str, peer: str) -> Server:
        """Return etcd, unsafe and fast."""
        words = {
            "data-dir": self.folder / "etcd",
            "listen-client-urls": client,
            "advertise-client-urls": client,
            "listen-peer-urls": peer,
            "initial-advertise-peer-urls": peer,
            "initial-cluster": f"default={peer}",
        }
        argv = [self._find("etcd"), "--unsafe-no-fsync", *(f"--{name}={value}" for name, value in words.items())]
        return self._server("etcd", argv, says="ready to serve client requests")

    def apiserver(self, etcd: str) -> Server:
        """Return the API server over `etcd`."""
        words = {
            "etcd-servers": etcd,
            "secure-port": self.port,
            "bind-address": "127.0.0.1",
            "advertise-address": "127.0.0.1",
            "cert-dir": self.folder / "certs",
            "service-account-key-file": self.folder / "sa.pub",
            "service-account-signing-key-file": self.folder / "sa.key",
            "service-account-issuer": "https://kubernetes.default.svc",
            "token-auth-file": self.folder / "tokens.csv",
            "authorization-mode": "RBAC",
            "service-cluster-ip-range": "10.0.0.0/24",
            "disable-admission-plugins": "ServiceAccount",
        }
        argv = [self._find("kube-apiserver"), *(f"--{name}={value}" for name, value in words.items())]
        return Server("kube-apiserver", argv, folder=self.folder, ready=self._is_ready)

    def _is_ready(self) -> bool:
        return self.api.ca_file.exists() and self.api.answers() and self.api.get("Namespace", "default") is not None

    def controllers(self) -> Server:
        """Return the controllers; start them after all CRDs are in, because they look for new kinds only seldom."""
        words = {
            "kubeconfig": self.kubeconfig,
            "authentication-kubeconfig": self.kubeconfig,
            "authorization-kubeconfig": self.kubeconfig,
            "bind-address": "127.0.0.1",
            "secure-port": 0,
            "leader-elect": "false",
            "controllers": "garbage-collector-controller,namespace-controller",
            "cert-dir": self.folder / "controller-certs",
        }
        argv = [self._find("kube-controller-manager"), *(f"--{name}={value}" for name, value in words.items())]
        return self._server("kube-controller-manager", argv, says="all resource monitors have synced")

    def _server(self, name: str, argv: Sequence[object], *, says: str) -> Server:
        log = self.folder / f"{name}.log"
        return Server(name, argv, folder=self.folder, ready=lambda: says in log.read_text(errors="replace"))


@contextlib.contextmanager
def control_plane(find: Find, folder: Path) -> Iterator[ControlPlane]:
    """Run etcd and the API server in `folder`; the API server stops first, or it would hang without its etcd."""
    plane = ControlPlane(find, folder)
    plane.write_credentials()
    client, peer = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    with plane.etcd(client, peer), plane.apiserver(client):
        yield plane
