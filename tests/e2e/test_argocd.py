"""The real Argo CD repo-server and plugin servers, with the plugins that `secretsync hook argocd print` prints."""

from __future__ import annotations

import json
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml

from tests.peers import run
from tests.peers.argocd import GenerationError, RepoServer, argocd, commit_everything
from tests.peers.binaries import REPOSITORY
from tests.peers.traps import lay_traps
from tests.unit.render.workshop import certificate, unsealing_pem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.peers.control_plane import ControlPlane
    from tests.peers.sops import Sops

BIN: Final = Path(sys.executable).parent
SECRETSYNC: Final = [sys.executable, "-m", "secretsync.cli"]
CONFIG: Final = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: app}\ndata: {a: b}\n"
SECRET: Final = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringData:\n  password: hunter2-c4n4ry\n"
CANARY: Final = "hunter2-c4n4ry"


def _printed(*arguments: object) -> dict[str, str]:
    """Return the files of the printed configuration."""
    printed = run([*SECRETSYNC, "hook", "argocd", "print", "--part", "configuration", *arguments]).stdout
    data: dict[str, str] = yaml.safe_load(printed)["data"]
    return data


def _installed(files: dict[str, str], folder: Path, name: str) -> str:
    """Install printed files in a folder that stands for the sidecar's `/etc/secretsync`; return the plugin's text."""
    folder.mkdir()
    for file, text in files.items():
        (folder / file).write_text(text.replace("/etc/secretsync", str(folder)))
    plugin = yaml.safe_load(files["plugin.yaml"])
    plugin["metadata"]["name"] = name
    generate = plugin["spec"]["generate"]
    option = ["--operator-config", str(folder / "hook.yaml")]
    if generate["args"][0] == "render":
        generate["args"] = [generate["args"][0], *option, *generate["args"][1:]]
    else:
        assert generate["args"][0].count("secretsync.hooks render -") == 1
        generate["args"] = [generate["args"][0].replace("hooks render", " ".join(["hooks render", *option]))]
    return yaml.safe_dump(plugin)


@pytest.fixture(scope="module")
def repo_server(
    peer: Callable[[str], Path], sops_peer: Sops, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RepoServer]:
    """Run a repo-server with our three plugins, and the plain one again in seal mode."""
    folder = tmp_path_factory.mktemp("sidecars")
    printed = {
        "secretsync": _printed(),
        "secretsync-kustomize": _printed("--source", "kustomize"),
        "secretsync-helm": _printed("--source", "helm"),
        "sealing": _printed("--cert", certificate(folder)),
    }
    plugins = {}
    for name, files in printed.items():
        plugins[name] = _installed(files, folder / name, name)
        (folder / name / "age.agekey").write_bytes(sops_peer.identity.read_bytes())
    plugins_of_kustomize = folder / "kustomize" / "viaduct.ai" / "v1" / "ksops"
    plugins_of_kustomize.mkdir(parents=True)
    first, rest = (BIN / "ksops").read_text().split("\n", 1)
    (plugins_of_kustomize / "ksops").write_text(f"{first} -I\n{rest}")  # as deploy/Containerfile makes it
    (plugins_of_kustomize / "ksops").chmod(0o755)
    path = [BIN, peer("kustomize").parent, peer("helm4").parent, "/usr/bin", "/bin"]
    environ = {
        **sops_peer.environ,  # for the getter, which reads the operator's file at its default place only
        "PATH": ":".join(map(str, path)),
        "PYTHONPATH": ":.",  # which an operator sets by mistake, and which leads into every checkout
        "KUSTOMIZE_PLUGIN_HOME": str(folder / "kustomize"),
        "HELM_PLUGINS": str(REPOSITORY / "deploy" / "helm3"),  # as in deploy/Containerfile, for either Helm
    }
    with argocd(peer, plugins, env=environ) as server:
        yield server


@pytest.fixture
def encrypt(sops_peer: Sops) -> Callable[[str], bytes]:
    """Return a function that encrypts a manifest as sops does."""
    return lambda text: sops_peer.encrypt(text.encode(), "yaml", "--encrypted-regex", "^(data|stringData)$")


