"""`secretsync apply` and `diff` against a real API server: fields owned, values hidden, nothing changed by a refusal."""

from __future__ import annotations

import base64
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.peers import Completed, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.peers.api import Api
    from tests.peers.control_plane import ControlPlane
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
    (folder / "wrong.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: Not Allowed\n")
    failed = secretsync("apply", "-n", NAMESPACE, folder, code=9)
    assert failed.stdout == b""
    assert "secretsync: error: ConfigMap apply/Not Allowed: the server refuses: " in failed.stderr
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
