"""A file that lost its `sops` block is not encrypted a second time; what only speaks of ciphertext is."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from secretsync import errors
from tests.cli.conftest import Invoke
from tests.cli.test_bad_input import assert_refused

CIPHERTEXT: Final = "ENC[AES256_GCM,data:4Zt8,iv:canary=,tag:AAAA=,type:str]"
LOST: Final = {
    "a.yaml": f"plain: x\nb:\n  - c: {CIPHERTEXT}\n",
    "cut.yaml": "b: ENC[AES256_GCM,data:4Zt8\n",
    "two.yaml": f"a: x\n---\nb: {CIPHERTEXT}\n",
    "a.json": f'{{"a": "{CIPHERTEXT}"}}\n',
    "a.env": f"A={CIPHERTEXT}\n",
    "a.ini": f"[s]\na = {CIPHERTEXT}\n",
    "a.bin": f'{{"data": "{CIPHERTEXT}"}}\n',
    "b.bin": CIPHERTEXT,
}
HONEST: Final = {
    "prose.yaml": "a: sops writes ENC[AES256_GCM,data:…]\nb: ENC[AES256_GCM,…]\nc: 7\n",
    "comment.yaml": f"# {CIPHERTEXT}\na: x\n",
    "list.bin": f'{{"other": "{CIPHERTEXT}"}}',
    "text.bin": f"see {CIPHERTEXT}",
    "empty.bin": '{"data": "ENC[AES256_GCM,"}',
    "inner.bin": '{"data": "see ENC[AES256_GCM,data:"}',
    "long.bin": "ENC is a word",
}


@pytest.mark.parametrize("name", LOST)
def test_a_file_that_lost_its_block_is_refused_and_stays(
    invoke: Invoke, folder: Path, recipient: str, name: str
) -> None:
    (folder / name).write_text(LOST[name])
    outcome = invoke("encrypt", "-i", "--age", recipient, name)
    assert_refused(outcome, errors.AlreadyEncryptedError, place=name, sops_codes=True)
    assert "git log -p" in outcome.err
    assert "4Zt8" not in outcome.err
    assert (folder / name).read_text() == LOST[name]
    assert invoke("encrypt", "-i", "--age", recipient, "--allow-ciphertext", name).code == 0


def test_standard_input_is_held_to_it(invoke: Invoke, folder: Path, recipient: str) -> None:
    arguments = ("encrypt", "--age", recipient, "--filename-override", "a.yaml")
    outcome = invoke(*arguments, stdin=LOST["a.yaml"].encode())
    assert_refused(outcome, errors.AlreadyEncryptedError, place="stdin", sops_codes=True)
    assert "#1 b[0].c" in outcome.err


@pytest.mark.parametrize("name", HONEST)
def test_what_only_speaks_of_ciphertext_is_encrypted(invoke: Invoke, folder: Path, recipient: str, name: str) -> None:
    (folder / name).write_text(HONEST[name])
    assert invoke("encrypt", "-i", "--age", recipient, name).code == 0
    assert invoke("decrypt", name).out.decode() == HONEST[name]


def test_set_and_edit_take_no_ciphertext_for_a_value(
    invoke: Invoke, folder: Path, encrypted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever decrypts the file would get the ciphertext as the password."""
    before = encrypted.read_bytes()
    pasted = "ENC[AES256_GCM,data:aGk=,iv:aGk=,tag:aGk=,type:str]"
    value = f'{{"a": ["{pasted}"]}}'
    assert_refused(invoke("set", encrypted, '["x"]', value), errors.AlreadyEncryptedError, place="", sops_codes=True)
    editor = folder / "editor"
    editor.write_text(f"#!/bin/sh\necho 'x: {pasted}' >> \"$1\"\n")
    editor.chmod(0o755)
    monkeypatch.setenv("EDITOR", str(editor))
    outcome = invoke("edit", encrypted)
    assert_refused(outcome, errors.AlreadyEncryptedError, place="", sops_codes=True)
    assert pasted not in outcome.err
    assert encrypted.read_bytes() == before
    assert invoke("edit", "--allow-ciphertext", encrypted).code == 0
    assert invoke("set", "--allow-ciphertext", "--allow-plaintext", encrypted, '["y"]', value).code == 0
    assert invoke("edit", encrypted).code != 0  # a second one, beside the one that is no news
