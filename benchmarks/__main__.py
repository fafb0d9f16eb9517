"""`python -m benchmarks [NAME…]`: run all comparisons, or the named ones, and print the table in Markdown.

Ends with 1 where a promise is not kept, with 3 where a real tool is missing.
"""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.table import REPOSITORY, Bench, Line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COMPARISONS: Final = {
    "one-file": "comparisons:one_file",
    "many-files": "comparisons:many_files",
    "merge-driver": "merging:merge_driver",
    "sealing": "comparisons:sealing",
    "changing": "comparisons:changing",
    "leaving": "rotation:leaving",
    "check": "checking:checking",
    "kustomize": "engines:kustomize",
    "helm": "engines:helm",
    "argo-cd": "repo_server:argo_cd",
}
"""Comparisons by name, each as `module:function`, loaded in its turn: what Argo CD's client takes would be measured, too."""
_COUNT: Final = int(os.environ.get("SECRETSYNC_BENCH_FILES", "1000"))


def main(names: list[str]) -> int:
    """Run the comparisons and return the exit code."""
    unknown = [name for name in names if name not in COMPARISONS]
    if unknown:
        sys.exit(f"no such comparison: {' '.join(unknown)}; there are {' '.join(COMPARISONS)}")
    with tempfile.TemporaryDirectory(prefix="bench-secretsync-", dir=_memory()) as folder:
        bench = Bench(Path(folder), _peers(), _COUNT)
        _prepare(bench)
        print("| what | ours | peer | ratio | promised | |\n|---|---:|---:|---:|---:|---|", flush=True)
        lines = [_printed(line) for name in names or COMPARISONS for line in _comparison(name)(bench)]
    return 0 if all(line.holds for line in lines) else 1


def _comparison(name: str) -> Callable[[Bench], Iterator[Line]]:
    module, _, function = COMPARISONS[name].partition(":")
    found: Callable[[Bench], Iterator[Line]] = getattr(importlib.import_module(f"benchmarks.{module}"), function)
    return found


def _memory() -> str | None:
    """Return a folder in memory: disks differ more than processors, and we wait for them where sops does not."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def _printed(line: Line) -> Line:
    promise = "" if line.bound is None else f"{'≥' if line.at_least else '≤'} {line.bound:g}"
    verdict = "" if line.bound is None else "kept" if line.holds else "**missed**"
    print(f"| {line.name} | {line.ours} | {line.peer} | {line.ratio:.2f} | {promise} | {verdict} |", flush=True)
    return line


def _peers() -> dict[str, str]:
    listed = subprocess.run([REPOSITORY / ".ci" / "peers", "--list"], check=True, stdout=subprocess.PIPE, text=True)
    peers = dict(line.split(" ", 1) for line in listed.stdout.splitlines())
    needed = ("sops", "age-keygen", "kubeseal", "godecrypt", "helm3", "argocd-repo-server", "redis-server")
    missing = [name for name in needed if shutil.which(peers[name]) is None]
    if missing:
        print(f"not installed here: {', '.join(missing)}; run `make peers`", file=sys.stderr)
        sys.exit(3)
    return peers


def _prepare(bench: Bench) -> None:
    """Write the identity and the corpus; in another process, so that this one stays small."""
    identity = subprocess.run([bench.peers["age-keygen"]], check=True, capture_output=True, text=True).stdout
    (bench.folder / "age.txt").write_text(identity)
    recipient = next(line.split(": ")[1] for line in identity.splitlines() if "public key" in line)
    corpus = [sys.executable, "-m", "benchmarks.corpus", str(bench.folder), str(bench.count), recipient]
    subprocess.run(corpus, check=True, cwd=REPOSITORY)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
