"""How often a verb over a folder waits for the disk: for each file's bytes, and once for the names in a folder."""

from __future__ import annotations

import os
import shutil
import stat
from collections import Counter
from pathlib import Path

import pytest

from tests.cli.conftest import Invoke


@pytest.mark.parametrize(
    "verb", [("rotate", "-i"), ("updatekeys", "--yes", "--config", "two.yaml")], ids=["rotate", "updatekeys"]
)
def test_a_folder_is_waited_for_once(
    verb: tuple[str, ...], invoke: Invoke, encrypted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = encrypted.parent / "many"
    (folder / "inner").mkdir(parents=True)
    for number in range(6):
        shutil.copy(encrypted, folder / ("inner" if number % 2 else "") / f"{number}.yaml")
    recipients = [invoke("keygen").out.decode().split("public key: ")[1].split()[0] for _ in range(2)]
    mine = next(line.split(b": ")[1] for line in encrypted.read_bytes().splitlines() if b"recipient: age1" in line)
    encrypted.parent.joinpath("two.yaml").write_text(f"creation_rules:\n  - age: {mine.decode()},{recipients[0]}\n")
    waits: Counter[bool] = Counter()
    sync = os.fsync

    def counted(descriptor: int) -> None:
        waits[stat.S_ISDIR(os.fstat(descriptor).st_mode)] += 1
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", counted)
    before = [path.read_bytes() for path in sorted(folder.rglob("*.yaml"))]
    assert invoke(*verb, folder).code == 0
    after = [path.read_bytes() for path in sorted(folder.rglob("*.yaml"))]
    assert not set(before) & set(after)
    assert waits == {False: 6, True: 2}
