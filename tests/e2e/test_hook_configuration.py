"""Hooks where `/etc/secretsync/hook.yaml` is what kubelet mounted there: it decides, whatever a repository asks for."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
import yaml

from tests.peers.binaries import REPOSITORY
from tests.peers.sidecar import Sidecar, reason
from tests.unit.render.workshop import certificate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.peers.sops import Sops

HOOK: Final = [sys.executable, "-I", "-m", "secretsync.hooks"]
KSOPS: Final = [sys.executable, "-I", "-m", "secretsync.compat.ksops"]
CLI: Final = [sys.executable, "-I", "-m", "secretsync.cli"]
BIN: Final = Path(sys.executable).parent
CANARY: Final = "c4n4ry-s1d3car"
SECRET: Final = f"""\
apiVersion: v1
kind: Secret
metadata:
  name: db
  namespace: prod
stringData:
  password: {CANARY}
"""
FUNCTION: Final = {"apiVersion": "secretsync/v1", "kind": "SecretGenerator", "metadata": {"name": "g"}}


@pytest.fixture
def sidecar(tmp_path: Path, sops_peer: Sops) -> Sidecar:
    """Return a sidecar that seals with the session's identity."""
    if reason():
        pytest.skip(reason())
    made = Sidecar(tmp_path / "sidecar")
    (made.volume / "age.agekey").write_bytes(sops_peer.identity.read_bytes())
    (made.volume / "sealing.pem").write_bytes(Path(certificate(tmp_path)).read_bytes())
    said = {
        "apiVersion": "secretsync/v1",
        "kind": "HookConfiguration",
        "mode": "seal",
        "identities": {"age": ["/etc/secretsync/age.agekey"]},
        "sealing": {"certificate": "/etc/secretsync/sealing.pem"},
    }
    (made.volume / "hook.yaml").write_text(yaml.safe_dump(said))
    return made


