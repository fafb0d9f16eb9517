"""What the engines pay for our hooks: a cold KRM generator, a post-renderer, a plugin of Argo CD."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.measuring import Usage, measure, median
from benchmarks.table import Bench, Line, cpu
from tests.peers.argocd import argocd, commit_everything

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_FILES: Final = 100
_TURNS: Final = 9
_GENERATOR: Final = """\
apiVersion: config.kubernetes.io/v1
kind: ResourceList
items: []
functionConfig:
  apiVersion: viaduct.ai/v1
  kind: ksops
  metadata: {name: secrets}
  files:
"""
_PLUGIN: Final = """\
apiVersion: argoproj.io/v1alpha1
kind: ConfigManagementPlugin
metadata: {{name: {name}}}
spec: {{generate: {{command: [sh, -c, '{command}']}}}}
"""


def kustomize(bench: Bench) -> Iterator[Line]:
    """Compare a KRM generator of many files, a cold process, with one `sops decrypt`."""
    files = bench.encrypted[:_FILES]
    request = bench.folder / "resources.yaml"
    request.write_text(_GENERATOR + "".join(f"  - {file.name}\n" for file in files))
    generator = [bench.program("secretsync-hook"), "krm"]
    turns = [
        (
            measure(generator, env=bench.env, stdin=request, cwd=bench.folder / "sops"),
            measure(bench.sops(files[0]), env=bench.env),
        )
        for _ in range(_TURNS)
    ]
    ours, peer = (median(list(side)) for side in zip(*turns, strict=True))
    yield cpu(f"KRM generator of {len(files)} files / one sops decrypt, CPU", ours, peer, 8, at_least=False)


def helm(bench: Bench) -> Iterator[Line]:
    """Compare `helm template` of a chart with one encrypted Secret, with the post-renderer and without."""
    chart = bench.folder / "chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: chart\nversion: 0.1.0\n")
    (chart / "templates" / "secret.yaml").write_bytes(bench.encrypted[0].read_bytes())
    without = [bench.peers["helm3"], "template", "release", chart]
    rendering = [*without, "--post-renderer", bench.program("secretsync-hook"), "--post-renderer-args", "helm"]
    ours, peer = _walls(lambda: measure(rendering, env=bench.env), lambda: measure(without, env=bench.env))
    yield _line("helm template with our post-renderer / without, time", ours, peer)


def argo_cd(bench: Bench) -> Iterator[Line]:
    """Compare what Argo CD's repo-server waits for our plugin with what it waits for `cat`, over one app of one file."""
    repository = bench.folder / "repository"
    repository.mkdir()
    (repository / "secret.yaml").write_bytes(bench.encrypted[0].read_bytes())
    commit_everything(repository)
    ours = _PLUGIN.format(name="ours", command=f"{bench.program('secretsync-hook')} render .")
    peer = _PLUGIN.format(name="cat", command="cat secret.yaml")
    with argocd(lambda name: Path(bench.peers[name]), {"ours": ours, "cat": peer}, env=bench.env) as repo_server:
        waits = _walls(*(_waiting(repo_server.generate, repository, plugin) for plugin in ("ours", "cat")))
    yield _line("Argo CD generates an app with our plugin / with cat, time", *waits)


def _waiting(generate: Callable[..., object], repository: Path, plugin: str) -> Callable[[], Usage]:
    def wait() -> Usage:
        begin = time.perf_counter()
        generate(repository, plugin=plugin)
        return Usage(0, time.perf_counter() - begin, 0)

    return wait


def _walls(ours: Callable[[], Usage], peer: Callable[[], Usage]) -> Sequence[float]:
    """Return the middle wall time of each side over turns."""
    turns = [(ours().wall_seconds, peer().wall_seconds) for _ in range(_TURNS)]
    return [sorted(side)[len(turns) // 2] for side in zip(*turns, strict=True)]


def _line(name: str, ours: float, peer: float) -> Line:
    return Line(name, f"{ours * 1000:.0f} ms", f"{peer * 1000:.0f} ms", ours / peer)
