"""One person leaves a repository of many files: a runbook, all phases, against a loop of `sops rotate` and `updatekeys`.

Ours also plans, proves, commits and lists what to change at its source; the loop does none of that. Five times as many
files, and a history of five commits for each, have limits of their own.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.measuring import loop, measure
from benchmarks.table import Bench, Line, cpus, limit, parts, recipient, times

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_TIMES: Final = 5
_MEMORY_MIB: Final = 100
_CPU_S: Final = 20
_BEGAN: Final = 1_700_000_000  # seconds; any time will do
_PRINCIPAL = "apiVersion: secretsync/v1\nkind: Principal\nname: {name}\nkeys:\n  - {{id: {name}-1, type: age, recipient: {key}}}\n"
_POLICY = 'rules:\n  - paths: ["sops/**"]\n    readers: [alice, bob]\n'


def leaving(bench: Bench) -> Iterator[Line]:
    """Compare `runbook remove apply` in time and CPU, and how long its proof takes that the old data keys open nothing."""
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
    yield cpus(f"loop of sops rotate, updatekeys / a person leaves {count} files, CPU", turns, whole, 10)
    yield limit(f"proof that the old data keys fail, {count} files / 1 s", sorted(seconds)[len(seconds) // 2], 1, "s")
    yield _large(bench, sorted(shared.iterdir()), keys)
    yield _exposed(bench, sorted(shared.iterdir()), keys)


def _large(bench: Bench, files: Sequence[Path], keys: dict[str, str]) -> Line:
    """Return the memory of leaving five times as many files."""
    many, repository = bench.folder / "many", bench.folder / "many-repository"
    many.mkdir()
    for turn in range(_TIMES):
        for file in files:
            (many / f"{turn}-{file.name}").write_bytes(_another(file, turn))
    _repository(repository, many, keys)
    used = measure(
        [bench.program("secretsync"), "runbook", "remove", "apply", "bob", "--yes", "-C", repository], env=bench.env
    )
    shutil.rmtree(many)
    shutil.rmtree(repository)
    return limit(
        f"memory, a person leaves {_TIMES * len(files)} files / {_MEMORY_MIB} MiB", used.peak_mib, _MEMORY_MIB, "MiB"
    )


def _exposed(bench: Bench, files: Sequence[Path], keys: dict[str, str]) -> Line:
    """Return the CPU time of `exposure` over a history in which each file was changed five times, a commit each."""
    repository = bench.folder / "history"
    _repository(repository, files[0].parent, keys)
    stream = b"".join(
        b"commit refs/heads/history\ncommitter b <b@e.x> %d +0000\ndata 1\nb\n%sM 100644 inline sops/%s\ndata %d\n%s\n"
        % (_BEGAN + number, b"" if number else b"from HEAD^0\n", file.name.encode(), len(data), data)
        for number, (file, data) in enumerate(
            (file, _another(files[index - turn - 1], turn))
            for turn in range(_TIMES)
            for index, file in enumerate(files)
        )
    )
    subprocess.run(["git", "fast-import", "--quiet"], cwd=repository, input=stream, check=True)
    subprocess.run(["git", "checkout", "-q", "history"], cwd=repository, check=True)
    used = measure([bench.program("secretsync"), "exposure", "bob", "-C", repository], env=bench.env)
    shutil.rmtree(repository)
    return limit(f"exposure of {_TIMES * len(files)} commits / {_CPU_S} s, CPU", used.cpu_seconds, _CPU_S, "s")


def _another(file: Path, number: int) -> bytes:
    """Return a file as another blob that opens as well: a comment in the clear is no part of the MAC."""
    return file.read_bytes() + b"# %d\n" % number


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
    """Return the seconds of V5, the old data key on every value, from the evidence."""
    path = next((repository / ".git" / "secretsync" / "ops").glob("*/evidence.json"))
    checks = {check["id"]: check for check in json.loads(path.read_text())["checks"]}
    assert checks["V5"]["status"] == "passed"
    return float(checks["V5"]["seconds"])
