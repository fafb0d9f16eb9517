"""`secretsync hook argocd print`: what installs the plugin, from what the operator says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from secretsync.hooks.hook_configuration import parse
from tests.unit.render.workshop import certificate, unsealing_pem

ROOT = Path(__file__).parents[2]


def printed(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    command = [sys.executable, "-m", "secretsync.cli", "hook", "argocd", "print", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=False, text=True)


@pytest.mark.parametrize("source", ["plain", "kustomize", "helm"])
def test_every_source_has_a_plugin_without_discover(source: str) -> None:
    documents = list(yaml.safe_load_all(printed("--source", source).stdout))
    assert [document["kind"] for document in documents] == ["ConfigMap", "Deployment", "NetworkPolicy"]
    name = "secretsync" if source == "plain" else f"secretsync-{source}"
    plugin = yaml.safe_load(documents[0]["data"]["plugin.yaml"])
    assert (plugin["kind"], plugin["metadata"]["name"]) == ("ConfigManagementPlugin", name)
    assert list(plugin["spec"]) == ["generate"]
    operator = parse(documents[0]["data"]["hook.yaml"].encode(), "hook.yaml")
    assert (operator.mode, operator.identities) == ("reveal", {"age": ("/etc/secretsync/age.agekey",)})


def test_a_certificate_makes_the_plugin_seal_and_is_pinned(tmp_path: Path) -> None:
    path = Path(certificate(tmp_path))
    path.write_bytes(unsealing_pem() + path.read_bytes())
    documents = list(yaml.safe_load_all(printed("--cert", path).stdout))
    data = documents[0]["data"]
    operator = parse(data["hook.yaml"].encode(), "hook.yaml")
    assert (operator.mode, operator.certificate) == ("seal", "/etc/secretsync/sealing.pem")
    assert len(operator.pin_spki_sha256) == 64
    assert data["sealing.pem"].startswith("-----BEGIN CERTIFICATE-----")
    assert "PRIVATE" not in data["sealing.pem"]


def test_another_configuration_starts_the_sidecar_anew(tmp_path: Path) -> None:
    digests = {
        yaml.safe_load(printed("--part", "sidecar", *arguments).stdout)["spec"]["template"]["metadata"]["annotations"][
            "secretsync-configuration"
        ]
        for arguments in ([], ["--cert", certificate(tmp_path)], ["--identity", "other"])
    }
    assert len(digests) == 3


@pytest.mark.parametrize("option", ["--image", "--keys", "--identity"])
def test_what_is_filled_in_cannot_be_more_yaml(option: str) -> None:
    outcome = printed(option, "x\n      command: [sh]")
    assert (outcome.returncode, outcome.stdout) == (3, "")
    assert outcome.stderr.startswith("secretsync: error: ")


def test_the_container_file_names_what_is_there() -> None:
    lines = (ROOT / "deploy" / "Containerfile").read_text().splitlines()
    copied = [line.split()[1:-1] for line in lines if line.startswith("COPY ") and "--from" not in line]
    assert copied
    assert [path for paths in copied for path in paths if not (ROOT / path).exists()] == []
