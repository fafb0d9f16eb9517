"""`check --as flux` agrees with the real kustomize-controller: who gets ready, who does not, and what arrives.

The sample beside all other tests is one of each kind of outcome; `make proof-flux` runs every layout.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml

from secretsync.audit.flux import check_flux
from secretsync.masterkeys import MasterKeys
from tests.peers import run
from tests.peers.api import wait_for
from tests.peers.sops import Sops
from tests.proofs import size
from tests.proofs.flux_layouts import ENTRY, LAYOUTS, Files, Maker

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.peers.api import Api
    from tests.peers.control_plane import ControlPlane
    from tests.peers.flux import Flux

SAMPLE: Final = (
    "no decryption, stringData",
    "names too",
    "a patch of the parent",
    "two signs in a password",
    "a generator of both",
)
NAMES: Final = SAMPLE if size(1, 0) else tuple(LAYOUTS)
STARTS: Final = ("gotk-sync.yaml", "ks.yaml")


@pytest.fixture(scope="module")
def peer_sops(peer: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Sops:
    folder = tmp_path_factory.mktemp("sops")
    identity = folder / "keys.txt"
    identity.write_bytes(run([peer("age-keygen")]).stdout)
    return Sops(peer("sops"), identity=identity, folder=folder)


class Applied:
    """One layout in a namespace of its own, at the real controller."""

    def __init__(self, name: str, namespace: str, files: Files, revision: str) -> None:
        self.layout = LAYOUTS[name]
        self.namespace = namespace
        self.files = files
        self.revision = revision


@pytest.fixture(scope="module")
def applied(flux: Flux, control_plane: ControlPlane, peer_sops: Sops) -> dict[str, Applied]:
    """Publish every layout and apply its entries: the controller works on all of them at a time."""
    return {name: _applied(name, number, flux, control_plane.api, peer_sops) for number, name in enumerate(NAMES)}


def _applied(name: str, number: int, flux: Flux, api: Api, sops: Sops) -> Applied:
    namespace = f"layout-{number}"
    api.create_namespace(namespace)
    identity = {"k.agekey": base64.b64encode(sops.identity.read_bytes()).decode()}
    own = {"name": "sops-age", "namespace": namespace}
    api.apply({"apiVersion": "v1", "kind": "Secret", "metadata": own, "data": identity})

    def encrypt(content: bytes, store: str, kind: str, pattern: str) -> bytes:
        flags = (f"--{kind.replace('_', '-')}", pattern) if kind else ()
        return sops.encrypt(content, store, *flags)

    files = LAYOUTS[name].files(Maker(encrypt, namespace))
    revision = flux.publish("flux-system", files, namespace=namespace)
    for path in _entries(files):
        for entry in yaml.safe_load_all(files[path]):
            api.apply(entry)
    return Applied(name, namespace, files, revision)


def _entries(files: Files) -> list[str]:
    found = [path for path in files if path == ENTRY or path.endswith("gotk-sync.yaml")]
    return found or ["kubernetes/flux/cluster/ks.yaml"]


@pytest.mark.parametrize("name", NAMES)
def test_the_real_controller_does_what_is_said_of_a_layout(
    name: str, applied: dict[str, Applied], control_plane: ControlPlane, peer_sops: Sops, tmp_path: Path
) -> None:
    this, api = applied[name], control_plane.api
    assert _said(this.files, peer_sops, tmp_path) == this.layout.says
    ends = {sync: end for sync, end in this.layout.ready.items() if end is not None}
    done = {sync: wait_for(lambda sync=sync: _end(api, sync, this)) for sync in ends}  # type: ignore[misc]
    assert {sync: end[0] == "True" for sync, end in done.items()} == ends, done
    arrived = {each: _password(api, each, this.namespace) for each in this.layout.arrives}
    assert arrived == this.layout.arrives


def _said(files: Files, sops: Sops, root: Path) -> dict[str, str]:
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    found = check_flux(str(root), keys=MasterKeys(sops.environ))
    return {
        each.file.removeprefix(f"{root}/"): each.rule.removeprefix("flux-")
        for each in found
        if each.rule != "flux-unverified"
    }


def _end(api: Api, name: str, applied: Applied) -> tuple[str, str] | None:
    """Return how a Kustomization ended at its last revision, None while it has not."""
    sync = api.get("Kustomization", name, applied.namespace)
    for condition in (sync or {}).get("status", {}).get("conditions", []):
        if condition["type"] == "Ready" and condition["status"] != "Unknown" and not _is_passing(condition):
            return condition["status"], condition["message"]
    return None


def _is_passing(condition: dict[str, Any]) -> bool:
    """Whether a state is one that passes: what a Kustomization depends on is not ready yet."""
    return bool(condition["reason"] == "DependencyNotReady")


def _password(api: Api, which: str, namespace: str) -> str | None:
    kind, _, name = which.partition("/")
    found = api.get(kind, name, namespace)
    if found is None:
        return None
    password = str(found["data"]["password"])
    value = base64.b64decode(password).decode() if kind == "Secret" else password
    return "ENC" if value.startswith("ENC[") else value
