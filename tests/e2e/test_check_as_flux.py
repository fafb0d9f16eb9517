"""`check --as flux` agrees with the real kustomize-controller, where that succeeds, misses a file, or fails."""

from __future__ import annotations

import base64
import json
import sys
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest
import yaml

from tests.peers import run
from tests.peers.api import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.peers.api import Api
    from tests.peers.control_plane import ControlPlane
    from tests.peers.flux import Flux
    from tests.peers.sealed_controller import SealedController
    from tests.peers.sops import Sops

NAMESPACE: Final = "as-flux"
VALUE: Final = "s3cret-value"
SECRET: Final = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "app"}}
SETTINGS: Final = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"a": "b"}}


class Case(NamedTuple):
    """A repository: the files below `app/`, made with the real sops, and whether the Kustomization decrypts."""

    files: Callable[[Sops], Mapping[str, bytes]]
    expected: str
    decryption: bool = True
    spec: Mapping[str, object] = {}


def _encrypted(sops: Sops, manifest: Mapping[str, Any], *flags: str) -> bytes:
    return sops.encrypt(yaml.safe_dump(manifest).encode(), "yaml", *(flags or ("--encrypted-regex", "^stringData$")))


def _kustomization(**fields: object) -> bytes:
    return yaml.safe_dump({"kind": "Kustomization", **fields}).encode()


def _whole(sops: Sops) -> dict[str, bytes]:
    return {"app.yaml": _encrypted(sops, {**SECRET, "stringData": {"password": VALUE}})}


def _carried(sops: Sops) -> dict[str, bytes]:
    inner = base64.b64encode(_encrypted(sops, {"password": VALUE}, "--encrypted-regex", ".*")).decode()
    return {"app.yaml": yaml.safe_dump({**SECRET, "data": {"config.yaml": inner}}).encode()}


def _in_string_data(sops: Sops) -> dict[str, bytes]:
    inner = _encrypted(sops, {"password": VALUE}, "--encrypted-regex", ".*").decode()
    return {"app.yaml": yaml.safe_dump({**SECRET, "stringData": {"config.yaml": inner}}).encode()}


def _generated(field: str, path: str, content: Callable[[Sops], bytes], generator: str = "secretGenerator") -> Any:
    def files(sops: Sops) -> dict[str, bytes]:
        entry = {"name": "app", field: [path], "options": {"disableNameSuffixHash": True}}
        return {"kustomization.yaml": _kustomization(**{generator: [entry]}), path.rpartition("=")[2]: content(sops)}

    return files


def _patch(sops: Sops) -> dict[str, bytes]:
    base = {**SECRET, "stringData": {"user": "x"}}
    patch = _encrypted(sops, {**SECRET, "stringData": {"password": VALUE}})
    kustomization = _kustomization(resources=["base.yaml"], patches=[{"path": "patch.yaml"}])
    return {"base.yaml": yaml.safe_dump(base).encode(), "patch.yaml": patch, "kustomization.yaml": kustomization}


def _disabled(sops: Sops) -> dict[str, bytes]:
    metadata = {"name": "app", "annotations": {"kustomize.toolkit.fluxcd.io/decrypt": "disabled"}}
    return {"app.yaml": _encrypted(sops, {**SECRET, "metadata": metadata, "stringData": {"password": VALUE}})}


def _missing(sops: Sops) -> dict[str, bytes]:
    return {**_whole(sops), "kustomization.yaml": _kustomization(resources=["app.yaml", "gone.yaml"])}


def _beside(path: str, content: bytes | Callable[[Sops], bytes]) -> Any:
    """Return the files of a case: an encrypted Secret, and one more file in its folder."""

    def files(sops: Sops) -> dict[str, bytes]:
        return {**_whole(sops), path: content if isinstance(content, bytes) else content(sops)}

    return files


def _with_kustomization(**fields: object) -> Any:
    return _beside("kustomization.yaml", _kustomization(**{"resources": ["app.yaml"], **fields}))


def _whole_values(sops: Sops) -> dict[str, bytes]:
    plain = yaml.safe_dump({**SECRET, "stringData": {"password": VALUE}}).encode()
    return {"app.yaml": sops.encrypt(plain, "yaml")}


def _merged(sops: Sops) -> dict[str, bytes]:
    base = yaml.safe_dump({**SECRET, "stringData": {"user": "x"}}).encode()
    kustomization = _kustomization(resources=["base.yaml"], patchesStrategicMerge=["app.yaml"])
    return {**_whole(sops), "base.yaml": base, "kustomization.yaml": kustomization}


def _data(key: str, content: Callable[[Sops], bytes]) -> Any:
    def files(sops: Sops) -> dict[str, bytes]:
        value = base64.b64encode(content(sops)).decode()
        return {"app.yaml": yaml.safe_dump({**SECRET, "data": {key: value}}).encode()}

    return files


