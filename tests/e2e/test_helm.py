"""Helm 3 and Helm 4 with our post-renderer and our getter, as `deploy/` installs them."""

from __future__ import annotations

import base64
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest
import yaml

from tests.peers import Completed, run
from tests.peers.binaries import REPOSITORY
from tests.peers.traps import lay_traps
from tests.unit.render.workshop import certificate

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.peers.control_plane import ControlPlane
    from tests.peers.sops import Sops

POST_RENDERER: Final = {
    "helm3": ["--post-renderer", "secretsync-hook", "--post-renderer-args", "helm"],
    "helm4": ["--post-renderer", "secretsync"],
}
CONFIG: Final = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }},   labels: {helm.sh/chart: shop}}
data: {password: {{ .Values.password | quote }}}
"""
SECRET: Final = """\
apiVersion: v1
kind: Secret
metadata:
  name: NAME
stringData:
  password: "pass wörd"  # kept
"""


class Helm(NamedTuple):
    """One version of Helm with our plugins, in the folder of a chart."""

    name: str
    binary: Path
    chart: Path
    environ: dict[str, str]

    def template(self, *arguments: object, check: bool = True) -> Completed:
        """Run `helm template` in the chart's folder."""
        return self.run("template", "rel", ".", "--namespace", "prod", *arguments, check=check)

    def run(self, *arguments: object, check: bool = True, **environ: str) -> Completed:
        """Run Helm in the chart's folder."""
        environ = {**self.environ, **environ}
        return run([self.binary, *arguments], env=environ, cwd=self.chart, home=self.chart.parent, check=check)


@pytest.fixture(params=sorted(POST_RENDERER))
def helm(request: pytest.FixtureRequest, peer: Callable[[str], Path], sops_peer: Sops, tmp_path: Path) -> Helm:
    """Return a real Helm and a chart with an encrypted template, an encrypted hook and encrypted values."""
    templates = tmp_path / "shop" / "templates"
    templates.mkdir(parents=True)
    (templates.parent / "Chart.yaml").write_text("apiVersion: v2\nname: shop\nversion: 0.1.0\n")
    (templates.parent / "values.yaml").write_text("password: none\n")
    (templates / "cm.yaml").write_text(CONFIG)
    hook = SECRET.replace("NAME", "hook\n  annotations:\n    helm.sh/hook: pre-install")
    for name, text in (("db", SECRET.replace("NAME", "db")), ("hook", hook)):
        encrypted = sops_peer.encrypt(text.encode(), "yaml", "--encrypted-regex", "^(data|stringData)$")
        (templates / f"{name}.yaml").write_bytes(encrypted)
    values = sops_peer.encrypt(b"password: from-values\n", "yaml")
    (templates.parent / "secrets.yaml").write_bytes(values)
    name = request.param
    environ = {
        **sops_peer.environ,
        **{f"HELM_{part}_HOME": str(tmp_path / part) for part in ("CACHE", "CONFIG", "DATA")},
        "HELM_PLUGINS": str(REPOSITORY / "deploy" / name),
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
    }
    return Helm(name, peer(name), templates.parent, environ)


def _objects(output: bytes) -> dict[str, dict[str, object]]:
    documents = [document for document in yaml.safe_load_all(output) if document]
    return {document["metadata"]["name"]: document for document in documents}


def test_templates_are_revealed_and_everything_is_there(helm: Helm) -> None:
    objects = _objects(helm.template(*POST_RENDERER[helm.name]).stdout)
    assert sorted(objects) == ["db", "hook", "rel"]
    assert objects["db"]["stringData"] == {"password": "pass wörd"}
    assert "sops" not in objects["db"]
    assert objects["rel"] == yaml.safe_load(
        CONFIG.replace("{{ .Release.Name }}", "rel").replace("{{ .Values.password | quote }}", "none")
    )


def test_helm_3_never_sends_hooks_and_helm_4_does(helm: Helm) -> None:
    hook = _objects(helm.template(*POST_RENDERER[helm.name]).stdout)["hook"]
    assert ("sops" in hook) is (helm.name == "helm3")
    assert hook["metadata"] == {"name": "hook", "annotations": {"helm.sh/hook": "pre-install"}}


def test_the_getter_decrypts_value_files(helm: Helm) -> None:
    arguments = [*POST_RENDERER[helm.name], "--values", "secrets://secrets.yaml", "--values", "secrets://?none.yaml"]
    assert _objects(helm.template(*arguments).stdout)["rel"]["data"] == {"password": "from-values"}


def test_an_optional_value_file_hides_no_missing_key(helm: Helm, tmp_path: Path) -> None:
    unmounted = helm._replace(environ={**helm.environ, "SOPS_AGE_KEY_FILE": str(tmp_path / "not-mounted.txt")})
    failed = unmounted.template("--values", "secrets://?secrets.yaml", check=False)
    assert (failed.code, failed.stdout) == (1, b"")
    assert "not-mounted.txt" in failed.stderr
    unmounted.template("--values", "secrets://?none.yaml")


