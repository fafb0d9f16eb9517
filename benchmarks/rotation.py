"""One person leaves a repository of many files: a runbook, all phases, against a loop of `sops rotate` and `updatekeys`.

Ours also plans, proves, commits and lists what to change at its source; the loop does none of that.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measuring import loop, measure
from benchmarks.table import Bench, Line, parts, recipient, times

if TYPE_CHECKING:
    from collections.abc import Iterator

_PRINCIPAL = "apiVersion: secretsync/v1\nkind: Principal\nname: {name}\nkeys:\n  - {{id: {name}-1, type: age, recipient: {key}}}\n"
_POLICY = 'rules:\n  - paths: ["sops/**"]\n    readers: [alice, bob]\n'


def leaving(bench: Bench) -> Iterator[Line]:
    """Compare `runbook remove apply`, and the CPU time of its proof that the old data keys open nothing."""
    keys = {"alice": recipient(bench, "age.txt"), "bob": recipient(bench, "second.txt")}
    rules = bench.folder / "rules-both.yaml"
    rules.write_text(f"creation_rules:\n  - age: {','.join(keys.values())}\n")
    shared = bench.folder / "shared"
    shutil.copytree(bench.folder / "sops", shared)
    measure([bench.program("secretsync"), "--config", rules, "updatekeys", "--yes", shared], env=bench.env)
    remaining = bench.folder / "rules-one.yaml"
    remaining.write_text(f"creation_rules:\n  - age: {keys['alice']}\n")
    turns, seconds = [], []
    for turn, part in enumerate(parts(sorted(shared.iterdir()))):
        ours, theirs = bench.folder / f"leaving-{turn}", bench.folder / f"leaving-{turn}-theirs"
        _repository(ours, shared, keys)
        theirs.mkdir()
        copies = [shutil.copy(file, theirs) for file in part]
        runbook = [bench.program("secretsync"), "runbook", "remove", "apply", "bob", "--yes", "-C", ours]
        rotate = [[bench.peers["sops"], "rotate", "-i", "--rm-age", keys["bob"], file] for file in copies]
        update = [[bench.peers["sops"], "--config", remaining, "updatekeys", "--yes", file] for file in copies]
        turns.append((measure(runbook, env=bench.env), loop([*rotate, *update], env=bench.env)))
        seconds.append(_proof(ours))
        shutil.rmtree(ours)
    count = len(bench.encrypted)
    whole = count / len(parts(bench.encrypted)[0])
    yield times(f"loop of sops rotate, updatekeys / a person leaves {count} files, time", turns, whole, 20)
    proof = sorted(seconds)[len(seconds) // 2]
    yield Line(
        f"proof that the old data keys fail, {count} files / 1 s, CPU",
        f"{proof * 1000:.0f} ms",
        "1 s",
        proof,
        1,
        at_least=False,
    )


def _repository(folder: Path, files: Path, keys: dict[str, str]) -> None:
    """Make a repository with a key ring and the encrypted files in it."""
    shutil.copytree(files, folder / "sops")
    (folder / "keys" / "people").mkdir(parents=True)
    (folder / "keys" / "policy.yaml").write_text(_POLICY)
    for name, key in keys.items():
        (folder / "keys" / "people" / f"{name}.yaml").write_text(_PRINCIPAL.format(name=name, key=key))
    for words in (
        ("init", "-q"),
        ("config", "user.name", "b"),
        ("config", "user.email", "b@e.x"),
        ("add", "-A"),
        ("commit", "-qm", "b"),
        ("gc", "-q"),
    ):
        subprocess.run(["git", *words], cwd=folder, check=True)


def _proof(repository: Path) -> float:
    """Return the CPU seconds of V5, the old data key on every value, from the evidence."""
    path = next((repository / ".git" / "secretsync" / "ops").glob("*/evidence.json"))
    checks = {check["id"]: check for check in json.loads(path.read_text())["checks"]}
    assert checks["V5"]["status"] == "passed"
    return float(checks["V5"]["seconds"])
