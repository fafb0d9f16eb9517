"""`check` of a repository of small files, a fifth of them encrypted, against the seconds that are promised for it.

The others are what lies beside: ConfigMaps with comments, a Kustomization of Flux for every folder. A key is at hand.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

from benchmarks.measuring import measure
from benchmarks.table import Bench, Line, cpu, limit, recipient

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_TIMES: Final = 4  # ConfigMaps for each encrypted file
_FOLDERS: Final = 50
_CPU_S: Final = 5
_FLUX: Final = 2
_RULES: Final = "creation_rules:\n  - path_regex: ^apps/\n    encrypted_regex: ^(data|stringData)$\n    age: {key}\n"
_CONFIG_MAP: Final = (
    "# file {number}\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c{number}\n  namespace: apps\ndata:\n"
)
_KUSTOMIZATION: Final = """\
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {{name: a{number}, namespace: flux-system}}
spec:
  interval: 10m
  path: ./apps/a{number}
  prune: true
  sourceRef: {{kind: GitRepository, name: flux-system}}
  decryption: {{provider: sops, secretRef: {{name: sops-age}}}}
"""


def checking(bench: Bench) -> Iterator[Line]:
    """Measure `check` in CPU, three times, and `check --as flux` against it."""
    root = bench.folder / "checked"
    count = _repository(root, bench.encrypted, recipient(bench, "age.txt"))
    turns = []
    for _ in range(3):
        plain = measure([bench.program("secretsync"), "check", "."], env=bench.env, cwd=root)
        turns.append(
            (plain, measure([bench.program("secretsync"), "check", "--as", "flux", "."], env=bench.env, cwd=root))
        )
    shutil.rmtree(root)
    plain, flux = sorted(turns, key=lambda turn: turn[0].cpu_seconds)[1]
    yield limit(f"check of {count} files / {_CPU_S} s, CPU", plain.cpu_seconds, _CPU_S, "s")
    yield cpu(f"check --as flux / check, {count} files, CPU", flux, plain, _FLUX, at_least=False)


def _repository(root: Path, encrypted: list[Path], key: str) -> int:
    """Write the repository and return how many files are in it."""
    (root / "clusters").mkdir(parents=True)
    (root / ".sops.yaml").write_text(_RULES.format(key=key))
    for number in range(_FOLDERS):
        (root / "apps" / f"a{number}").mkdir(parents=True)
    kustomizations = "".join(_KUSTOMIZATION.format(number=number) for number in range(_FOLDERS))
    (root / "clusters" / "apps.yaml").write_text(kustomizations)
    for index, file in enumerate(encrypted):
        folder = root / "apps" / f"a{index % _FOLDERS}"
        shutil.copy(file, folder)
        for turn in range(_TIMES):
            number = index * _TIMES + turn
            values = "".join(f"  k{key}: value {key} # note\n" for key in range(20))
            (folder / f"c{number}.yaml").write_text(_CONFIG_MAP.format(number=number) + values)
    return len(encrypted) * (_TIMES + 1)
