"""`secretsync-hook render` and `secretsync render`: the same arguments, output, messages and exit codes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.render.workshop import CONFIG, ENVIRON, SECRET, STRANGER, certificate, encrypted


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a working folder: `app/` renders, each other file fails in its own way."""
    folder = tmp_path_factory.mktemp("parity")
    (folder / "app").mkdir()
    (folder / "app" / "a.yaml").write_bytes(encrypted(SECRET))
    (folder / "app" / "b.yaml").write_text(CONFIG)
    (folder / "app" / "kustomization.yaml").write_text("resources: [a.yaml]\n")
    (folder / "stranger.yaml").write_bytes(encrypted(SECRET, recipient=STRANGER))
    (folder / "tampered.yaml").write_bytes(encrypted(SECRET).replace(b"name: db", b"name: xx"))
    (folder / "plain.yaml").write_text(SECRET)
    (folder / "broken.yaml").write_text("a: [")
    (folder / "empty.yaml").write_text("# nothing\n")
    certificate(folder)
    return folder


@pytest.mark.parametrize(
    "arguments",
    [
        "app",
        "app --mode redact -o json",
        "app --mode seal --cert sealing.pem --allow-expired --namespace x",
        "app --mode=seal --cert=sealing.pem",
        "app/b.yaml app/a.yaml -o yaml",
        "-",
        "stranger.yaml",
        "tampered.yaml",
        "plain.yaml --mode seal --cert sealing.pem",
        "plain.yaml --mode seal --cert broken.yaml --seal-key broken.yaml",
        "plain.yaml --mode seal",
        "app --mode seal --cert missing.pem",
        "broken.yaml",
        "empty.yaml",
        "empty.yaml --allow-empty",
        "missing.yaml",
        "app --max-size 10",
        "app -n A_B",
        "app --output-dir app/out",
    ],
)
def test_both_entry_points_do_the_same(arguments: str, app: Path) -> None:
    outcomes = []
    for module in ("secretsync.hooks", "secretsync.cli"):
        command = [sys.executable, "-m", module, "render", *arguments.split()]
        run = subprocess.run(command, input=CONFIG.encode(), capture_output=True, check=False, env=ENVIRON, cwd=app)
        outcomes.append((run.returncode, run.stdout, run.stderr))
    assert outcomes[0] == outcomes[1]
