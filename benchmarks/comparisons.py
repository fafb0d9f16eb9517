"""The formats against sops and kubeseal: each comparison runs both sides and says what ratio is promised.

A side's CPU time is that of all its processes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Final

from benchmarks.measuring import loop, measure, median, require_small
from benchmarks.table import Bench, Line, cpu, parts, recipient, times

if TYPE_CHECKING:
    from collections.abc import Iterator

_MEMORY_MIB: Final = 100


def one_file(bench: Bench) -> Iterator[Line]:
    """Compare the cold hook on one file with one `sops decrypt`, taking turns."""
    file = bench.encrypted[0]
    bench.hook(file)  # the first run writes byte code
    turns = [(bench.hook(file), measure(bench.sops(file), env=bench.env)) for _ in range(31)]
    ours, peer = (median(list(side)) for side in zip(*turns, strict=True))
    yield cpu("hook on one file / sops decrypt, CPU", ours, peer, 3, at_least=False)


def many_files(bench: Bench) -> Iterator[Line]:
    """Compare one render of all files with a loop over sops and with sops' own library in one process."""
    number = len(bench.encrypted)
    turns = [
        (bench.hook(bench.folder / "sops"), loop([bench.sops(file) for file in part], env=bench.env))
        for part in parts(bench.encrypted)
    ]
    whole = number / len(parts(bench.encrypted)[0])
    yield times(f"loop of sops decrypt / render of {number} files, time", turns, whole, 40)

    render = median([ours for ours, _ in turns])
    names = bench.folder / "names"
    names.write_text("".join(f"{file}\n" for file in bench.encrypted))
    library = median([measure([bench.peers["godecrypt"]], env=bench.env, stdin=names) for _ in range(3)])
    yield cpu(f"render of {number} files / sops' Go library, CPU", render, library, 1, at_least=False)

    few = bench.folder / "few"
    few.mkdir()
    for file in bench.encrypted[: number // 10]:
        os.link(file, few / file.name)
    memory = bench.hook(few)
    require_small(memory)
    name = f"memory of render, {number} files / {number // 10} files"
    ours, peer = f"{render.peak_mib:.0f} MiB", f"{memory.peak_mib:.0f} MiB"
    yield Line(name, ours, peer, render.peak_mib / memory.peak_mib, 1.5, at_least=False)
    yield Line(
        "memory of render / 100 MiB", ours, f"{_MEMORY_MIB} MiB", render.peak_mib / _MEMORY_MIB, 1, at_least=False
    )


def sealing(bench: Bench) -> Iterator[Line]:
    """Compare sealing 100 Secrets in one call with a loop of kubeseal."""
    plain = sorted((bench.folder / "plain").iterdir())[:100]
    certificate = bench.folder / "cert.pem"
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:4096",
            "-nodes",
            "-days",
            "365",
            "-subj",
            "/CN=bench",
            "-keyout",
            os.devnull,
            "-out",
            str(certificate),
        ],
        check=True,
        stderr=subprocess.DEVNULL,
    )
    seal = [bench.program("secretsync"), "seal", "--cert", certificate, *plain]
    measure(seal, env=bench.env)  # the first run writes byte code
    kubeseal = [[bench.peers["kubeseal"], "--cert", certificate, "-f", file] for file in plain]
    turns = [(measure(seal, env=bench.env), loop(part, env=bench.env)) for part in parts(kubeseal)]
    whole = len(kubeseal) / len(parts(kubeseal)[0])
    yield times(f"loop of kubeseal / sealing {len(plain)} Secrets, time", turns, whole, 10)


def changing(bench: Bench) -> Iterator[Line]:
    """Compare `rotate` and `updatekeys` over all files with loops of the real sops, on copies."""
    recipients = [recipient(bench, file) for file in ("age.txt", "second.txt")]
    rules = bench.folder / "rules.yaml"
    rules.write_text(f"creation_rules:\n  - age: {','.join(recipients)}\n")
    for verb, flag in (("rotate", "-i"), ("updatekeys", "--yes")):
        turns = []
        for turn, part in enumerate(parts(bench.encrypted)):
            ours, theirs = (bench.folder / f"{verb}-{turn}-{side}" for side in ("ours", "theirs"))
            shutil.copytree(bench.folder / "sops", ours)
            theirs.mkdir()
            copies = [shutil.copy(file, theirs) for file in part]
            arguments = ["--config", rules, verb, flag]
            argv = [bench.program("secretsync"), *arguments, ours]
            loops = [[bench.peers["sops"], *arguments, file] for file in copies]
            turns.append((measure(argv, env=bench.env), loop(loops, env=bench.env)))
            shutil.rmtree(ours)
        whole = len(bench.encrypted) / len(parts(bench.encrypted)[0])
        yield times(f"loop of sops {verb} / {verb} of {len(bench.encrypted)} files, time", turns, whole, 20)
