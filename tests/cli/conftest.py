"""The command line in this process: arguments in, exit code, standard output and standard error out."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pytest

from secretsync import age
from secretsync.cli.__main__ import run

SECRET_MANIFEST = """\
apiVersion: v1
kind: Secret
metadata:
  name: database
  namespace: shop
type: Opaque
stringData:
  # canary-comment-7Q2x
  user: canary-user-9Kd1
  password: canary-password-4Zt8
  url: postgresql://canary-user-9Kd1:canary-password-4Zt8@database/shop
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run left behind."""

    code: int
    out: bytes
    err: str


Invoke: TypeAlias = Callable[..., Outcome]


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """Return a function that runs `secretsync` with arguments, in this process."""

    def call(*arguments: str | Path, stdin: bytes = b"") -> Outcome:
        out, err = io.BytesIO(), io.BytesIO()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
            patch.setattr(sys, "stdout", io.TextIOWrapper(out, encoding="utf-8", write_through=True))
            patch.setattr(sys, "stderr", io.TextIOWrapper(err, encoding="utf-8", write_through=True))
            code = run([str(argument) for argument in arguments])
            return Outcome(code, out.getvalue(), err.getvalue().decode())

    return call


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty working directory, with an environment that holds no keys and no configuration."""
    for name in list(os.environ):
        if name.startswith(("SOPS_", "SEALED_SECRETS_", "VAULT_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


@pytest.fixture
def recipient(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return an age recipient whose identity this environment holds."""
    identity = age.generate()
    key_file = folder.parent / "key.txt"
    key_file.write_text(f"{identity.expose()}\n")
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(key_file))
    return str(identity)


@pytest.fixture
def encrypted(folder: Path, recipient: str, invoke: Invoke) -> Path:
    """Return an encrypted Secret, `secret.yaml` in the working directory."""
    path = folder / "secret.yaml"
    path.write_text(SECRET_MANIFEST)
    outcome = invoke("encrypt", "-i", "--age", recipient, "--encrypted-regex", "^(data|stringData)$", path)
    assert outcome.code == 0, outcome.err
    return path


@pytest.fixture
def sealing(folder: Path) -> tuple[Path, Path]:
    """Return the demo's sealing certificate and private key."""
    keys = Path(__file__).parents[2] / "examples" / "demo-keys"
    return keys / "sealing.crt", keys / "sealing.key"
