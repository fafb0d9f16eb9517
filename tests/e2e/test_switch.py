"""From revealed Secrets to SealedSecrets while the application runs: with real Flux, pruning on, and the real controller.

The same steps as docs/how-to/switch-to-sealed-secrets.md. The Secret's uid tells whether it was ever gone.
"""

from __future__ import annotations

import base64
import functools
import sys
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml

from tests.peers import run
from tests.peers.api import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.peers.api import Api
    from tests.peers.control_plane import ControlPlane
    from tests.peers.flux import Flux
    from tests.peers.sealed_controller import SealedController
    from tests.peers.sops import Sops

NAMESPACE: Final = "switch"
PASSWORD: Final = "still the same"
PREPARATION: Final = {
    "sealedsecrets.bitnami.com/managed": "true",
    "kustomize.toolkit.fluxcd.io/prune": "disabled",
}


class Application:
    """One encrypted Secret in Git, rendered and published for Flux."""

    def __init__(self, name: str, folder: Path, sops: Sops, certificate: Path) -> None:
        self.name = name
        self.file = folder / f"{name}.yaml"
        self._environ = sops.environ
        self._certificate = certificate
        metadata = {"name": name, "namespace": NAMESPACE, "labels": {"app": name}}
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"password": PASSWORD}}
        self.file.write_bytes(
            sops.encrypt(yaml.safe_dump(secret).encode(), "yaml", "--encrypted-regex", "^stringData$")
        )

    def annotate(self, annotation: str, value: str) -> None:
        """Set an annotation in the encrypted file, whose MAC covers it."""
        self._secretsync("set", self.file, f'["metadata"]["annotations"]["{annotation}"]', f'"{value}"')

    def revealed(self) -> dict[str, bytes]:
        """Return the files of a revision with the plain Secret."""
        return {"app.yaml": self._secretsync("render", self.file)}

    def sealed(self) -> dict[str, bytes]:
        """Return the files of a revision with the SealedSecret."""
        return {"app.yaml": self._secretsync("render", "--mode", "seal", "--cert", self._certificate, self.file)}

    def _secretsync(self, *arguments: object) -> bytes:
        return run([sys.executable, "-m", "secretsync.cli", *arguments], env=self._environ).stdout


@pytest.fixture
def certificate(sealed_controller: SealedController, tmp_path: Path) -> Path:
    """Return the file of the controller's certificate."""
    path = tmp_path / "cert.pem"
    path.write_bytes(sealed_controller.certificate())
    return path


@pytest.fixture
def create(sops_peer: Sops, certificate: Path, tmp_path: Path) -> Callable[[str], Application]:
    """Return a function that makes an application of a name."""
    return lambda name: Application(name, tmp_path, sops_peer, certificate)


@pytest.fixture
def deploy(flux: Flux, control_plane: ControlPlane) -> Callable[[str, dict[str, bytes]], None]:
    """Return a function that publishes a revision and waits until Flux has applied it, pruning included."""
    control_plane.api.create_namespace(NAMESPACE)

    def publish(name: str, files: dict[str, bytes]) -> None:
        revision = flux.publish(name, files)
        flux.sync(name)
        verdict = flux.verdict(name, revision)
        assert verdict.ready, verdict.message

    return publish


def test_a_prepared_secret_passes_to_the_controller_and_is_never_gone(
    control_plane: ControlPlane,
    deploy: Callable[[str, dict[str, bytes]], None],
    create: Callable[[str], Application],
) -> None:
    api = control_plane.api
    application = create("prepared")
    deploy("prepared", application.revealed())
    uid = _secret(api, "prepared")["metadata"]["uid"]
    for annotation, value in PREPARATION.items():
        application.annotate(annotation, value)
    deploy("prepared", application.revealed())
    deploy("prepared", application.sealed())
    owned = wait_for(functools.partial(_owned, api, "prepared"))
    assert owned["metadata"]["uid"] == uid
    assert base64.b64decode(owned["data"]["password"]).decode() == PASSWORD


def test_an_unprepared_secret_is_pruned_on_the_way(
    control_plane: ControlPlane,
    deploy: Callable[[str, dict[str, bytes]], None],
    create: Callable[[str], Application],
) -> None:
    api = control_plane.api
    application = create("unprepared")
    deploy("unprepared", application.revealed())
    uid = _secret(api, "unprepared")["metadata"]["uid"]
    deploy("unprepared", application.sealed())
    live = api.get("Secret", "unprepared", NAMESPACE)
    assert live is None or live["metadata"]["uid"] != uid


def test_the_way_back_keeps_the_secret_too(
    control_plane: ControlPlane,
    deploy: Callable[[str, dict[str, bytes]], None],
    create: Callable[[str], Application],
) -> None:
    api = control_plane.api
    application = create("back")
    deploy("back", application.sealed())
    wait_for(lambda: api.get("Secret", "back", NAMESPACE))
    uid = _secret(api, "back")["metadata"]["uid"]
    application.annotate("sealedsecrets.bitnami.com/skip-set-owner-references", "true")
    deploy("back", application.sealed())
    wait_for(lambda: "ownerReferences" not in _secret(api, "back")["metadata"])
    deploy("back", application.revealed())
    assert api.get("SealedSecret", "back", NAMESPACE) is None
    assert _secret(api, "back")["metadata"]["uid"] == uid
    assert base64.b64decode(_secret(api, "back")["data"]["password"]).decode() == PASSWORD


def _secret(api: Api, name: str) -> dict[str, Any]:
    secret = api.get("Secret", name, NAMESPACE)
    assert secret is not None
    return secret


def _owned(api: Api, name: str) -> dict[str, Any] | None:
    """Return the Secret once the controller owns it; that it is missing meanwhile fails the test."""
    secret = _secret(api, name)
    owners = [owner["kind"] for owner in secret["metadata"].get("ownerReferences", [])]
    return secret if owners == ["SealedSecret"] else None
