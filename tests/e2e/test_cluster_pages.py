"""The pages on applying and on sealing keys: their commands run as they stand, against a real API server and controller.

Nothing runs in this cluster, so `kubectl rollout` is a stand-in, and the controller's Service is a door of the tests.
"""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.e2e.test_how_tos import DEPLOYMENT, SECRET, _commands
from tests.peers import run
from tests.peers.forwarder import forwarder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.peers.control_plane import ControlPlane
    from tests.peers.sealed_controller import SealedController
    from tests.peers.sops import Sops

SERVICE = "/api/v1/namespaces/kube-system/services/http:sealed-secrets-controller:/proxy"


@pytest.fixture
def follow(
    control_plane: ControlPlane, sealed_controller: SealedController, sops_peer: Sops, tmp_path: Path
) -> Iterator[Callable[[str], str]]:
    """Return a function that runs a page's commands in the test's folder and returns what they print."""
    kubectl = tmp_path / "tools" / "kubectl"
    kubectl.parent.mkdir()
    kubectl.write_text("#!/bin/sh\n")
    kubectl.chmod(0o755)
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "production.pem").write_bytes(sealed_controller.certificate())
    path = f"{kubectl.parent}:{Path(sys.executable).parent}:/usr/bin:/bin"
    with forwarder(control_plane, tmp_path, services={SERVICE: sealed_controller.url}) as door:
        environ = {**sops_peer.environ, "PATH": path, "KUBECONFIG": str(door.kubeconfig)}

        def call(script: str) -> str:
            command = ["bash", "-e", "-u", "-o", "pipefail", "-c", script]
            return run(command, env=environ, cwd=tmp_path, home=tmp_path).stdout.decode()

        yield call


def test_the_page_on_applying_runs(
    follow: Callable[[str], str], control_plane: ControlPlane, sops_peer: Sops, tmp_path: Path
) -> None:
    control_plane.api.create_namespace("shop")
    (tmp_path / "deploy").mkdir()
    secret = sops_peer.encrypt(SECRET.encode(), "yaml", "--encrypted-regex", "^stringData$")
    (tmp_path / "deploy" / "database.yaml").write_bytes(secret)
    deployment = yaml.safe_load(DEPLOYMENT)
    deployment["spec"]["selector"] = {"matchLabels": {"app": "shop"}}
    deployment["spec"]["template"]["metadata"] = {"labels": {"app": "shop"}}
    (tmp_path / "deploy" / "shop.json").write_text(json.dumps(deployment))
    lines = _commands("apply-from-a-pipeline.md").splitlines()
    script = "\n".join(f"{line} || test $? = 1" if " diff " in line else line for line in lines)
    said = follow(script)
    assert "+++ applied Secret shop/database" in said
    assert "secret/database in shop created\ndeployment/shop in shop created\n" in said
    assert "sealedsecret/database in shop created\n" in said


def test_the_page_on_sealing_keys_runs(
    follow: Callable[[str], str], sops_peer: Sops, sealed_controller: SealedController, tmp_path: Path
) -> None:
    (tmp_path / "deploy").mkdir()
    (tmp_path / "plain.yaml").write_text(SECRET)
    follow("secretsync seal --cert keys/production.pem -w deploy/database.yaml plain.yaml")
    pin = next(each["spki_sha256"] for each in json.loads(follow("secretsync sealing-keys list -o json"))["keys"])
    script = _commands("sealing-keys.md").replace("9f2c…", pin).replace("age1…", shlex.quote(sops_peer.recipient))
    said = follow(script)
    assert said.startswith("sealed-secrets-key")
    assert said.count("1 item of 1 SealedSecret opens with ") == 2
    assert (tmp_path / "keys" / "production.pem").read_bytes() == sealed_controller.certificate()
