"""The harness itself: the control plane and the controller are up, and unseal what the real kubeseal sealed."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

from tests.peers import run
from tests.peers.api import wait_for
from tests.peers.argocd import argocd, commit_everything

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.peers.control_plane import ControlPlane
    from tests.peers.flux import Flux
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


def test_flux_applies_what_it_is_served(flux: Flux, control_plane: ControlPlane) -> None:
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "seen", "namespace": "default"}}
    revision = flux.publish("harness", {"cm.yaml": json.dumps(manifest).encode()})
    flux.sync("harness")
    assert flux.verdict("harness", revision).ready
    assert control_plane.api.get("ConfigMap", "seen") is not None


def test_argo_cd_asks_a_plugin_for_manifests(peer: Callable[[str], Path], tmp_path: Path) -> None:
    plugin = "{apiVersion: argoproj.io/v1alpha1, kind: ConfigManagementPlugin, metadata: {name: cat}, "
    plugin += "spec: {generate: {command: [cat, cm.yaml]}}}"
    (tmp_path / "cm.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: seen}\n")
    commit_everything(tmp_path)
    with argocd(peer, {"cat": plugin}) as repo_server:
        (manifest,) = repo_server.generate(tmp_path, plugin="cat")
    assert manifest["metadata"]["name"] == "seen"
