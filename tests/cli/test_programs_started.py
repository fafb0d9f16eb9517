"""A canary behind every door: each program that a command starts writes down its environment, and no secret is in it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from secretsync import age
from secretsync.crypto import bech32
from tests.cli.conftest import SECRET_MANIFEST

SECRETS: Final = {
    "SOPS_AGE_KEY": "",
    "SOPS_AGE_SSH_PRIVATE_KEY_FILE": "/nonexistent/canary-ssh",
    "VAULT_TOKEN": "canary-vault",
    "GITHUB_TOKEN": "canary-forge",
    "OP_SESSION_acme": "canary-store",
}
CLOUD: Final = {"AWS_SECRET_ACCESS_KEY": "canary-cloud", "AWS_PROFILE": "plain-profile"}
PLUGINS_RECIPIENT: Final = bech32.encode("age1canary", b"")
FINGERPRINT: Final = "85D77543B3D624B63CEA9E6DBC17301B491B3F21"


class Stage:
    """A folder with programs that write down what they see, and `secretsync` run there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seen = folder / "seen"
        self.identity = age.generate()
        (folder / "bin").mkdir()
        (folder / "plain.yaml").write_text(SECRET_MANIFEST)
        (folder / "secret.yaml").write_text(SECRET_MANIFEST)
        self("encrypt", "-i", "secret.yaml", SOPS_AGE_RECIPIENTS=str(self.identity))

    def program(self, name: str, then: str = "exit 1") -> Path:
        path = self.folder / "bin" / name
        path.write_text(f"#!/bin/sh\nenv > {self.seen}\n{then}\n")
        path.chmod(0o755)
        return path

    def __call__(self, *arguments: str, **variables: str) -> None:
        environ = {
            "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.folder),
            **SECRETS,
            "SOPS_AGE_KEY": self.identity.expose(),
            **CLOUD,
            **variables,
        }
        command = [sys.executable, "-m", "secretsync.cli", *arguments]
        subprocess.run(command, cwd=self.folder, env=environ, capture_output=True, check=False, timeout=60)

    def environment(self) -> dict[str, str]:
        lines = self.seen.read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def _assert_clean(environment: dict[str, str], *, but: frozenset[str] = frozenset()) -> None:
    assert environment["HOME"]
    assert not {*SECRETS, *CLOUD} - {"AWS_PROFILE"} - but & environment.keys()
    assert not any("AGE-SECRET-KEY-" in value for value in environment.values())


def test_an_editor_sees_no_secret(stage: Stage) -> None:
    stage("edit", "secret.yaml", EDITOR=str(stage.program("editor")), MY_SETTING="kept")
    _assert_clean(stage.environment())
    assert stage.environment()["MY_SETTING"] == "kept"


def test_gpg_sees_only_what_it_needs(stage: Stage) -> None:
    stage.program("gpg")
    stage("encrypt", "--pgp", FINGERPRINT, "plain.yaml", GNUPGHOME=str(stage.folder), MY_SETTING="dropped")
    _assert_clean(stage.environment())
    assert "GNUPGHOME" in stage.environment()
    assert not {"MY_SETTING", "AWS_PROFILE"} & stage.environment().keys()


def test_a_gpg_of_the_users_choice_sees_no_secret(stage: Stage) -> None:
    stage("encrypt", "--pgp", FINGERPRINT, "plain.yaml", SOPS_GPG_EXEC=str(stage.program("wrapper")), MY_SETTING="k")
    _assert_clean(stage.environment())
    assert stage.environment()["MY_SETTING"] == "k"


def test_gpg_sees_only_what_it_needs_when_the_key_ring_asks(stage: Stage) -> None:
    stage.program("gpg")
    stage("init", "--recipient", FINGERPRINT, MY_SETTING="dropped")
    _assert_clean(stage.environment())
    assert "MY_SETTING" not in stage.environment()


def test_an_age_plugin_sees_no_secret(stage: Stage) -> None:
    stage.program("age-plugin-canary")
    stage("encrypt", "--age", PLUGINS_RECIPIENT, "plain.yaml")
    _assert_clean(stage.environment())


def test_a_command_that_prints_a_key_sees_its_token_and_no_key(stage: Stage) -> None:
    stage("decrypt", "secret.yaml", SOPS_AGE_KEY="", SOPS_AGE_KEY_CMD=str(stage.program("helper")))
    _assert_clean(stage.environment(), but=frozenset({"VAULT_TOKEN", "GITHUB_TOKEN", "OP_SESSION_acme", *CLOUD}))
    assert stage.environment()["VAULT_TOKEN"] == "canary-vault"
    assert stage.environment()["SOPS_AGE_RECIPIENT"] == str(stage.identity)


KUBECONFIG: Final = """\
apiVersion: v1
kind: Config
current-context: c
clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]
contexts: [{name: c, context: {cluster: c, user: u}}]
users:
- name: u
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: PROGRAM
      interactiveMode: Never
      env: [{name: VAULT_TOKEN, value: stated}]
"""


def test_a_program_of_a_kubeconfig_sees_its_clouds_secrets_and_what_its_entry_states(stage: Stage) -> None:
    plugin = stage.program("plugin")
    (stage.folder / "config").write_text(KUBECONFIG.replace("PROGRAM", str(plugin)))
    stage("sealing-keys", "list", "--kubeconfig", "config")
    _assert_clean(stage.environment(), but=frozenset({"AWS_SECRET_ACCESS_KEY", "VAULT_TOKEN"}))
    assert stage.environment()["VAULT_TOKEN"] == "stated"
    assert stage.environment().items() >= CLOUD.items()
    assert stage.environment()["KUBERNETES_EXEC_INFO"]


@pytest.mark.parametrize("arguments", [("exec-env",), ("exec-env", "--same-process"), ("exec-file",)], ids=" ".join)
def test_a_command_sees_the_users_environment_without_what_opens_secrets(
    stage: Stage, arguments: tuple[str, ...]
) -> None:
    (stage.folder / "values.env").write_text("DB_PASSWORD=given\n")
    stage("encrypt", "-i", "values.env", SOPS_AGE_RECIPIENTS=str(stage.identity))
    stage(*arguments, "values.env", f"env > {stage.seen}", MY_SETTING="kept")
    _assert_clean(stage.environment(), but=frozenset({"OP_SESSION_acme"}))
    assert stage.environment()["MY_SETTING"] == "kept"
    assert stage.environment().get("DB_PASSWORD") == (None if arguments[0] == "exec-file" else "given")