@pytest.fixture
def checkout(tmp_path: Path, sops_peer: Sops) -> Path:
    """Return a checkout with an encrypted Secret, and beside it a configuration that would let everything out."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    data = sops_peer.encrypt(SECRET.encode(), "yaml", "--encrypted-regex", "^(data|stringData)$")
    (folder / "db.enc.yaml").write_bytes(data)
    own = {"apiVersion": "secretsync/v1", "kind": "HookConfiguration", "identities": {"age": [str(sops_peer.identity)]}}
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(own))
    return folder


def _listed(config: Mapping[str, object], *items: object) -> bytes:
    tree = {"apiVersion": "config.kubernetes.io/v1", "kind": "ResourceList", "functionConfig": config, "items": items}
    return json.dumps(tree).encode()


def _calls(checkout: Path) -> dict[str, tuple[list[str], bytes]]:
    """Return a call of each hook that seals a Secret, with its standard input."""
    data = (checkout / "db.enc.yaml").read_bytes()
    config = {**FUNCTION, "files": ["db.enc.yaml"], "scope": "strict"}
    ksops = {"apiVersion": "viaduct.ai/v1", "kind": "ksops", "metadata": {"name": "g"}, "files": ["db.enc.yaml"]}
    return {
        "render": ([*HOOK, "render", "db.enc.yaml"], b""),
        "helm": ([*HOOK, "helm"], data),
        "krm": ([*HOOK, "krm"], _listed(config)),
        "ksops": (KSOPS, _listed({}, {**ksops, "scope": "strict"})),
    }


def test_every_hook_obeys_what_kubelet_mounted(sidecar: Sidecar, checkout: Path) -> None:
    for name, (command, stdin) in _calls(checkout).items():
        ended = sidecar(command, cwd=checkout, stdin=stdin)
        assert b"kind: SealedSecret" in ended.stdout, name
        assert CANARY.encode() not in ended.stdout, name
    told = sidecar([*CLI, "doctor", "--json"], check=False).stdout
    (found,) = (each for each in json.loads(told)["observations"] if each["name"] == "/etc/secretsync/hook.yaml")
    assert found["state"] == "ok"


@pytest.mark.parametrize("mode", [0o666, 0o664])
def test_no_hook_works_with_a_configuration_that_others_may_write(sidecar: Sidecar, checkout: Path, mode: int) -> None:
    (sidecar.volume / "hook.yaml").chmod(mode)
    for name, (command, stdin) in _calls(checkout).items():
        ended = sidecar(command, cwd=checkout, stdin=stdin, check=False)
        assert (ended.code, ended.stdout) == (1 if name == "ksops" else 11, b""), name
        assert "may be written by other users" in ended.stderr, name


def test_no_other_configuration_is_taken_beside_it(sidecar: Sidecar, checkout: Path) -> None:
    own = str(checkout.parent / "own.yaml")
    calls = _calls(checkout)
    for name in ("helm", "krm"):
        command, stdin = calls[name]
        refused = sidecar([*command, "--operator-config", own], cwd=checkout, stdin=stdin, check=False)
        assert (refused.code, refused.stdout) == (11, b""), name
        same = sidecar([*command, "--operator-config", "/etc/secretsync/hook.yaml"], cwd=checkout, stdin=stdin)
        assert b"kind: SealedSecret" in same.stdout, name
    for scope in ("namespace-wide", "cluster-wide"):
        config = {**FUNCTION, "files": ["db.enc.yaml"], "scope": scope}
        assert sidecar([*HOOK, "krm"], cwd=checkout, stdin=_listed(config), check=False).code == 11
    values = [*HOOK, "helm", "values", "--operator-config", own, "?db.enc.yaml"]
    assert sidecar(values, cwd=checkout, check=False).code == 11


def test_kustomize_gets_no_more_than_it_says(sidecar: Sidecar, checkout: Path, peer: Callable[[str], Path]) -> None:
    own = str(checkout.parent / "own.yaml")
    build = [peer("kustomize"), "build", "--enable-alpha-plugins", "--enable-exec", "."]
    (checkout / "kustomization.yaml").write_text("generators: [generator.yaml]\n")
    for arguments, code in (([], 0), (["--operator-config", own], 1), (["--mode", "reveal"], 1)):
        exec_ = {"exec": {"path": str(BIN / "secretsync-hook"), "args": ["krm", *arguments]}}
        metadata = {"name": "g", "annotations": {"config.kubernetes.io/function": yaml.safe_dump(exec_)}}
        generator = {**FUNCTION, "metadata": metadata, "files": ["db.enc.yaml"], "scope": "strict"}
        (checkout / "generator.yaml").write_text(yaml.safe_dump(generator))
        ended = sidecar(build, cwd=checkout, check=False)
        assert (ended.code, b"kind: SealedSecret" in ended.stdout) == (code, not code), ended.stderr
        assert CANARY not in ended.stdout.decode() + ended.stderr


@pytest.mark.parametrize("version", ["3", "4"])
def test_helm_gets_no_more_than_it_says(
    sidecar: Sidecar, checkout: Path, peer: Callable[[str], Path], tmp_path: Path, version: str
) -> None:
    plugins = REPOSITORY / "deploy" / f"helm{version}"
    (checkout / "templates").mkdir()
    (checkout / "db.enc.yaml").rename(checkout / "templates" / "db.yaml")
    (checkout / "Chart.yaml").write_text("apiVersion: v2\nname: shop\nversion: 0.1.0\n")
    renderer = (
        [str(plugins / "secretsync" / "hook"), "--post-renderer-args", "helm"] if version == "3" else ["secretsync"]
    )
    homes = {f"HELM_{part}_HOME": str(tmp_path / part) for part in ("CACHE", "CONFIG", "DATA")}
    env = {**homes, "HELM_PLUGINS": str(plugins), "PATH": f"{BIN}:/usr/bin:/bin"}
    own = f"--post-renderer-args=--operator-config={checkout.parent / 'own.yaml'}"
    for arguments, code in (([], 0), ([own], 1), (["--post-renderer-args=--mode=reveal"], 1)):
        command = [peer(f"helm{version}"), "template", "rel", ".", "--post-renderer", *renderer, *arguments]
        ended = sidecar(command, cwd=checkout, env=env, check=False)
        assert (ended.code, b"kind: SealedSecret" in ended.stdout) == (code, not code), ended.stderr
        assert CANARY not in ended.stdout.decode() + ended.stderr
