"""What `check` tells people to run can be pasted, whatever a file is called."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from tests.cli.conftest import Invoke


@pytest.mark.parametrize("name", ["x;touch PWNED;.enc.yaml", "$(touch PWNED).yaml", "-i.yaml", 'it\'s "q".enc.yaml'])
def test_a_hint_names_the_file_as_one_argument(invoke: Invoke, folder: Path, name: str) -> None:
    (folder / name).write_text("apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {a: b}\n")
    outcome = invoke("check", ".")
    hint = next(line for line in outcome.out.decode().splitlines() if "secretsync encrypt" in line).strip()
    command = shlex.split(hint.removeprefix("hint: "))
    assert command[:3] == ["secretsync", "encrypt", "-i"]
    assert len(command) == 4
    assert (folder / command[3]).resolve() == folder / name
