"""What `check` says of SealedSecrets: a template that widens is found wherever it stands, and honest ones are not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from secretsync.audit.checking import check
from secretsync.sealed import seal
from tests.unit.sealed.keys import certificate
from tests.unit.sealed.test_sealing import WIDE, secret

SCOPES = ("strict", "namespace-wide", "cluster-wide")


def sealed(scope: str, template: str | None) -> Any:
    """Return a SealedSecret of a scope whose template says another, or nothing."""
    made: Any = json.loads(json.dumps(seal(secret(), certificate(), scope=scope)))
    metadata = made["spec"]["template"]["metadata"]
    metadata.pop("annotations", None)
    if template:
        metadata["annotations"] = {WIDE[template]: "true", "other": "x"}
    return made


def found(path: Path, text: str) -> list[tuple[str, str]]:
    path.write_text(text)
    return [(each.rule, each.message) for each in check([str(path.parent)], {}).findings]


@pytest.mark.parametrize("own", SCOPES)
@pytest.mark.parametrize("said", [None, *SCOPES[1:]])
def test_only_a_template_that_says_a_wider_scope_is_found(tmp_path: Path, own: str, said: str | None) -> None:
    widens = SCOPES.index(said or "strict") > SCOPES.index(own)
    message = f"SealedSecret prod/db is {own}, and its template says {said}"
    expected = [("template-widens", message)] if widens else []
    assert found(tmp_path / "db.yaml", json.dumps(sealed(own, said))) == expected


def test_it_is_found_in_a_list_and_beside_go_templates(tmp_path: Path) -> None:
    """A text with `{{` may be a template of Helm, so it counts only as far as it is YAML."""
    widened = sealed("strict", "cluster-wide")
    assert len(found(tmp_path / "a.yaml", json.dumps({"apiVersion": "v1", "kind": "List", "items": [widened]}))) == 1
    widened["spec"]["template"]["data"] = {"config": "password={{ .password }}"}
    assert [rule for rule, _ in found(tmp_path / "a.yaml", json.dumps(widened))] == ["template-widens"]
    chart = 'kind: SealedSecret\nmetadata:\n  name: "{{ .Release.Name }}"\n'
    assert found(tmp_path / "a.yaml", f"apiVersion: bitnami.com/v1alpha1\n{chart}") == []
    assert found(tmp_path / "a.yaml", f"{{{{- if .Values.on }}}}\n{chart}{{{{- end }}}}\n") == []


def test_annotations_that_are_no_text_are_no_scope(tmp_path: Path) -> None:
    widened = sealed("strict", "cluster-wide")
    widened["spec"]["template"]["metadata"]["annotations"] = {WIDE["cluster-wide"]: "True"}
    assert found(tmp_path / "a.yaml", json.dumps(widened)) == []
    widened["spec"]["template"]["metadata"] = []
    assert [rule for rule, _ in found(tmp_path / "a.yaml", json.dumps(widened))] == ["unsealable"]
