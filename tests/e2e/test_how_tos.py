"""The pages on engines do what they say: their commands run as they stand, in the folder that the page speaks of.

What needs a cluster or a registry (`kubectl`, `podman`) is a stand-in that reads its input and succeeds.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.peers import run
from tests.peers.binaries import REPOSITORY
from tests.unit.render.workshop import certificate

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.peers.sops import Sops

STAND_INS: Final = ("kubectl", "podman")
SECRET: Final = (
    "apiVersion: v1\nkind: Secret\nmetadata:\n  name: database\n  namespace: shop\nstringData:\n  password: x\n"
)
CONFIG: Final = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shop}\ndata: {a: '{{ .Values.password }}'}\n"
DEPLOYMENT: Final = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec: {template: {spec: {containers: [{name: shop, image: shop, envFrom: [{secretRef: {name: settings}}]}]}}}
"""
SYNC: Final = """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: shop, namespace: flux-system}
spec: {path: ./shop, decryption: {provider: sops, secretRef: {name: sops-age}}}
"""


def _commands(page: str) -> str:
    """Return the commands of a page as one shell script."""
    text = (REPOSITORY / "docs" / "how-to" / page).read_text()
    blocks = re.findall(r"^```console\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return "\n".join(line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ "))


def _files(page: str) -> dict[str, str]:
    """Return the files that a page shows: blocks of YAML whose first line is `# PATH`."""
    text = (REPOSITORY / "docs" / "how-to" / page).read_text()
    return dict(re.findall(r"^```yaml\n# (\S+\.yaml)\n(.*?)^```", text, re.MULTILINE | re.DOTALL))


@pytest.fixture
def follow(peer: Callable[[str], Path], sops_peer: Sops, tmp_path: Path) -> Callable[[str], bytes]:
    """Return a function that runs a page's commands in the test's folder and returns what they print."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in STAND_INS:
        (tools / name).write_text("#!/bin/sh\n[ -t 0 ] || cat > /dev/null\n")
        (tools / name).chmod(0o755)
    certificate(tmp_path)
    path = [tools, Path(sys.executable).parent, peer("helm4").parent, peer("kustomize").parent, "/usr/bin", "/bin"]
    environ = {**sops_peer.environ, "PATH": ":".join(map(str, path))}

    def call(page: str) -> bytes:
        script = _commands(page).replace("age1…", sops_peer.recipient)
        command = ["bash", "-e", "-u", "-o", "pipefail", "-c", script]
        return run(command, env=environ, cwd=tmp_path, home=tmp_path).stdout

    return call


def test_the_page_on_helm_runs(follow: Callable[[str], bytes], tmp_path: Path) -> None:
    templates = tmp_path / "shop" / "templates"
    templates.mkdir(parents=True)
    (templates.parent / "Chart.yaml").write_text("apiVersion: v2\nname: shop\nversion: 0.1.0\n")
    (templates.parent / "secrets.yaml").write_text("password: from-values\n")
    (templates / "database.yaml").write_text(SECRET)
    (templates / "config.yaml").write_text(CONFIG)
    printed = follow("helm.md").decode()
    assert printed.count("from-values") == 3
    assert printed.count("kind: SealedSecret") == 1


def test_the_page_on_kustomize_runs(follow: Callable[[str], bytes], tmp_path: Path) -> None:
    for name, text in _files("kustomize.md").items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "database.yaml").write_text(SECRET)
    (tmp_path / "settings.env").write_text("MODE=fast\n")
    (tmp_path / "logback.xml").write_text("<configuration/>\n")
    (tmp_path / "shop" / "deployment.yaml").write_text(DEPLOYMENT)
    printed = follow("kustomize.md").decode()
    assert re.findall(r"^kind: (\w+)$", printed, re.MULTILINE) == [
        *["Secret", "Secret", "Deployment"],  # the generator, in kustomize's order
        "Secret",  # the legacy plugin
        *["Deployment", "SealedSecret", "SealedSecret"],  # the validator over what was sealed
    ]
    assert printed.count("name: prod-settings\n") == 5  # objects, template and references


def test_the_page_on_argo_cd_runs(follow: Callable[[str], bytes], sops_peer: Sops, tmp_path: Path) -> None:
    (tmp_path / "deploy").mkdir()
    encrypted = sops_peer.encrypt(SECRET.encode(), "yaml", "--encrypted-regex", "^stringData$")
    (tmp_path / "deploy" / "database.yaml").write_bytes(encrypted)
    printed = follow("argocd.md").decode()
    assert "name: secretsync-kustomize" in printed
    assert "name: secretsync-helm" in printed


def test_the_page_on_flux_runs(follow: Callable[[str], bytes], tmp_path: Path) -> None:
    for folder in ("shop", "clusters/prod", "vendor/platform"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "clusters" / "prod" / "shop.yaml").write_text(SYNC)
    (tmp_path / "shop" / "database.yaml").write_text(SECRET)
    printed = follow("flux.md").decode()
    assert "flux-decrypts" in printed
    assert "kind: SealedSecret" in (tmp_path / "rendered" / "database.yaml").read_text()