def _twice_renamed(sops: Sops) -> dict[str, bytes]:
    ends = {f"{end}/kustomization.yaml": _kustomization(resources=["../base"], namePrefix=f"{end}-") for end in "ab"}
    base = {
        "base/app.yaml": _whole(sops)["app.yaml"],
        "base/kustomization.yaml": _kustomization(resources=["app.yaml"]),
    }
    return {**ends, **base, "kustomization.yaml": _kustomization(resources=["a", "b"])}


def _component(sops: Sops) -> dict[str, bytes]:
    generator = {"name": "app", "envs": ["app.env"], "options": {"disableNameSuffixHash": True}}
    component = {"apiVersion": "kustomize.config.k8s.io/v1alpha1", "kind": "Component", "secretGenerator": [generator]}
    return {
        "kustomization.yaml": _kustomization(resources=["settings.yaml"]),
        "settings.yaml": yaml.safe_dump(SETTINGS).encode(),
        "component/kustomization.yaml": yaml.safe_dump(component).encode(),
        "component/app.env": _dotenv(sops),
    }


def _nested(sops: Sops) -> dict[str, bytes]:
    return {
        "inner/secret.yaml": _whole(sops)["app.yaml"],
        "inner/kustomization.yaml": _kustomization(resources=["secret.yaml"]),
        "settings.yaml": yaml.safe_dump(SETTINGS).encode(),
    }


def _dotenv(sops: Sops) -> bytes:
    return sops.encrypt(f"password={VALUE}\n".encode(), "env")


def _json(sops: Sops) -> bytes:
    return sops.encrypt(json.dumps({"password": VALUE}).encode(), "json")


def _yaml(sops: Sops) -> bytes:
    return sops.encrypt(f"password: {VALUE}\nuser: y\n".encode(), "yaml")


CASES: Final = {
    "a whole Secret": Case(_whole, "decrypts"),
    "a file in data": Case(_carried, "decrypts"),
    "a file in stringData": Case(_in_string_data, "missed"),
    "an env file": Case(_generated("envs", "app.env", _dotenv), "decrypts"),
    "a json file": Case(_generated("files", "config.json", _json), "decrypts"),
    "a key without a suffix": Case(_generated("files", "config=config.yaml", _yaml), "fails"),
    "a config map": Case(_generated("files", "config.json", _json, "configMapGenerator"), "missed"),
    "a patch": Case(_patch, "decrypts"),
    "a folder with its own kustomization": Case(_nested, "decrypts"),
    "decryption disabled by annotation": Case(_disabled, "missed"),
    "a resource that is missing": Case(_missing, "fails"),
    "no decryption": Case(_whole, "missed", decryption=False),
    "names encrypted too": Case(_whole_values, "fails"),
    "a file that is no object": Case(_beside("values.yaml", b"a: b\n"), "fails"),
    "a file of comments": Case(_beside("notes.yaml", b"# nothing\n"), "decrypts"),
    "a kustomization that is no yaml": Case(_beside("kustomization.yaml", b"resources: [a\n"), "fails"),
    "two kustomizations": Case(
        lambda sops: {**_with_kustomization()(sops), "Kustomization": _kustomization(resources=["app.yaml"])}, "fails"
    ),
    "a kustomization in a circle": Case(
        lambda sops: {
            **_with_kustomization(resources=["app.yaml", "inner"])(sops),
            "inner/kustomization.yaml": _kustomization(resources=["../"]),
        },
        "fails",
    ),
    "a generator plugin": Case(_with_kustomization(generators=["app.yaml"]), "fails"),
    "a chart": Case(_with_kustomization(helmCharts=[{"name": "x"}]), "fails"),
    "a base under two prefixes": Case(_twice_renamed, "decrypts"),
    "a component of the Kustomization": Case(_component, "decrypts", spec={"components": ["component"]}),
    "a path from the root": Case(_whole, "decrypts", spec={"path": "/app"}),
    "a strategic merge patch": Case(_merged, "fails"),
    "an env file in yaml": Case(_generated("envs", "app.yaml", _yaml), "fails"),
    "an env file by its old field": Case(
        lambda sops: {
            "kustomization.yaml": _kustomization(secretGenerator=[{"name": "app", "env": "app.env"}]),
            "app.env": _dotenv(sops),
        },
        "missed",
    ),
    "json under a key that ends in yaml": Case(_generated("files", "config.yaml=config.json", _json), "decrypts"),
    "json under a key without a suffix": Case(_generated("files", "config=config.json", _json), "fails"),
    "yaml in data under a key without a suffix": Case(_data("config", _yaml), "fails"),
    "yaml in data under a key for ini": Case(_data("config.ini", _yaml), "fails"),
    "what only looks like ini": Case(_data("notes.txt", lambda _: b"[sops]\n"), "fails"),
}


