"""`render --mode seal` on files of the real sops, applied to a real API server, unsealed by the real controller."""

from __future__ import annotations

import base64
import functools
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml

from tests.peers.api import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.peers.api import Api
    from tests.peers.control_plane import ControlPlane
    from tests.peers.sealed_controller import SealedController
    from tests.peers.sops import Sops

NAMESPACE: Final = "sealed-render"
SCOPES: Final = {
    "strict": {},
    "namespace-wide": {"sealedsecrets.bitnami.com/namespace-wide": "true"},
    "cluster-wide": {"sealedsecrets.bitnami.com/cluster-wide": "true"},
}
VALUES: Final = {"password": "pass wörd\n", "empty": "", "token": "0123"}


@pytest.fixture(scope="module")
def render(
    hook: Callable[..., bytes],
    sops_peer: Sops,
    sealed_controller: SealedController,
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[], bytes]:
    """Return a function that renders three encrypted Secrets, one for each scope, sealed for the controller."""
    folder = tmp_path_factory.mktemp("application")
    for scope, widening in SCOPES.items():
        metadata = {"name": scope, "namespace": NAMESPACE, "annotations": widening}
        plain = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": VALUES}
        encrypted = sops_peer.encrypt(yaml.safe_dump(plain).encode(), "yaml", "--encrypted-regex", "^stringData$")
        (folder / f"{scope}.yaml").write_bytes(encrypted)
    certificate = tmp_path_factory.mktemp("certificate") / "cert.pem"
    certificate.write_bytes(sealed_controller.certificate())
    return lambda: hook("render", "--mode", "seal", "--cert", certificate, folder)


def test_the_controller_unseals_all_three_scopes_and_a_second_apply_changes_nothing(
    render: Callable[[], bytes], control_plane: ControlPlane
) -> None:
    api = control_plane.api
    api.create_namespace(NAMESPACE)
    first = render()
    _apply(api, first)
    before = {scope: wait_for(functools.partial(_settled, api, scope)) for scope in SCOPES}
    for _, secret in before.values():
        assert {key: base64.b64decode(value).decode() for key, value in secret["data"].items()} == VALUES

    assert render() == first
    _apply(api, first)
    after = {scope: _settled(api, scope) for scope in SCOPES}
    assert _versions(after) == _versions(before)


def _apply(api: Api, stream: bytes) -> None:
    documents = list(yaml.safe_load_all(stream))
    assert [document["kind"] for document in documents] == ["SealedSecret"] * len(SCOPES)
    for document in documents:
        api.apply(document)


def _settled(api: Api, name: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Return the SealedSecret and its Secret once the controller has reported its work as done."""
    sealed, secret = api.get("SealedSecret", name, NAMESPACE), api.get("Secret", name, NAMESPACE)
    if sealed is None or secret is None:
        return None
    done = sealed.get("status", {}).get("observedGeneration") == sealed["metadata"]["generation"]
    return (sealed, secret) if done else None


def _versions(settled: dict[str, Any]) -> dict[str, list[str]]:
    return {name: [part["metadata"]["resourceVersion"] for part in pair] for name, pair in settled.items()}
