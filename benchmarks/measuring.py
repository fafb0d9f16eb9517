"""CPU, wall time and peak memory of child processes, from the kernel's own accounts (`os.wait4`).

The measuring process stays small on purpose: on Linux a child's peak memory starts at that of its parent.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


class Usage(NamedTuple):
    """What one or more processes used."""

    cpu_seconds: float
    wall_seconds: float
    peak_mib: float

    def __add__(self, other: object) -> Usage:
        """Return the sum of times and the larger peak."""
        assert isinstance(other, Usage)
        return Usage(
            self.cpu_seconds + other.cpu_seconds,
            self.wall_seconds + other.wall_seconds,
            max(self.peak_mib, other.peak_mib),
        )


NOTHING = Usage(0, 0, 0)


def measure(
    argv: Sequence[object], *, env: Mapping[str, str], stdin: Path | None = None, cwd: Path | None = None
) -> Usage:
    """Run a command with its output thrown away and return what it and its children used.

    Raises:
        SystemExit: it failed; its stderr is shown.
    """
    words = [str(word) for word in argv]
    with open(stdin or os.devnull, "rb") as source:
        begin = time.perf_counter()
        process = subprocess.Popen(
            words, stdin=source, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=dict(env), cwd=cwd
        )
        assert process.stderr is not None
        complaint = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stderr.close()
    if process.returncode != 0:
        sys.exit(f"{' '.join(words)}: exit {process.returncode}\n{complaint.decode(errors='replace')}")
    return Usage(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024)


def loop(commands: Sequence[Sequence[object]], *, env: Mapping[str, str]) -> Usage:
    """Run commands one after another, as a shell loop would, and return their sum."""
    return sum((measure(argv, env=env) for argv in commands), NOTHING)


def median(usages: Sequence[Usage]) -> Usage:
    """Return the run whose CPU time is in the middle."""
    return sorted(usages)[len(usages) // 2]


def require_small(measured: Usage) -> None:
    """Refuse to say what a child used at its peak where that may be our own peak. Raises: SystemExit."""
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if own >= measured.peak_mib:
        sys.exit(f"the measuring process takes {own:.0f} MiB itself, and hides what its children take")
