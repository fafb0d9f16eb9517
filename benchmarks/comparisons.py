"""What is compared with what: each comparison runs both sides and says what ratio the design promises.

Sources of the bounds: design section 6. A side's CPU time is that of all its processes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from benchmarks.measuring import Usage, loop, measure, median

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

REPOSITORY: Final = Path(__file__).resolve().parents[1]
_MEMORY_MIB: Final = 100
_SAMPLE: Final = 200  # of a loop over a peer that starts once a file, no more than this many are run


class Line(NamedTuple):
    """One line of the table: two numbers, their ratio, and the bound that the ratio must keep."""

    name: str
    ours: str
    peer: str
    ratio: float
    bound: float
    at_least: bool

    @property
    def holds(self) -> bool:
        """Whether the promise is kept."""
        return self.ratio >= self.bound if self.at_least else self.ratio <= self.bound


@dataclass(frozen=True)
class Bench:
    """The corpus, the programs and the environment that all comparisons share."""

    folder: Path
    peers: dict[str, str]
    count: int

    @property
    def env(self) -> dict[str, str]:
        """The environment of every measured process."""
        own = {"HOME": str(self.folder), "SOPS_AGE_KEY_FILE": str(self.folder / "age.txt"), "LANG": "C.UTF-8"}
        return {"PATH": os.environ["PATH"], **own}

    @property
    def encrypted(self) -> list[Path]:
        """The SOPS files."""
        return sorted((self.folder / "sops").iterdir())

    def program(self, name: str) -> Path:
        """Return a console script of the interpreter that runs this."""
        return Path(sys.executable).with_name(name)

    def hook(self, *arguments: object) -> Usage:
        """Run `secretsync-hook render`."""
        return measure([self.program("secretsync-hook"), "render", *arguments], env=self.env)

    def sops(self, file: Path) -> list[object]:
        """Return the command that decrypts one file with the real sops."""
        return [self.peers["sops"], "decrypt", file]


def one_file(bench: Bench) -> Iterator[Line]:
    """Compare the cold hook on one file with one `sops decrypt`, taking turns."""
    file = bench.encrypted[0]
    bench.hook(file)  # the first run writes byte code
    turns = [(bench.hook(file), measure(bench.sops(file), env=bench.env)) for _ in range(31)]
    ours, peer = (median(list(side)) for side in zip(*turns, strict=True))
    yield _cpu("hook on one file / sops decrypt, CPU", ours, peer, 3, at_least=False)


def many_files(bench: Bench) -> Iterator[Line]:
    """Compare one render of all files with a loop over sops and with sops' own library in one process."""
    number = len(bench.encrypted)
    turns = [
        (bench.hook(bench.folder / "sops"), loop([bench.sops(file) for file in part], env=bench.env))
        for part in _parts(bench.encrypted)
    ]
    whole = number / len(_parts(bench.encrypted)[0])
    yield _times(f"loop of sops decrypt / render of {number} files, time", turns, whole, 40)

    render = median([ours for ours, _ in turns])
    names = bench.folder / "names"
    names.write_text("".join(f"{file}\n" for file in bench.encrypted))
    library = median([measure([bench.peers["godecrypt"]], env=bench.env, stdin=names) for _ in range(3)])
    yield _cpu(f"render of {number} files / sops' Go library, CPU", render, library, 1, at_least=False)

    few = bench.folder / "few"
    few.mkdir()
    for file in bench.encrypted[: number // 10]:
        os.link(file, few / file.name)
    memory = bench.hook(few)
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
    turns = [(measure(seal, env=bench.env), loop(part, env=bench.env)) for part in _parts(kubeseal)]
    whole = len(kubeseal) / len(_parts(kubeseal)[0])
    yield _times(f"loop of kubeseal / sealing {len(plain)} Secrets, time", turns, whole, 10)


def changing(bench: Bench) -> Iterator[Line]:
    """Compare `rotate` and `updatekeys` over all files with loops of the real sops, on copies."""
    recipients = [_recipient(bench, file) for file in ("age.txt", "second.txt")]
    rules = bench.folder / "rules.yaml"
    rules.write_text(f"creation_rules:\n  - age: {','.join(recipients)}\n")
    for verb, flag in (("rotate", "-i"), ("updatekeys", "--yes")):
        turns = []
        for turn, part in enumerate(_parts(bench.encrypted)):
            ours, theirs = (bench.folder / f"{verb}-{turn}-{side}" for side in ("ours", "theirs"))
            shutil.copytree(bench.folder / "sops", ours)
            theirs.mkdir()
            copies = [shutil.copy(file, theirs) for file in part]
            arguments = ["--config", rules, verb, flag]
            argv = [bench.program("secretsync"), *arguments, ours]
            loops = [[bench.peers["sops"], *arguments, file] for file in copies]
            turns.append((measure(argv, env=bench.env), loop(loops, env=bench.env)))
            shutil.rmtree(ours)
        whole = len(bench.encrypted) / len(_parts(bench.encrypted)[0])
        yield _times(f"loop of sops {verb} / {verb} of {len(bench.encrypted)} files, time", turns, whole, 20)


def _recipient(bench: Bench, name: str) -> str:
    """Return the recipient of an identity file of the corpus, which is made if it is not there."""
    file = bench.folder / name
    if not file.exists():
        subprocess.run([bench.peers["age-keygen"], "-o", file], check=True, stderr=subprocess.DEVNULL)
    return subprocess.run(
        [bench.peers["age-keygen"], "-y", file], check=True, stdout=subprocess.PIPE, text=True
    ).stdout.strip()


T = TypeVar("T")


def _parts(items: Sequence[T]) -> list[Sequence[T]]:
    """Return the five equal parts of a sample; a peer that starts once an item runs over one part a turn."""
    size = max(1, min(len(items), _SAMPLE) // 5)
    return [items[start : start + size] for start in range(0, 5 * size, size)]


def _times(name: str, turns: Sequence[tuple[Usage, Usage]], whole: float, bound: float) -> Line:
    """Compare the wall times of turns in which the peer did one part of `whole`."""
    return _middle(name, [(ours.wall_seconds, peer.wall_seconds * whole) for ours, peer in turns], bound)


def _middle(name: str, pairs: Sequence[tuple[float, float]], bound: float) -> Line:
    """Return the line of the pair whose ratio is in the middle."""
    ours, peer = sorted(pairs, key=lambda pair: pair[1] / pair[0])[len(pairs) // 2]
    return Line(name, f"{ours:.2f} s", f"{peer:.2f} s", peer / ours, bound, at_least=True)


def _cpu(name: str, ours: Usage, peer: Usage, bound: float, *, at_least: bool) -> Line:
    ratio = ours.cpu_seconds / peer.cpu_seconds
    return Line(name, f"{ours.cpu_seconds * 1000:.0f} ms", f"{peer.cpu_seconds * 1000:.0f} ms", ratio, bound, at_least)


COMPARISONS: Final[dict[str, Callable[[Bench], Iterator[Line]]]] = {
    "one-file": one_file,
    "many-files": many_files,
    "sealing": sealing,
    "changing": changing,
}
