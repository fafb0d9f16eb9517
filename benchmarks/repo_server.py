"""What Argo CD pays for our plugin: its real repo-server, and `cat` in our place."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.engines import line_of, walls
from benchmarks.measuring import Usage
from benchmarks.table import Bench, Line
from tests.peers.argocd import argocd, commit_everything

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_PLUGIN: Final = """\
apiVersion: argoproj.io/v1alpha1
kind: ConfigManagementPlugin
metadata: {{name: {name}}}
spec: {{generate: {{command: [sh, -c, '{command}']}}}}
"""


def argo_cd(bench: Bench) -> Iterator[Line]:
    """Compare what Argo CD's repo-server waits for our plugin with what it waits for `cat`, over one app of one file."""
    repository = bench.folder / "repository"
    repository.mkdir()
    (repository / "secret.yaml").write_bytes(bench.encrypted[0].read_bytes())
    commit_everything(repository)
    ours = _PLUGIN.format(name="ours", command=f"{bench.program('secretsync-hook')} render .")
    peer = _PLUGIN.format(name="cat", command="cat secret.yaml")
    with argocd(lambda name: Path(bench.peers[name]), {"ours": ours, "cat": peer}, env=bench.env) as repo_server:
        waits = walls(*(_waiting(repo_server.generate, repository, plugin) for plugin in ("ours", "cat")))
    yield line_of("Argo CD generates an app with our plugin / with cat, time", *waits)


def _waiting(generate: Callable[..., object], repository: Path, plugin: str) -> Callable[[], Usage]:
    def wait() -> Usage:
        begin = time.perf_counter()
        generate(repository, plugin=plugin)
        return Usage(0, time.perf_counter() - begin, 0)

    return wait
