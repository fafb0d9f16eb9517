"""git's merge driver against one decryption: what a merge costs beside a look at the file."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from benchmarks.measuring import Usage, measure, median
from benchmarks.table import Bench, Line, cpu

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def merge_driver(bench: Bench) -> Iterator[Line]:
    """Compare the merge of one file, as git starts it, with one `sops decrypt`, taking turns."""
    base = bench.encrypted[0]
    ours, theirs, result = (bench.folder / f"merge-{name}.yaml" for name in ("ours", "theirs", "result"))
    for side, field in ((ours, "username"), (theirs, "password")):
        shutil.copy(base, side)
        change = ["set", side, f'["stringData"]["{field}"]', '"new"']
        measure([bench.program("secretsync"), *change], env=bench.env)

    def merged() -> Usage:
        shutil.copy(ours, result)
        return measure(_driver(bench, base, result, theirs), env=bench.env)

    merged()  # the first run writes byte code
    turns = [(merged(), measure(bench.sops(base), env=bench.env)) for _ in range(31)]
    mine, peer = (median(list(side)) for side in zip(*turns, strict=True))
    yield cpu("merge driver on one file / sops decrypt, CPU", mine, peer, 5, at_least=False)


def _driver(bench: Bench, base: Path, result: Path, theirs: Path) -> list[object]:
    return [bench.program("secretsync"), "git", "merge-driver", "--", base, result, theirs, "merged.yaml"]
