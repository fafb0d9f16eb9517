"""What would leave a secret in the clear: `set`, `edit` and `encrypt` refuse, and nothing is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from secretsync import errors
from tests.cli.conftest import Invoke
from tests.cli.test_bad_input import assert_refused

SECRET = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringData:\n  token: hunter2\n"
KUBERNETES = ("--encrypted-regex", "^(data|stringData)$")


@pytest.fixture
def secret(invoke: Invoke, folder: Path, recipient: str) -> Path:
    """Return a Secret of which values alone are encrypted."""
    path = folder / "db.yaml"
    path.write_text(SECRET)
    assert invoke("encrypt", "-i", "--age", recipient, *KUBERNETES, path).code == 0
    return path


@pytest.mark.parametrize(
    ("place", "value"),
    [('["password"]', '"hunter3"'), ('["strngData"]', '{"a": "hunter3"}'), ('["spec"]["token"]', '"hunter3"')],
)
def test_set_refuses_a_value_beside_those_that_are_encrypted(
    invoke: Invoke, secret: Path, place: str, value: str
) -> None:
    before = secret.read_bytes()
    outcome = invoke("set", secret, place, value)
    assert_refused(outcome, errors.PlaintextError, place="", sops_codes=True)
    assert "hunter3" not in outcome.err
    assert secret.read_bytes() == before
    assert invoke("set", "--allow-plaintext", secret, place, value).code == 0
    assert (
        invoke("set", secret, '["stringData"]["other"]', '"x"').code == 0
    )  # what lies in the clear already is no news


@pytest.mark.parametrize(
    ("place", "value"),
    [('["metadata"]["labels"]', '{"token": "a"}'), ('["stringData"]["password"]', '"x"'), ('["type"]', '"Opaque"')],
)
def test_set_takes_what_is_meant(invoke: Invoke, secret: Path, place: str, value: str) -> None:
    assert invoke("set", secret, place, value).code == 0


def _editor(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    editor = folder / "editor"
    editor.write_text(f"#!/bin/sh\nsed -i '{script}' \"$1\"\n")
    editor.chmod(0o755)
    monkeypatch.setenv("EDITOR", str(editor))


def test_edit_refuses_a_misspelt_field(
    invoke: Invoke, folder: Path, secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = secret.read_bytes()
    _editor(folder, monkeypatch, "s/stringData/strngData/")
    outcome = invoke("edit", secret)
    assert_refused(outcome, errors.PlaintextError, place="", sops_codes=True)
    assert "call it stringData" in outcome.err
    assert secret.read_bytes() == before
    assert invoke("edit", "--allow-plaintext", secret).code == 0


def test_edit_leaves_alone_what_lay_in_the_clear_before(
    invoke: Invoke, folder: Path, secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert invoke("set", "--allow-plaintext", secret, '["password"]', '"old"').code == 0
    _editor(folder, monkeypatch, "s/hunter2/hunter4/")
    assert invoke("edit", secret).code == 0


@pytest.mark.parametrize(
    ("name", "text", "selector"),
    [
        ("a.yaml", f"{SECRET}password: hunter3\n", KUBERNETES),
        ("a.json", '{"password": "hunter3", "data": "x"}', KUBERNETES),
        ("a.env", "DB_PASSWORD=hunter3\nDATA=x\n", ("--encrypted-regex", "^DATA$")),
        ("a.ini", "[db]\npassword = hunter3\ndata = x\n", ("--encrypted-regex", "^data$")),
    ],
)
def test_encrypt_refuses_in_every_format(
    invoke: Invoke, folder: Path, recipient: str, name: str, text: str, selector: tuple[str, ...]
) -> None:
    (folder / name).write_text(text)
    outcome = invoke("encrypt", "-i", "--age", recipient, *selector, name)
    assert_refused(outcome, errors.PlaintextError, place="", sops_codes=True)
    assert (folder / name).read_text() == text
    assert invoke("encrypt", "-i", "--allow-plaintext", "--age", recipient, *selector, name).code == 0


def test_encrypt_warns_of_the_copy_that_kubectl_keeps(invoke: Invoke, folder: Path, recipient: str) -> None:
    copy = '{"apiVersion":"v1","kind":"Secret","stringData":{"token":"hunter2"}}'
    annotated = SECRET.replace(
        "  name: db\n", f"  name: db\n  annotations:\n    kubectl.kubernetes.io/last-applied-configuration: '{copy}'\n"
    )
    (folder / "a.yaml").write_text(annotated)
    outcome = invoke("encrypt", "--age", recipient, *KUBERNETES, "a.yaml")
    assert outcome.code == 0
    assert "leaves the values readable that kubectl copied there" in outcome.err
    assert "hunter2" not in outcome.err
