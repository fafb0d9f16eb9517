"""What the engines pay for our hooks: a cold KRM generator, a post-renderer of Helm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from benchmarks.measuring import Usage, measure, median
from benchmarks.table import Bench, Line, cpu

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
    ours, peer = walls(lambda: measure(rendering, env=bench.env), lambda: measure(without, env=bench.env))
    yield line_of("helm template with our post-renderer / without, time", ours, peer)


def walls(ours: Callable[[], Usage], peer: Callable[[], Usage]) -> Sequence[float]:
    """Return the middle wall time of each side over turns."""
    turns = [(ours().wall_seconds, peer().wall_seconds) for _ in range(_TURNS)]
    return [sorted(side)[len(turns) // 2] for side in zip(*turns, strict=True)]


def line_of(name: str, ours: float, peer: float) -> Line:
    """Return the line of two wall times in seconds; nothing is promised of them."""
    return Line(name, f"{ours * 1000:.0f} ms", f"{peer * 1000:.0f} ms", ours / peer)
