"""What `doctor` says of hooks: whether an operator separates tenants, and functions that kustomize would skip."""

from __future__ import annotations

from pathlib import Path

import pytest

from secretsync.audit import doctor
from secretsync.audit.doctor import Observation, examine

FUNCTION = "apiVersion: viaduct.ai/v1\nkind: ksops\nmetadata: {annotations: {config.kubernetes.io/function: x}}\n"


def hooks(folder: Path) -> list[Observation]:
    return [each for each in examine({}, str(folder)) if each.topic == "hooks"]


def test_the_operators_configuration_is_named_whether_it_is_there_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "hook.yaml"
    monkeypatch.setattr(doctor, "OPERATOR_FILE", str(path))
    (absent,) = hooks(tmp_path)
    assert absent.state == "none"
    assert "keys/ of the checkout decides whom they seal for, and nothing separates tenants" in absent.detail
    path.write_text("kind: HookConfiguration\n")
    assert [each.state for each in hooks(tmp_path)] == ["ok"]
    path.unlink()
    path.mkdir()
    assert [each.state for each in hooks(tmp_path)] == ["bad"]
    path.rmdir()
    path.symlink_to("gone")
    assert [each.state for each in hooks(tmp_path)] == ["bad"]


def test_a_configuration_that_others_may_write_is_bad_and_says_how_to_mend_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "hook.yaml"
    path.write_text("kind: HookConfiguration\n")
    path.chmod(0o666)
    monkeypatch.setattr(doctor, "OPERATOR_FILE", str(path))
    (found,) = hooks(tmp_path)
    assert found.state == "bad"
    assert "may be written by other users (mode 0666): hooks fail; chmod go-w" in found.detail


@pytest.mark.parametrize(
    ("kustomization", "told"),
    [
        ("generators: [generator.yaml]\n", True),
        ("transformers: [generator.yaml]\n", True),
        ("generators:\n- |\n" + "".join(f"  {line}\n" for line in FUNCTION.splitlines()), True),
        ("resources: [generator.yaml]\n", False),
        ("generators: [absent.yaml]\n", False),
        ("generators: [../outside.yaml]\n", False),
        ("generators: {a: b}\n", False),
        ("a: [", False),
        ("", False),
    ],
)
def test_functions_of_a_kustomization_need_flags(tmp_path: Path, kustomization: str, told: bool) -> None:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "generator.yaml").write_text(FUNCTION)
    (tmp_path / "outside.yaml").write_text(FUNCTION)
    (folder / "kustomization.yaml").write_text(kustomization)
    assert any("--enable-exec" in each.detail for each in hooks(folder)) == told
