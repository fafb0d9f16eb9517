"""`secretsync apply` and `diff` against a real API server: fields owned, values hidden, nothing changed by a refusal."""

from __future__ import annotations

import base64
import sys
import time
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml

from tests.peers import Completed, run
from tests.peers.api import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.peers.api import Api
    from tests.peers.control_plane import ControlPlane
    from tests.peers.sealed_controller import SealedController
    from tests.peers.sops import Sops

NAMESPACE = "apply"
VALUE = "correct horse battery"


@pytest.fixture
def secretsync(control_plane: ControlPlane, sops_peer: Sops) -> Callable[..., Completed]:
    """Return a function that runs `secretsync` with the test cluster's kubeconfig."""
    control_plane.api.create_namespace(NAMESPACE)
    environ = {**sops_peer.environ, "KUBECONFIG": str(control_plane.kubeconfig)}

    def call(*arguments: object, code: int = 0) -> Completed:
        ended = run([sys.executable, "-m", "secretsync.cli", *arguments], env=environ, check=False)
        assert ended.code == code, ended.stderr
        return ended

    return call


@pytest.fixture
def api(control_plane: ControlPlane) -> Api:
    """Return the test cluster's API."""
    return control_plane.api


def _write(folder: Path, sops: Sops, name: str, value: str = VALUE) -> Path:
    """Write an encrypted Secret called `name` and a plain ConfigMap with it."""
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": {"password": value}}
    settings: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"a": "b"}}
    encrypted = sops.encrypt(yaml.safe_dump(secret).encode(), "yaml", "--encrypted-regex", "^stringData$")
    (folder / "secret.yaml").write_bytes(encrypted)
    (folder / "settings.yaml").write_text(yaml.safe_dump(settings))
    return folder


def test_apply_creates_once_and_changes_nothing_the_second_time(
    secretsync: Callable[..., Completed], api: Api, sops_peer: Sops, tmp_path: Path
) -> None:
    folder = _write(tmp_path, sops_peer, "twice")
    first = secretsync("apply", "-n", NAMESPACE, folder).stdout
    secret = api.get("Secret", "twice", NAMESPACE)
    assert secret is not None
    assert base64.b64decode(secret["data"]["password"]).decode() == VALUE
    assert secret["metadata"]["managedFields"][0]["manager"] == "secretsync"
    second = secretsync("apply", "-n", NAMESPACE, folder).stdout
    assert first == b"secret/twice in apply created\nconfigmap/twice in apply created\n"
    assert second == b"secret/twice in apply unchanged\nconfigmap/twice in apply unchanged\n"
    assert api.get("Secret", "twice", NAMESPACE) == secret


def test_a_dry_run_changes_nothing(
    secretsync: Callable[..., Completed], api: Api, sops_peer: Sops, tmp_path: Path
) -> None:
    folder = _write(tmp_path, sops_peer, "dry")
    said = secretsync("apply", "-n", NAMESPACE, "--dry-run", "server", folder).stdout
    assert b"secret/dry in apply created (server dry run)" in said
    assert api.get("Secret", "dry", NAMESPACE) is None


def test_a_refused_object_keeps_all_others_from_being_applied(
    secretsync: Callable[..., Completed], api: Api, sops_peer: Sops, tmp_path: Path
) -> None:
    folder = _write(tmp_path, sops_peer, "refused")
    (folder / "wrong.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: Not-Allowed\n")
    failed = secretsync("apply", "-n", NAMESPACE, folder, code=9)
    assert failed.stdout == b""
    assert "secretsync: error: ConfigMap apply/Not-Allowed: the server refuses: " in failed.stderr
    assert api.get("ConfigMap", "refused", NAMESPACE) is None


def test_a_conflict_names_the_other_owner_and_is_forced_only_on_request(
    secretsync: Callable[..., Completed], api: Api, sops_peer: Sops, tmp_path: Path
) -> None:
    folder = _write(tmp_path, sops_peer, "owned")
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "owned", "namespace": NAMESPACE}}
    api.apply({**settings, "data": {"a": "theirs"}}, manager="somebody")
    failed = secretsync("apply", "-n", NAMESPACE, folder, code=9)
    assert "somebody" in failed.stderr
    secretsync("apply", "-n", NAMESPACE, "--force-conflicts", folder)
    live = api.get("ConfigMap", "owned", NAMESPACE)
    assert live is not None
    assert live["data"] == {"a": "b"}


