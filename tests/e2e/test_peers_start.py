"""The harness itself: the control plane and the controller are up, and unseal what the real kubeseal sealed."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

from tests.peers import run
from tests.peers.api import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.peers.control_plane import ControlPlane
    from tests.peers.sealed_controller import SealedController


def test_the_controller_unseals_what_kubeseal_sealed(
    peer: Callable[[str], Path], control_plane: ControlPlane, sealed_controller: SealedController, tmp_path: Path
) -> None:
    control_plane.api.create_namespace("harness")
    certificate = tmp_path / "cert.pem"
    certificate.write_bytes(sealed_controller.certificate())
    metadata = {"name": "s", "namespace": "harness"}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"k": "value"}}
    sealed = run([peer("kubeseal"), "--cert", certificate, "-o", "json"], stdin=json.dumps(secret).encode())
    control_plane.api.apply(json.loads(sealed.stdout))
    found = wait_for(lambda: control_plane.api.get("Secret", "s", "harness"))
    assert base64.b64decode(found["data"]["k"]) == b"value"
