"""What is compared with what: each comparison runs both sides and says what ratio the design promises.

Sources of the bounds: design section 6. A side's CPU time is that of all its processes.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from benchmarks.measuring import Usage, loop, measure, median

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REPOSITORY: Final = Path(__file__).resolve().parents[1]
_MEMORY_MIB: Final = 100
_SAMPLE: Final = 200  # files of a loop over a peer that starts once a file


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
    turns = [(bench.hook(file), measure(bench.sops(file), env=bench.env)) for _ in range(21)]
    ours, peer = (median(list(side)) for side in zip(*turns, strict=True))
    yield _cpu("hook on one file / sops decrypt, CPU", ours, peer, 3, at_least=False)


def many_files(bench: Bench) -> Iterator[Line]:
    """Compare one render of all files with a loop over sops and with sops' own library in one process."""
    render = median([bench.hook(bench.folder / "sops") for _ in range(3)])
    sample = loop([bench.sops(file) for file in bench.encrypted[:_SAMPLE]], env=bench.env)
    share = len(bench.encrypted) / min(_SAMPLE, len(bench.encrypted))
    whole = Usage(sample.cpu_seconds * share, sample.wall_seconds * share, sample.peak_mib)
    number = len(bench.encrypted)
    ratio = whole.wall_seconds / render.wall_seconds
    ours, peer = f"{render.wall_seconds:.2f} s", f"{whole.wall_seconds:.1f} s"
    yield Line(f"loop of sops decrypt / render of {number} files, time", ours, peer, ratio, 40, at_least=True)

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
    """Compare sealing 100 Secrets in one call with a loop of kubeseal, and with sealing in a render."""
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
    ours = median([measure(seal, env=bench.env) for _ in range(3)])
    kubeseal = [[bench.peers["kubeseal"], "--cert", certificate, "-f", file] for file in plain]
    peer = loop(kubeseal, env=bench.env)
    ratio = peer.wall_seconds / ours.wall_seconds
    ours_text, peer_text = f"{ours.wall_seconds:.2f} s", f"{peer.wall_seconds:.2f} s"
    yield Line(f"loop of kubeseal / sealing {len(plain)} Secrets, time", ours_text, peer_text, ratio, 10, at_least=True)


def _cpu(name: str, ours: Usage, peer: Usage, bound: float, *, at_least: bool) -> Line:
    ratio = ours.cpu_seconds / peer.cpu_seconds
    return Line(name, f"{ours.cpu_seconds * 1000:.0f} ms", f"{peer.cpu_seconds * 1000:.0f} ms", ratio, bound, at_least)


COMPARISONS: Final[dict[str, Callable[[Bench], Iterator[Line]]]] = {
    "one-file": one_file,
    "many-files": many_files,
    "sealing": sealing,
}