@pytest.mark.parametrize("name", CASES)
def test_check_says_what_flux_does(
    name: str, flux: Flux, control_plane: ControlPlane, sops_peer: Sops, tmp_path: Path
) -> None:
    case = CASES[name]
    files = {f"app/{path}": content for path, content in case.files(sops_peer).items()}
    decryption = {"decryption": {"provider": "sops", "secretRef": {"name": "sops-age"}}} if case.decryption else {}
    spec = {**decryption, **case.spec}
    predicted = _predicted(files, spec, sops_peer, tmp_path)
    assert predicted == _done(flux, control_plane.api, f"case-{list(CASES).index(name)}", files, spec, sops_peer)
    assert predicted == case.expected


def _predicted(files: Mapping[str, bytes], spec: Mapping[str, object], sops: Sops, root: Path) -> str:
    """Return the worst of what `check --as flux` says of the repository."""
    report = _report(files, {"targetNamespace": NAMESPACE, **spec}, sops.environ, root)
    rules = {finding["rule"] for finding in report["findings"]}
    return next(word for word in ("fails", "missed", "decrypts") if f"flux-{word}" in rules)


def _report(files: Mapping[str, bytes], spec: Mapping[str, object], environ: Mapping[str, str], root: Path) -> Any:
    """Write the repository with its Kustomization below `root` and return the report of `check --as flux`."""
    sync = {"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": {"name": "app"}}
    document = yaml.safe_dump({**sync, "spec": {"path": "./app", **spec}}).encode()
    for path, content in {**files, "flux.yaml": document}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    command = [sys.executable, "-m", "secretsync.cli", "check", "--as", "flux", "-o", "json", "."]
    said = run(command, env=environ, cwd=root, check=False).stdout
    assert VALUE.encode() not in said
    return json.loads(said)


def _done(flux: Flux, api: Api, name: str, files: Mapping[str, bytes], spec: Mapping[str, object], sops: Sops) -> str:
    """Return what the real controller does with the repository."""
    namespace = f"{NAMESPACE}-{name}"
    api.create_namespace(namespace)
    identity = base64.b64encode(sops.identity.read_bytes()).decode()
    api.apply({**SECRET, "metadata": {"name": "sops-age", "namespace": "flux-system"}, "data": {"k.agekey": identity}})
    revision = flux.publish(name, files)
    flux.sync(name, **{"path": "./app", "targetNamespace": namespace, **spec})
    verdict = flux.verdict(name, revision)
    if not verdict.ready:
        return "fails"
    settings = [
        value.encode() for each in api.list("ConfigMap", namespace) for value in (each.get("data") or {}).values()
    ]
    secrets = [
        base64.b64decode(value) for each in api.list("Secret", namespace) for value in (each.get("data") or {}).values()
    ]
    contents = [*settings, *secrets]
    return "missed" if any(b"ENC[AES256_GCM" in content for content in contents) else "decrypts"


@pytest.mark.parametrize("target", [NAMESPACE, f"{NAMESPACE}-elsewhere"])
def test_a_sealed_secret_under_another_target_namespace_is_reported_and_does_not_unseal(
    target: str, flux: Flux, control_plane: ControlPlane, sealed_controller: SealedController, tmp_path: Path
) -> None:
    api = control_plane.api
    api.create_namespace(target)
    name = f"sealed-{target}"
    files = {"app/sealed.yaml": _sealed(sealed_controller, name, tmp_path)}
    report = _report(files, {"targetNamespace": target}, {}, tmp_path)
    is_moved = target != NAMESPACE
    assert any(finding["rule"] == "flux-renamed" for finding in report["findings"]) is is_moved
    revision = flux.publish(name, files)
    flux.sync(name, path="./app", targetNamespace=target)
    assert flux.verdict(name, revision).ready
    assert wait_for(lambda: _synced(api, name, target)) == ("False" if is_moved else "True")


def _sealed(controller: SealedController, name: str, folder: Path) -> bytes:
    certificate = folder / "cert.pem"
    certificate.write_bytes(controller.certificate())
    secret = {**SECRET, "metadata": {"name": name, "namespace": NAMESPACE}, "stringData": {"password": VALUE}}
    command = [sys.executable, "-m", "secretsync.cli", "seal", "--cert", certificate, "-o", "yaml", "-"]
    return run(command, stdin=yaml.safe_dump(secret).encode()).stdout


def _synced(api: Api, name: str, namespace: str) -> str | None:
    sealed = api.get("SealedSecret", name, namespace) or {}
    conditions = sealed.get("status", {}).get("conditions", [])
    return next((each["status"] for each in conditions if each["type"] == "Synced"), None)
