"""What the readers of Kubernetes see in a text: clients of the Go programs in `kubernetes_readers/`, a process for many texts."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, NamedTuple, Self

from tests.peers.processes import clean_environment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

NAMES = ("flux-reader", "argocd-reader")
"""The programs: each with the reader of its engine, and with kubectl's at the version of Kubernetes that the engine has."""


class View(NamedTuple):
    """What one reader sees: apiVersion, kind, namespace and name of each object, and why it stopped, if it did."""

    reader: str
    objects: list[tuple[str, str, str, str]]
    error: str


class KubernetesReaders:
    """Running readers; use them in a `with` block."""

    def __init__(self, binaries: Sequence[Path]) -> None:
        self._binaries = binaries

    def __enter__(self) -> Self:
        self._processes = [
            subprocess.Popen([binary], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=clean_environment())
            for binary in self._binaries
        ]
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.communicate(timeout=10)

    def views(self, text: bytes) -> list[View]:
        """Return what each reader of each program sees."""
        found = []
        for process, binary in zip(self._processes, self._binaries, strict=True):
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(b"%d\n%b" % (len(text), text))
            process.stdin.flush()
            answer = json.loads(process.stdout.readline())
            found += [
                View(f"{binary.name} {name}", [tuple(each) for each in view["objects"]], view.get("error", ""))
                for name, view in answer.items()
            ]
        return found
