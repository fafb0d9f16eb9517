"""`check --as flux` agrees with the real kustomize-controller: who gets ready, who does not, and what arrives.

The sample beside all other tests is one of each kind of outcome; `make proof-flux` runs every layout.
"""

from __future__ import annotations

import base64
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest
import yaml

from secretsync.audit.flux import check_flux
from secretsync.masterkeys import MasterKeys
from tests.peers import run
from tests.peers.api import wait_for
from tests.peers.sops import Sops
from tests.proofs import size
from tests.proofs.flux_draws import drawn
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
DRAWS: Final = range(size(6, 150))


_PATIENCE: Final = 240  # all are applied at a time, and those that fail are tried again and again
_OWN: Final = ("sops-age", "kube-root-ca.crt")


@pytest.fixture(scope="module")
def peer_sops(peer: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Sops:
    folder = tmp_path_factory.mktemp("sops")
    identity = folder / "keys.txt"
    identity.write_bytes(run([peer("age-keygen")]).stdout)
    return Sops(peer("sops"), identity=identity, folder=folder)


class Applied(NamedTuple):
    """One repository in a namespace of its own, at the real controller."""

    namespace: str
    files: Files


def _applied(make: Callable[[Maker], Files], namespace: str, flux: Flux, api: Api, sops: Sops) -> Applied:
    api.create_namespace(namespace)
    identity = {"k.agekey": base64.b64encode(sops.identity.read_bytes()).decode()}
    own = {"name": "sops-age", "namespace": namespace}
    api.apply({"apiVersion": "v1", "kind": "Secret", "metadata": own, "data": identity})

    def encrypt(content: bytes, store: str, kind: str, pattern: str) -> bytes:
        flags = (f"--{kind.replace('_', '-')}", pattern) if kind else ()
        return sops.encrypt(content, store, *flags)

    files = make(Maker(encrypt, namespace))
    flux.publish("flux-system", files, namespace=namespace)
    for path in _entries(files):
        for entry in yaml.safe_load_all(files[path]):
            api.apply(entry)
    return Applied(namespace, files)


@pytest.fixture(scope="module")
def layouts(flux: Flux, control_plane: ControlPlane, peer_sops: Sops) -> dict[str, Applied]:
    """Publish every layout and apply its entries: the controller works on all of them at a time."""
    made = enumerate(NAMES)
    return {name: _applied(LAYOUTS[name].files, f"layout-{n}", flux, control_plane.api, peer_sops) for n, name in made}


@pytest.fixture(scope="module")
def draws(flux: Flux, control_plane: ControlPlane, peer_sops: Sops) -> dict[int, Applied]:
    """Publish every repository that is drawn."""
    return {n: _applied(partial(drawn, n), f"draw-{n}", flux, control_plane.api, peer_sops) for n in DRAWS}


def _entries(files: Files) -> list[str]:
    found = [path for path in files if path == ENTRY or path.endswith("gotk-sync.yaml")]
    return found or ["kubernetes/flux/cluster/ks.yaml"]


@pytest.mark.parametrize("name", NAMES)
def test_the_real_controller_does_what_is_said_of_a_layout(
    name: str, layouts: dict[str, Applied], control_plane: ControlPlane, peer_sops: Sops, tmp_path: Path
) -> None:
    this, layout, api = layouts[name], LAYOUTS[name], control_plane.api
    assert _said(this.files, peer_sops, tmp_path) == layout.says
    ends = {sync: end for sync, end in layout.ready.items() if end is not None}
    done = {sync: wait_for(lambda sync=sync: _end(api, sync, this), seconds=_PATIENCE) for sync in ends}  # type: ignore[misc]
    assert {sync: end[0] == "True" for sync, end in done.items()} == ends, done
    arrived = {each: _password(api, each, this.namespace) for each in layout.arrives}
    assert arrived == layout.arrives


@pytest.mark.parametrize("number", DRAWS)
def test_the_real_controller_does_what_is_said_of_a_drawn_repository(
    number: int, draws: dict[int, Applied], control_plane: ControlPlane, peer_sops: Sops, tmp_path: Path
) -> None:
    this, api = draws[number], control_plane.api
    said = set(_said(this.files, peer_sops, tmp_path).values())
    done = _done(api, this)
    assert ("fails" in said) is (done[0] == "fails"), (said, done)
    if done[0] != "fails":
        assert ("missed" in said) is (done[0] == "missed"), (said, done)


def _done(api: Api, this: Applied) -> tuple[str, object]:
    """Return what the controller makes of an entry and its child, and what it says or what arrives."""
    for name in ("apps", "web"):
        status, message = wait_for(lambda name=name: _end(api, name, this), seconds=_PATIENCE)  # type: ignore[misc]
        if status != "True":
            return "fails", message
    objects = [each for kind in ("Secret", "ConfigMap") for each in api.list(kind, this.namespace)]
    arrived = {each["metadata"]["name"]: each.get("data") for each in objects if each["metadata"]["name"] not in _OWN}
    is_missed = "ENC[" in str(arrived) or base64.b64encode(b"ENC[AES").decode()[:8] in str(arrived)
    return ("missed" if is_missed else "decrypts"), arrived


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