def test_diff_shows_that_a_value_changes_and_never_the_value(
    secretsync: Callable[..., Completed], sops_peer: Sops, tmp_path: Path
) -> None:
    folder = _write(tmp_path, sops_peer, "diff")
    absent = secretsync("diff", "-n", NAMESPACE, folder, code=1).stdout.decode()
    assert "+++ applied Secret apply/diff" in absent
    secretsync("apply", "-n", NAMESPACE, folder)
    assert secretsync("diff", "-n", NAMESPACE, folder).stdout == b""
    _write(folder, sops_peer, "diff", "another value")
    changed = secretsync("diff", "-n", NAMESPACE, folder, code=1).stdout.decode()
    values = [line for line in changed.splitlines() if line.startswith(("-  password", "+  password"))]
    assert len(values) == 2
    for text in (VALUE, "another value"):
        assert text not in absent + changed
        assert base64.b64encode(text.encode()).decode() not in absent + changed


def test_diff_shows_nothing_that_was_encrypted_in_any_kind_of_object(
    secretsync: Callable[..., Completed], api: Api, sops_peer: Sops, tmp_path: Path
) -> None:
    """Also where the live object holds it already, in another place of a list and in what kubectl has noted."""
    old, new = "old canary", "new canary"
    metadata: dict[str, Any] = {"name": "config", "namespace": NAMESPACE, "labels": {"team": "a"}}
    config: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": "b"}}
    noted = {"kubectl.kubernetes.io/last-applied-configuration": old, "token": old}
    api.apply({**config, "metadata": {**metadata, "annotations": noted}, "data": {"a": "b", "password": old}})
    metadata["annotations"] = {"token": new}
    plain = yaml.safe_dump({**config, "data": {"a": "c", "password": new}}).encode()
    encrypted = sops_peer.encrypt(plain, "yaml", "--encrypted-regex", "^(password|token)$")
    (tmp_path / "config.yaml").write_bytes(encrypted)
    said = secretsync("diff", "--force-conflicts", tmp_path, code=1)
    lines = said.stdout.decode().splitlines()
    assert {"-  a: b", "+  a: c"} <= set(lines)
    assert sum("password:" in line for line in lines) == sum("token:" in line for line in lines) == 2
    assert "canary" not in said.stdout.decode() + said.stderr


CRD: Final = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.org}
spec:
  group: example.org
  names: {kind: Thing, plural: things, singular: thing}
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
"""
NEW: Final = f"""\
apiVersion: v1
kind: List
items:
  - {{apiVersion: example.org/v1, kind: Thing, metadata: {{name: first, namespace: fresh}}}}
  - {{apiVersion: v1, kind: Secret, metadata: {{name: first, namespace: fresh}}, stringData: {{a: {VALUE}}}}}
  - {{apiVersion: v1, kind: Namespace, metadata: {{name: fresh}}}}