@pytest.fixture
def app(tmp_path: Path, encrypt: Callable[[str], bytes]) -> Path:
    """Return a folder with an encrypted Secret, without a namespace, and a ConfigMap."""
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "config.yaml").write_text(CONFIG)
    (folder / "secret.yaml").write_bytes(encrypt(SECRET))
    return folder


def _untracked(manifests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return manifests without the annotation that Argo CD tracks them by."""
    for manifest in manifests:
        annotations = manifest["metadata"].get("annotations", {})
        annotations.pop("argocd.argoproj.io/tracking-id", None)
        if not annotations:
            manifest["metadata"].pop("annotations", None)
    return manifests


def test_a_folder_is_revealed_into_the_namespace_of_the_application(repo_server: RepoServer, app: Path) -> None:
    commit_everything(app)
    manifests = _untracked(repo_server.generate(app, plugin="secretsync", namespace="prod"))
    expected = yaml.safe_load(SECRET)
    expected["metadata"]["namespace"] = "prod"
    assert manifests == [yaml.safe_load(CONFIG), expected]


def test_a_folder_is_sealed_the_same_way_every_time(repo_server: RepoServer, app: Path, tmp_path: Path) -> None:
    commit_everything(app)
    twice = [_untracked(repo_server.generate(app, plugin="sealing", namespace="prod")) for _ in range(2)]
    assert twice[0] == twice[1]
    assert CANARY not in json.dumps(twice)
    config, sealed = twice[0]
    assert config == yaml.safe_load(CONFIG)
    assert (sealed["kind"], sealed["metadata"]) == ("SealedSecret", {"name": "db", "namespace": "prod"})
    (tmp_path / "key.pem").write_bytes(unsealing_pem())
    unsealed = run(
        [*SECRETSYNC, "unseal", "--recovery-private-key", tmp_path / "key.pem"], stdin=json.dumps(sealed).encode()
    )
    assert yaml.safe_load(unsealed.stdout)["data"] == {"password": "aHVudGVyMi1jNG40cnk="}


def test_kustomize_hands_on_what_it_does_not_change(repo_server: RepoServer, app: Path) -> None:
    (app / "kustomization.yaml").write_text("resources: [config.yaml, secret.yaml]\n")
    commit_everything(app)
    manifests = repo_server.generate(app, plugin="secretsync-kustomize")
    assert {"password": CANARY} in [manifest.get("stringData") for manifest in manifests]


def test_what_kustomize_changed_is_refused(repo_server: RepoServer, app: Path) -> None:
    (app / "kustomization.yaml").write_text("resources: [config.yaml, secret.yaml]\nnamePrefix: x-\n")
    commit_everything(app)
    with pytest.raises(GenerationError, match="MAC does not match"):
        repo_server.generate(app, plugin="secretsync-kustomize")


def test_a_generator_of_ksops_decrypts_before_kustomize_changes_anything(repo_server: RepoServer, app: Path) -> None:
    generator = {"apiVersion": "viaduct.ai/v1", "kind": "ksops", "metadata": {"name": "db"}, "files": ["./secret.yaml"]}
    (app / "generator.yaml").write_text(yaml.safe_dump(generator))
    kustomization = {"resources": ["config.yaml"], "generators": ["generator.yaml"], "namePrefix": "x-"}
    (app / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    commit_everything(app)
    manifests = repo_server.generate(app, plugin="secretsync-kustomize", namespace="prod")
    (secret,) = (each for each in manifests if each["kind"] == "Secret")
    assert (secret["metadata"]["name"], secret["metadata"]["namespace"]) == ("x-db", "prod")
    assert secret["stringData"] == {"password": CANARY}


def test_no_program_of_a_repository_runs_beside_the_key(repo_server: RepoServer, app: Path, tmp_path: Path) -> None:
    (app / "run.sh").write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    (app / "run.sh").chmod(0o755)
    function = {"config.kubernetes.io/function": "exec: {path: ./run.sh}"}
    generator = {"apiVersion": "x/v1", "kind": "X", "metadata": {"name": "x", "annotations": function}}
    (app / "generator.yaml").write_text(yaml.safe_dump(generator))
    (app / "kustomization.yaml").write_text("resources: [config.yaml]\ngenerators: [generator.yaml]\n")
    commit_everything(app)
    with suppress(GenerationError):
        repo_server.generate(app, plugin="secretsync-kustomize")
    assert not (tmp_path / "ran").exists()


def test_no_module_of_a_repository_runs_beside_the_key(
    repo_server: RepoServer, app: Path, tmp_path: Path, sops_peer: Sops
) -> None:
    lay_traps(app, tmp_path / "ran")
    generator = {"apiVersion": "viaduct.ai/v1", "kind": "ksops", "metadata": {"name": "db"}, "files": ["./secret.yaml"]}
    commit_everything(app)
    for plugin in ("secretsync", "sealing"):
        assert len(repo_server.generate(app, plugin=plugin, namespace="prod")) == 2
    (app / "generator.yaml").write_text(yaml.safe_dump(generator))
    (app / "kustomization.yaml").write_text("resources: [config.yaml]\ngenerators: [generator.yaml]\n")
    commit_everything(app)
    assert len(repo_server.generate(app, plugin="secretsync-kustomize", namespace="prod")) == 2
    chart = _chart(tmp_path / "chart", sops_peer)
    lay_traps(chart, tmp_path / "ran")
    commit_everything(chart)
    (config,) = repo_server.generate(chart, plugin="secretsync-helm", env={"VALUES": "secrets.yaml"})
    assert config["data"] == {"a": "from-values"}
    assert not (tmp_path / "ran").exists()


def test_an_annotation_that_nobody_authenticated_widens_no_seal(
    repo_server: RepoServer, app: Path, encrypt: Callable[[str], bytes]
) -> None:
    labelled = encrypt(SECRET.replace("  name: db\n", "  name: db\n  labels:\n    managed: 'true'\n")).decode()
    for annotation in ("sealedsecrets.bitnami.com/cluster-wide", "sealedsecrets.bitnami.com/namespace-wide"):
        widened = labelled.replace("labels:", "annotations:").replace("managed:", f"{annotation}:")
        (app / "secret.yaml").write_text(widened)
        commit_everything(app)
        with pytest.raises(GenerationError, match="would be sealed"):
            repo_server.generate(app, plugin="sealing", namespace="prod")


def _chart(folder: Path, sops: Sops) -> Path:
    """Write a chart with an encrypted value file."""
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: shop\nversion: 0.1.0\n")
    (folder / "templates" / "cm.yaml").write_text(CONFIG.replace("a: b", "a: {{ .Values.password }}"))
    (folder / "values.yaml").write_text("password: none\n")
    (folder / "secrets.yaml").write_bytes(sops.encrypt(b"password: from-values\n", "yaml"))
    return folder


def test_a_chart_gets_its_encrypted_values(repo_server: RepoServer, tmp_path: Path, sops_peer: Sops) -> None:
    chart = _chart(tmp_path / "chart", sops_peer)
    commit_everything(chart)
    for values, expected in (("", "none"), ("secrets.yaml", "from-values")):
        (config,) = repo_server.generate(chart, plugin="secretsync-helm", env={"VALUES": values})
        assert config["data"] == {"a": expected}
    for hostile in ("secrets.yaml,/etc/passwd", "../../x.yaml", "/etc/passwd", "a$(id)"):
        with pytest.raises(GenerationError, match="failed exit status"):
            repo_server.generate(chart, plugin="secretsync-helm", env={"VALUES": hostile})


def test_a_failure_says_where_and_holds_no_secret(repo_server: RepoServer, app: Path) -> None:
    secret = app / "secret.yaml"
    secret.write_bytes(secret.read_bytes().replace(b"name: db", b"name: dc"))
    commit_everything(app)
    with pytest.raises(GenerationError) as failed:
        repo_server.generate(app, plugin="secretsync")
    assert "secretsync: error: secret.yaml: the MAC does not match" in str(failed.value)
    assert CANARY not in str(failed.value)


@pytest.mark.parametrize("plugin", ["secretsync", "secretsync-kustomize", "secretsync-helm", "sealing"])
def test_an_application_is_never_rendered_to_nothing(plugin: str, repo_server: RepoServer, tmp_path: Path) -> None:
    app = tmp_path / "app"
    (app / "templates").mkdir(parents=True)
    for name in ("a.yaml", "templates/a.yaml"):
        (app / name).write_text("# nothing here\n")
    (app / "kustomization.yaml").write_text("resources: []\n")
    (app / "Chart.yaml").write_text(
        "apiVersion: v2\nname: shop\nversion: 0.1.0\n" if "helm" in plugin else "# no chart\n"
    )
    commit_everything(app)
    with pytest.raises(GenerationError):
        repo_server.generate(app, plugin=plugin)


def test_a_repository_that_leads_out_of_itself_is_refused(repo_server: RepoServer, app: Path) -> None:
    (app / "link.yaml").symlink_to("/etc/hostname")
    commit_everything(app)
    with pytest.raises(GenerationError) as failed:
        repo_server.generate(app, plugin="secretsync")
    assert CANARY not in str(failed.value)


def test_a_tenants_variables_change_nothing(repo_server: RepoServer, app: Path) -> None:
    commit_everything(app)
    tenants = {"ARGOCD_APP_NAMESPACE": "other", "SOPS_AGE_KEY_FILE": "none", "SECRETSYNC_VALUES_ROOT": "/"}
    _, secret = repo_server.generate(app, plugin="secretsync", namespace="prod", env=tenants)
    assert (secret["metadata"]["namespace"], secret["stringData"]) == ("prod", {"password": CANARY})


def test_the_printed_patch_adds_one_container_to_argo_cds_own_deployment(control_plane: ControlPlane) -> None:
    api = control_plane.api
    api.create_namespace("argocd")
    labels = {"app.kubernetes.io/name": "argocd-repo-server"}
    own = {
        "containers": [{"name": "argocd-repo-server", "image": "argocd", "volumeMounts": []}],
        "volumes": [{"name": "var-files", "emptyDir": {}}, {"name": "plugins", "emptyDir": {}}],
    }
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "argocd-repo-server", "namespace": "argocd"},
        "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": own}},
    }
    api.apply(deployment, manager="argocd")
    printed = run([*SECRETSYNC, "hook", "argocd", "print"]).stdout
    for document in yaml.safe_load_all(printed):
        document["metadata"]["namespace"] = "argocd"
        api.apply(document, manager="secretsync")
    patched = api.get("Deployment", "argocd-repo-server", "argocd")
    assert patched is not None
    pod = patched["spec"]["template"]["spec"]
    assert {each["name"] for each in pod["containers"]} == {"argocd-repo-server", "secretsync"}
    mounted = {mount["name"] for each in pod["containers"] for mount in each.get("volumeMounts", [])}
    assert mounted == {volume["name"] for volume in pod["volumes"]}
    assert api.get("NetworkPolicy", "secretsync-repo-server", "argocd") is not None


def test_kustomize_builds_the_component_of_deploy(peer: Callable[[str], Path], tmp_path: Path) -> None:
    template = {"metadata": {}, "spec": {"containers": [{"name": "argocd-repo-server", "image": "argocd"}]}}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "argocd-repo-server"},
        "spec": {"template": template},
    }
    (tmp_path / "deployment.yaml").write_text(yaml.safe_dump(deployment))
    shutil.copytree(REPOSITORY / "deploy" / "argocd", tmp_path / "component")
    (tmp_path / "kustomization.yaml").write_text("resources: [deployment.yaml]\ncomponents: [component]\n")
    built = list(yaml.safe_load_all(run([peer("kustomize"), "build", tmp_path]).stdout))
    (patched,) = (each for each in built if each["kind"] == "Deployment")
    assert {each["name"] for each in patched["spec"]["template"]["spec"]["containers"]} == {
        "argocd-repo-server",
        "secretsync",
    }
    assert {each["kind"] for each in built} == {"ConfigMap", "Deployment", "NetworkPolicy"}
