"""`secretsync sealing-keys prove`: every item of every file is tried, nothing is rendered, and each that fails is named."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from secretsync.sealed import seal
from tests.cli.conftest import Invoke, Outcome
from tests.unit.sealed.keys import certificate, key_file
from tests.unit.sealed.test_sealing import WIDE, secret


@pytest.fixture
def backup(folder: Path) -> Path:
    """Return key Secrets as `kubectl get secret -o json` prints them."""
    key = key_file("rsa2048.key")
    path = folder / "backup.json"
    metadata = {"name": "key", "labels": {"sealedsecrets.bitnami.com/sealed-secrets-key": "active"}}
    data = {"tls.key": base64.b64encode(key).decode()}
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}))
    return path


def sealed(**values: str) -> Any:
    return json.loads(json.dumps(seal(secret(stringData=values), certificate())))


def written(path: Path, *objects: Any) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text("---\n".join(f"{json.dumps(each)}\n" for each in objects))
    return path


def prove(invoke: Invoke, backup: Path, *paths: str | Path) -> Outcome:
    return invoke("sealing-keys", "prove", "--backup", backup, *paths)


def test_a_template_is_not_rendered_and_other_kinds_are_passed_over(invoke: Invoke, folder: Path, backup: Path) -> None:
    templated = sealed(password="x", user="y")
    templated["spec"]["template"]["data"] = {"url": "https://{{ .user }}:{{ .password }}@db"}
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
    outcome = prove(invoke, backup, written(folder / "a.yaml", settings, templated, sealed(a="b")))
    assert (outcome.code, outcome.out) == (0, b"3 items of 2 SealedSecrets open with 1 key\n"), outcome.err


def test_every_item_that_does_not_open_is_named_and_every_file_tried(
    invoke: Invoke, folder: Path, backup: Path
) -> None:
    damaged, moved = sealed(a="1", b="2", c="3"), sealed(d="4")
    damaged["spec"]["encryptedData"].update(a="%%", c="AQ==")
    moved["metadata"]["name"] = "other"
    widened = sealed(e="5")
    widened["metadata"]["annotations"] = {WIDE["cluster-wide"]: "true"}
    first = written(folder / "1.yaml", sealed(x="y"), damaged)
    broken = folder / "2.yaml"
    broken.write_text("kind: SealedSecret\nspec: [\n")
    outcome = prove(invoke, backup, first, broken, written(folder / "3.yaml", moved, widened))
    assert (outcome.code, outcome.out) == (8, b"")
    *errors, last = [line.removeprefix("secretsync: error: ") for line in outcome.err.splitlines()]
    start = f"{folder}/"
    assert errors[:2] == [
        f"{start}1.yaml#2 SealedSecret prod/db a: not valid base64 (standard alphabet, padded)",
        f"{start}1.yaml#2 SealedSecret prod/db c: truncated, or not a sealed item",
    ]
    assert errors[2].startswith(f"{start}2.yaml")
    assert errors[3].startswith(f"{start}3.yaml#1 SealedSecret prod/other d: sealed as prod/db")
    assert errors[4].startswith(f"{start}3.yaml#2 SealedSecret prod/db e: sealed with scope strict")
    assert last == "4 of 6 items open with none of the keys"


def test_a_folder_is_searched_for_sealed_secrets(invoke: Invoke, folder: Path, backup: Path) -> None:
    written(folder / "deploy" / "db.yaml", sealed(a="b"))
    (folder / "deploy" / "README.md").write_text("A SealedSecret: [is not\n\t- YAML\n")
    (folder / "deploy" / "chart.yaml").write_text("{{- if .Values.on }}\nkind: ConfigMap\n{{- end }}\n")
    outcome = prove(invoke, backup, "deploy")
    assert (outcome.code, outcome.out) == (0, b"1 item of 1 SealedSecret opens with 1 key\n"), outcome.err
    (folder / "deploy" / "torn.yaml").write_text("kind: SealedSecret\nspec: {encryptedData: [\n")
    outcome = prove(invoke, backup, "deploy")
    assert outcome.code == 4
    assert "deploy/torn.yaml" in outcome.err


def test_what_proves_nothing_is_no_proof(invoke: Invoke, folder: Path, backup: Path) -> None:
    outcome = prove(invoke, backup, written(folder / "a.yaml", {"apiVersion": "v1", "kind": "ConfigMap"}))
    assert (outcome.code, outcome.out) == (4, b"")
    assert "no SealedSecret" in outcome.err


def test_an_item_of_the_legacy_form_counts(invoke: Invoke, folder: Path, backup: Path) -> None:
    old = sealed(a="b")
    old["spec"] = {"data": old["spec"]["encryptedData"]["a"]}
    outcome = prove(invoke, backup, written(folder / "old.yaml", old))
    assert (outcome.code, outcome.out) == (0, b"1 item of 1 SealedSecret opens with 1 key\n"), outcome.err
    old["spec"]["data"] = "AQ=="
    outcome = prove(invoke, backup, written(folder / "old.yaml", old))
    assert outcome.code == 8
    assert "SealedSecret prod/db spec.data" in outcome.err


def test_a_terminal_sees_how_far_it_is(folder: Path, backup: Path) -> None:
    paths = [written(folder / f"{number}.yaml", sealed(a="b")) for number in range(2)]
    terminal, theirs = os.openpty()
    command = [sys.executable, "-m", "secretsync.cli", "sealing-keys", "prove", "--backup", *map(str, (backup, *paths))]
    ended = subprocess.run(command, stderr=theirs, stdout=subprocess.PIPE, check=True)
    os.close(theirs)
    shown = os.read(terminal, 4096)
    os.close(terminal)
    assert b"1/2" in shown
    assert ended.stdout == b"2 items of 2 SealedSecrets open with 1 key\n"
