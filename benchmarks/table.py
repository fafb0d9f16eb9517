"""What all comparisons share: the corpus with its programs, the lines of the table, and how two sides become one.

A line says what ratio is promised, and whether it was kept.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from benchmarks.measuring import Usage, measure

if TYPE_CHECKING:
    from collections.abc import Sequence

REPOSITORY: Final = Path(__file__).resolve().parents[1]
_SAMPLE: Final = 200  # of a loop over a peer that starts once a file, no more than this many are run


class Line(NamedTuple):
    """One line of the table: two numbers, their ratio, and the bound that the ratio must keep, if there is one."""

    name: str
    ours: str
    peer: str
    ratio: float
    bound: float | None = None
    at_least: bool = True

    @property
    def holds(self) -> bool:
        """Whether the promise is kept; where nothing is promised, it is."""
        if self.bound is None:
            return True
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


T = TypeVar("T")


def parts(items: Sequence[T]) -> list[Sequence[T]]:
    """Return the five equal parts of a sample; a peer that starts once an item runs over one part a turn."""
    size = max(1, min(len(items), _SAMPLE) // 5)
    return [items[start : start + size] for start in range(0, 5 * size, size)]


def times(name: str, turns: Sequence[tuple[Usage, Usage]], whole: float, bound: float) -> Line:
    """Compare the wall times of turns in which the peer did one part of `whole`."""
    return _middle(name, [(ours.wall_seconds, peer.wall_seconds * whole) for ours, peer in turns], bound)


def _middle(name: str, pairs: Sequence[tuple[float, float]], bound: float) -> Line:
    """Return the line of the pair whose ratio is in the middle."""
    ours, peer = sorted(pairs, key=lambda pair: pair[1] / pair[0])[len(pairs) // 2]
    return Line(name, f"{ours:.2f} s", f"{peer:.2f} s", peer / ours, bound, at_least=True)


def cpus(name: str, turns: Sequence[tuple[Usage, Usage]], whole: float, bound: float) -> Line:
    """Compare the CPU times of turns in which the peer did one part of `whole`."""
    return _middle(name, [(ours.cpu_seconds, peer.cpu_seconds * whole) for ours, peer in turns], bound)


def limit(name: str, found: float, most: float, unit: str) -> Line:
    """Compare one number with what it may be at most."""
    return Line(name, f"{found:.2f} {unit}", f"{most:g} {unit}", found / most, 1, at_least=False)


def cpu(name: str, ours: Usage, peer: Usage, bound: float, *, at_least: bool) -> Line:
    ratio = ours.cpu_seconds / peer.cpu_seconds
    return Line(name, f"{ours.cpu_seconds * 1000:.0f} ms", f"{peer.cpu_seconds * 1000:.0f} ms", ratio, bound, at_least)


def recipient(bench: Bench, name: str) -> str:
    """Return the recipient of an identity file of the corpus, which is made if it is not there."""
    file = bench.folder / name
    if not file.exists():
        subprocess.run([bench.peers["age-keygen"], "-o", file], check=True, stderr=subprocess.DEVNULL)
    return subprocess.run(
        [bench.peers["age-keygen"], "-y", file], check=True, stdout=subprocess.PIPE, text=True
    ).stdout.strip()