def test_the_getter_keeps_to_the_folder(helm: Helm) -> None:
    (helm.chart.parent / "outside.yaml").write_text("password: outside\n")
    (helm.chart / "link.yaml").symlink_to("../outside.yaml")
    for path in ("../outside.yaml", "link.yaml"):
        failed = helm.template("--values", f"secrets://{path}", check=False)
        assert (failed.code, failed.stdout) == (1, b"")
        assert "leads out of" in failed.stderr


def test_a_hostile_chart_starts_nothing_beside_the_key(helm: Helm, tmp_path: Path) -> None:
    lay_traps(helm.chart, tmp_path / "ran")
    environ = {"PYTHONPATH": f":.:{helm.chart}", "PYTHONSTARTUP": str(helm.chart / "sitecustomize.py")}
    post_renderer = POST_RENDERER[helm.name]
    if helm.name == "helm3":
        post_renderer = ["--post-renderer", str(REPOSITORY / "deploy/helm3/secretsync/hook"), *post_renderer[2:]]
    misled = helm._replace(environ={**helm.environ, **environ})
    objects = _objects(misled.template(*post_renderer, "--values", "secrets://secrets.yaml").stdout)
    assert objects["db"]["stringData"] == {"password": "pass wörd"}
    assert objects["rel"]["data"] == {"password": "from-values"}
    assert not (tmp_path / "ran").exists()


def test_no_chart_brings_its_own_configuration(helm: Helm) -> None:
    own = helm.chart / "hook.yaml"
    own.write_text("apiVersion: secretsync/v1\nkind: HookConfiguration\n")
    for path in (own, "hook.yaml"):
        option = ["--post-renderer-args", f"--operator-config={path}"]
        failed = helm.template(*POST_RENDERER[helm.name], *option, check=False)
        kept = helm.chart.parent / ".local" / "state" / "secretsync" / "last-error.txt"
        said = kept.read_text() if helm.name == "helm4" else failed.stderr
        assert (failed.code, failed.stdout) == (1, b"")
        assert "lies in the checkout" in said


@pytest.mark.parametrize("scope", ["namespace-wide", "cluster-wide"])
def test_a_template_widens_no_seal(helm: Helm, tmp_path: Path, sops_peer: Sops, scope: str) -> None:
    identity = {"identities": {"age": [str(sops_peer.identity)]}, "sealing": {"certificate": certificate(tmp_path)}}
    said = {"apiVersion": "secretsync/v1", "kind": "HookConfiguration", "mode": "seal", **identity}
    (tmp_path / "hook.yaml").write_text(yaml.safe_dump(said))
    option = ["--post-renderer-args", f"--operator-config={tmp_path / 'hook.yaml'}"]
    option += ["--post-renderer-args", "--namespace=prod", "--no-hooks"]
    (helm.chart / "templates" / "hook.yaml").unlink()
    assert _objects(helm.template(*POST_RENDERER[helm.name], *option).stdout)["db"]["kind"] == "SealedSecret"
    labelled = SECRET.replace("NAME", "db\n  labels: {managed: 'true'}")
    data = sops_peer.encrypt(labelled.encode(), "yaml", "--encrypted-regex", "^(data|stringData)$").decode()
    widened = data.replace("labels:", "annotations:").replace("managed:", f"sealedsecrets.bitnami.com/{scope}:")
    (helm.chart / "templates" / "db.yaml").write_text(widened)
    assert helm.template(*POST_RENDERER[helm.name], *option, check=False).stdout == b""


def test_a_failure_ends_helm_and_its_reason_is_found(helm: Helm, tmp_path: Path) -> None:
    secret = helm.chart / "templates" / "db.yaml"
    secret.write_bytes(secret.read_bytes().replace(b"name: db", b"name: dc"))
    failed = helm.template(*POST_RENDERER[helm.name], check=False)
    kept = tmp_path / ".local" / "state" / "secretsync" / "last-error.txt"
    said = kept.read_text() if helm.name == "helm4" else failed.stderr
    assert (failed.code, failed.stdout) == (1, b"")
    assert "(shop/templates/db.yaml): the MAC does not match" in said
    assert "pass wörd" not in said + failed.stderr


def test_a_chart_without_an_object_is_never_an_empty_success(helm: Helm) -> None:
    for template in (helm.chart / "templates").iterdir():
        template.write_text("# nothing here\n")
    assert helm.template(*POST_RENDERER[helm.name], check=False).code == 1


def test_a_release_holds_the_secrets_in_a_cluster(helm: Helm, control_plane: ControlPlane) -> None:
    namespace = f"release-{helm.name}"
    control_plane.api.create_namespace(namespace)
    arguments = ["rel", ".", "--namespace", namespace, *POST_RENDERER[helm.name], "--values", "secrets://secrets.yaml"]
    for verb in ("install", "upgrade"):
        helm.run(verb, *arguments, KUBECONFIG=str(control_plane.kubeconfig))
    assert control_plane.api.get("ConfigMap", "rel", namespace)["data"] == {"password": "from-values"}  # type: ignore[index]  # it is there
    assert _value(control_plane, "db", namespace) == "pass wörd"
    assert (_value(control_plane, "hook", namespace) == "pass wörd") is (helm.name == "helm4")


def _value(plane: ControlPlane, name: str, namespace: str) -> str:
    secret = plane.api.get("Secret", name, namespace)
    assert secret is not None
    return base64.b64decode(secret["data"]["password"]).decode()
