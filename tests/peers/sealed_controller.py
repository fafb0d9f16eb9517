"""The real Sealed Secrets controller against a control plane of tests.

It reads its credentials from in-cluster files only, so it gets a mount namespace of its own with a tmpfs over
/var/run; as an ordinary user through a user namespace.
"""

from __future__ import annotations

import contextlib
import json
import os
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Final

from tests.peers.processes import Server, answers, dies_with_parent, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.peers.control_plane import ControlPlane

_NAMESPACE: Final = "kube-system"
_DOES_NOT_OPEN: Final = 409
_IN_CLUSTER: Final = """
mount -t tmpfs tmpfs "$(readlink -f /var/run)"
account=/var/run/secrets/kubernetes.io/serviceaccount
mkdir -p "$account"
cp "$CREDENTIALS"/token "$CREDENTIALS"/ca.crt "$CREDENTIALS"/namespace "$account"
unset CREDENTIALS
exec "$@"
"""


class SealedController:
    """A running controller: its certificate, and its server to stop or to look into."""

    def __init__(self, server: Server, url: str) -> None:
        self.server = server
        self.url = url

    def certificate(self) -> bytes:
        """Return the sealing certificate it offers, as PEM."""
        with urllib.request.urlopen(f"{self.url}/v1/cert.pem", timeout=10) as answer:
            pem: bytes = answer.read()
            return pem

    def opens(self, sealed: object) -> bool:
        """Whether it unseals an object, with the keys that it has: what its `/v1/verify` answers."""
        request = urllib.request.Request(f"{self.url}/v1/verify", data=json.dumps(sealed).encode(), method="POST")
        try:
            with urllib.request.urlopen(request, timeout=10):
                return True
        except urllib.error.HTTPError as refused:
            if refused.code != _DOES_NOT_OPEN:
                raise
            return False


@contextlib.contextmanager
def sealed_controller(
    find: Callable[[str], Path], plane: ControlPlane, folder: Path, *, namespace: str = _NAMESPACE, alone: bool = False
) -> Iterator[SealedController]:
    """Install the kind SealedSecret and run the controller of a namespace until the end of the block.

    With `alone` it unseals objects of its own namespace only.
    """
    binary = find("controller")
    plane.api.install_crds(binary.parents[1] / "crds")
    (folder / "token").write_text(plane.api.token)
    (folder / "namespace").write_text(namespace)
    (folder / "ca.crt").write_bytes(plane.api.ca_file.read_bytes())
    url, metrics = (f"127.0.0.1:{free_port()}" for _ in range(2))
    flags = ["--listen-addr", url, "--listen-metrics-addr", metrics, "--key-renew-period", "0"]
    flags += ["--rate-limit", "1000", "--rate-limit-burst", "1000"]  # of `/v1/verify`
    flags += ["--all-namespaces=false"] if alone else []
    isolate = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
    server = Server(
        "sealed-secrets-controller",
        [*isolate, "sh", "-ec", _IN_CLUSTER, "sh", *dies_with_parent([binary, *flags])],
        folder=folder,
        ready=lambda: answers(f"http://{url}/healthz") and answers(f"http://{url}/v1/cert.pem"),
        env={
            "CREDENTIALS": str(folder),
            "KUBERNETES_SERVICE_HOST": "127.0.0.1",
            "KUBERNETES_SERVICE_PORT": str(plane.port),
            "POD_NAMESPACE": namespace,
        },
    )
    with server:
        yield SealedController(server, f"http://{url}")
