"""The Python API, as the reference page shows it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import secretsync
from secretsync.errors import ConfigError, ManifestError
from secretsync.rendering import Input
from tests.unit.render.workshop import CONFIG, ENVIRON, SECRET, certificate, encrypted


def test_the_package_renders_paths_and_contents(tmp_path: Path) -> None:
    path = tmp_path / "secret.yaml"
    path.write_bytes(encrypted(SECRET))
    result = secretsync.render(path, Input("config", "config.yaml", content=CONFIG.encode()), environ=ENVIRON)
    assert result.stream().decode() == f"{SECRET}---\n{CONFIG}"
    assert dict(result.files) == {str(path)[1:]: SECRET.encode(), "config.yaml": CONFIG.encode()}
    assert result.warnings == []


def test_every_option_of_the_command_is_a_parameter(tmp_path: Path) -> None:
    key = tmp_path / "seal.key"
    key.write_bytes(bytes(range(32)))
    result = secretsync.render(
        Input("a", "a.yaml", content=SECRET.replace("  namespace: prod\n", "").encode()),
        mode="seal",
        cert=certificate(tmp_path),
        seal_key=key,
        namespace="dev",
        output="json",
        environ={},
        allow_expired=True,
        workers=1,
    )
    assert b'"SealedSecret"' in result.stream()


def test_errors_are_ours() -> None:
    with pytest.raises(ManifestError):
        secretsync.render(Input("empty", "empty.yaml", content=b""))
    assert secretsync.render(Input("empty", "empty.yaml", content=b""), allow_empty=True).stream() == b""


def test_importing_the_package_loads_nothing() -> None:
    program = "import sys, secretsync; print(sorted(name for name in sys.modules if name.startswith('secretsync')))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True).stdout
    assert loaded.strip() == "['secretsync', 'secretsync.late']"


def test_an_unknown_attribute_is_missing() -> None:
    with pytest.raises(AttributeError):
        _ = secretsync.nothing


@pytest.mark.parametrize("option", [{"output": "zzz"}, {"mode": "show"}])
def test_a_word_that_is_none_is_refused_with_those_that_are(option: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        secretsync.render(Input("config", "config.yaml", content=CONFIG.encode()), **option)
    assert (caught.value.hint or "").startswith("one of ")
