"""A folder goes through `secretsync-hook render .`: every document that holds no secret comes out byte for byte."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.render.workshop import CONFIG, ENVIRON, SEALED, SECRET, certificate, encrypted

ODD = {
    "0-crlf.yaml": b"---\r\nkind: ConfigMap\r\nmetadata:   { name:  a }\r\n# end\r\n---   # next\r\n\r\nkind: Service\r\n",
    "1-spacing.yml": CONFIG.encode() + b"\n\n   \n# trailing\n",
    "2-tabs.json": b'{"kind":\t"ConfigMap" ,\r\n\t"data": {"a": "\\u0041\\/"} }\r\n',
    "3-no-newline.yaml": b"kind: ConfigMap\ndata: {a: 'b'}",
    "4-sealed.yaml": SEALED.encode(),
    "5-anchors.yaml": b"kind: ConfigMap\ndata: &d {x: 0x1F, y: ~, z: 1e3, on: yes}\nmore: *d\n",
    "6-blocks.yaml": b"kind: ConfigMap\ndata:\n  a: |+\n    x\n\n\n  b: >-\n    y\n    z\n  'c' :   \"q\\x41\"\n",
    "sub/7-unicode.yaml": 'kind: ConfigMap\ndata: {ü: "\U0001f600 \\u2028"}\n'.encode(),
    "sub/8-bom.yaml": b"\xef\xbb\xbfkind: ConfigMap\n",
    "sub/9-utf-16.yaml": "kind: ConfigMap\r\nname: é\r\n".encode("utf-16"),
}


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """Return a folder of odd manifests with one encrypted Secret in their midst."""
    folder = tmp_path / "app"
    (folder / "sub").mkdir(parents=True)
    for name, data in ODD.items():
        (folder / name).write_bytes(data)
    (folder / "5-secret.yaml").write_bytes(encrypted(SECRET))
    return folder


def _render(app: Path, *arguments: str) -> bytes:
    command = [sys.executable, "-m", "secretsync.hooks", "render", *arguments, "."]
    return subprocess.run(command, cwd=app, env=ENVIRON, check=True, capture_output=True).stdout


@pytest.mark.parametrize("mode", ["reveal", "seal", "redact"])
def test_files_without_a_secret_are_copied_byte_for_byte(mode: str, app: Path, tmp_path: Path) -> None:
    target = tmp_path / "out"
    _render(app, "--mode", mode, "--cert", certificate(tmp_path), "--output-dir", str(target))
    written = {str(path.relative_to(target)): path.read_bytes() for path in target.rglob("*") if path.is_file()}
    assert b"ENC[" not in written.pop("5-secret.yaml")
    assert written == ODD


def test_files_without_a_secret_are_joined_byte_for_byte(app: Path) -> None:
    stream = _render(app)
    for name, data in ODD.items():
        # A byte order mark may only stand at the start of a stream, and a tab may not begin a line among YAML documents.
        if not name.endswith(("tabs.json", "bom.yaml", "utf-16.yaml")):
            assert data in stream, name
    assert stream.startswith(ODD["0-crlf.yaml"] + b"---\n" + ODD["1-spacing.yml"])
