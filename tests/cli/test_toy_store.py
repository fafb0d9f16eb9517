"""A store that a test adds to the table works in every command: no other module knows it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = """
import sys
from secretsync.documents.stores import STORES
from tests.toys import store
STORES[store.NAME] = store.ENTRY
from secretsync.cli.__main__ import run
sys.exit(run(sys.argv[1:]))
"""
TEXT = 'user -> "canary-user"\nplain -> "seen"\n'


def run(*arguments: str | Path, code: int = 0, stdin: str = "", **environment: str) -> str:
    """Run `secretsync` with the toy in its table and return what it printed."""
    outcome = subprocess.run(
        [sys.executable, "-c", PROGRAM, *map(str, arguments)], input=stdin, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )  # fmt: skip
    assert outcome.returncode == code, outcome.stderr
    return outcome.stdout


@pytest.fixture
def secret(folder: Path, recipient: str) -> Path:
    """Return an encrypted file of the toy's."""
    path = folder / "secret.arrows"
    path.write_text(TEXT)
    run("encrypt", "-i", "--age", recipient, "--encrypted-regex", "^user$", path)
    return path


def test_it_is_encrypted_in_its_own_form_and_decrypted(secret: Path) -> None:
    encrypted = secret.read_text()
    assert encrypted.startswith('user -> "ENC[')
    assert 'plain -> "seen"\n' in encrypted
    assert "\nsops_mac -> " in encrypted
    assert run("decrypt", secret) == TEXT
    assert run("decrypt", "--extract", '["user"]', secret) == "canary-user"


def test_its_values_are_set_and_edited(secret: Path) -> None:
    before = secret.read_text().splitlines()
    run("set", secret, '["user"]', '"other"')
    assert run("decrypt", secret) == TEXT.replace("canary-user", "other")
    assert before[1] in secret.read_text().splitlines()
    run("edit", secret, EDITOR="sh -c 'sed -i s/other/third/ \"$1\"' editor")
    assert run("decrypt", secret) == TEXT.replace("canary-user", "third")


def test_a_new_file_begins_with_its_example(folder: Path, recipient: str) -> None:
    made = folder / "new.arrows"
    run("edit", "--age", recipient, made, EDITOR="sh -c 'sed -i s/value/mine/ \"$1\"' editor")
    assert run("decrypt", made) == 'name -> "mine"\n'


def test_its_files_are_told_from_others(secret: Path, folder: Path) -> None:
    (folder / "clear.arrows").write_text(TEXT)
    assert json.loads(run("filestatus", secret)) == {"encrypted": True}
    assert json.loads(run("filestatus", "clear.arrows")) == {"encrypted": False}
    run("check", ".")
    secret.write_text(secret.read_text().replace("seen", "changed"))
    run("check", ".", code=1)


def test_it_is_a_format_to_read_and_to_write(secret: Path, folder: Path) -> None:
    assert run("decrypt", "--output-type", "json", secret) == '{\n\t"user": "canary-user",\n\t"plain": "seen"\n}\n'
    (folder / "unnamed").write_bytes(secret.read_bytes())
    assert run("decrypt", "--input-type", "arrows", "--output-type", "arrows", "unnamed") == TEXT
    run("rotate", "-i", "unnamed")
    assert run("decrypt", "--input-type", "arrows", "--output-type", "arrows", "unnamed") == TEXT


def test_it_has_its_place_in_the_configuration(secret: Path, folder: Path, recipient: str) -> None:
    (folder / ".sops.yaml").write_text(f"stores:\n  arrows: {{}}\ncreation_rules:\n  - age: {recipient}\n")
    run("updatekeys", "-y", secret)
    assert run("decrypt", secret) == TEXT