---
{CRD}"""


def test_a_namespace_and_a_kind_may_come_with_what_needs_them(
    secretsync: Callable[..., Completed], api: Api, tmp_path: Path
) -> None:
    (tmp_path / "all.yaml").write_text(NEW)
    shown = secretsync("diff", tmp_path, code=1).stdout.decode()
    assert shown.count("+++ applied ") == 4
    assert VALUE not in shown
    outcomes = [
        "namespace/fresh created",
        "customresourcedefinition/things.example.org created",
        "thing/first in fresh created",
        "secret/first in fresh created",
    ]
    tried = secretsync("apply", "--dry-run", "server", tmp_path).stdout.decode().splitlines()
    assert tried == [f"{line} (server dry run)" for line in outcomes]
    assert api.get("Namespace", "fresh") is None
    assert secretsync("apply", tmp_path).stdout.decode().splitlines() == outcomes
    assert secretsync("diff", tmp_path).stdout == b""


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ("{generateName: x-}", "ConfigMap: has no metadata.name, and cannot be applied"),
        ("{name: ../secrets/refused}", "ConfigMap ../secrets/refused: no legal name or namespace"),
        ("{name: a, namespace: ../../../api/v1}", "ConfigMap ../../../api/v1/a: no legal name or namespace"),
    ],
)
def test_an_object_that_names_no_place_of_its_own_is_refused(
    secretsync: Callable[..., Completed], metadata: str, words: str, tmp_path: Path
) -> None:
    (tmp_path / "config.yaml").write_text(
        f"apiVersion: v1\nkind: ConfigMap\nmetadata: {metadata}\ndata: {{a: {VALUE}}}\n"
    )
    for verb in ("apply", "diff"):
        failed = secretsync(verb, tmp_path, code=9)
        assert failed.stdout == b""
        assert failed.stderr == f"secretsync: error: {words}\n"


def test_metadata_that_is_no_mapping_is_refused_by_either_verb(
    secretsync: Callable[..., Completed], tmp_path: Path
) -> None:
    """`diff` redacts as well, and what is redacted must say who it is before the cluster is asked."""
    path = tmp_path / "config.yaml"
    path.write_text(f"apiVersion: v1\nkind: ConfigMap\nmetadata: []\ndata: {{a: {VALUE}}}\n")
    refused = secretsync("apply", tmp_path, code=9)
    assert refused.stderr == "secretsync: error: ConfigMap: has no metadata.name, and cannot be applied\n"
    refused = secretsync("diff", tmp_path, code=4)
    assert refused.stderr == f"secretsync: error: {path} metadata: must be a mapping\n"


def test_what_the_cluster_does_not_allow_is_told_in_one_line(control_plane: ControlPlane, tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text(
        f"apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\nstringData: {{a: {VALUE}}}\n"
    )
    config = yaml.safe_load(control_plane.kubeconfig.read_text())
    stranger = {**config, "users": [{"name": each["name"], "user": {"token": "x"}} for each in config["users"]]}
    nowhere = yaml.safe_load(control_plane.kubeconfig.read_text())
    nowhere["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    for number, (kubeconfig, words) in enumerate(
        [(stranger, "Unauthorized"), (nowhere, "cannot reach the cluster"), (None, "no cluster is configured")]
    ):
        path = tmp_path / f"kubeconfig{number}"
        if kubeconfig is not None:
            path.write_text(yaml.safe_dump(kubeconfig))
        command = [sys.executable, "-m", "secretsync.cli", "apply", tmp_path / "secret.yaml"]
        failed = run(command, env={"KUBECONFIG": str(path)}, home=tmp_path, check=False)
        assert (failed.code, failed.stdout) == (9, b"")
        assert words in failed.stderr.splitlines()[0]
        assert VALUE not in failed.stderr


def test_sealed_output_applied_twice_changes_nothing_in_the_cluster(
    secretsync: Callable[..., Completed],
    api: Api,
    sealed_controller: SealedController,
    sops_peer: Sops,
    tmp_path: Path,
) -> None:
    """Neither the SealedSecret nor the Secret that the real controller makes of it is written again."""
    certificate = tmp_path / "cert.pem"
    certificate.write_bytes(sealed_controller.certificate())
    folder = _write(tmp_path, sops_peer, "sealed")
    arguments = ("apply", "--mode", "seal", "--cert", certificate, "-n", NAMESPACE, folder)
    assert b"sealedsecret/sealed in apply created\n" in secretsync(*arguments).stdout
    first = wait_for(lambda: _unsealed(api, "sealed"))
    assert base64.b64decode(first[1]["data"]["password"]).decode() == VALUE
    assert b"sealedsecret/sealed in apply unchanged\n" in secretsync(*arguments).stdout
    assert secretsync("diff", *arguments[1:]).stdout == b""
    time.sleep(1)  # the controller takes less to unseal what has changed
    assert _unsealed(api, "sealed") == first


def _unsealed(api: Api, name: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Return the SealedSecret and its Secret once the controller has said that they are in step."""
    sealed, secret = api.get("SealedSecret", name, NAMESPACE), api.get("Secret", name, NAMESPACE)
    conditions = (sealed or {}).get("status", {}).get("conditions", [])
    synced = any(each["type"] == "Synced" and each["status"] == "True" for each in conditions)
    return (sealed, secret) if synced and sealed and secret else None
