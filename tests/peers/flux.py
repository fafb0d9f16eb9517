"""The real Flux kustomize-controller against a control plane of tests, without a source-controller.

The tests play the source: they serve an archive over loopback and write its address into a GitRepository's status.
"""

from __future__ import annotations

import contextlib
import functools
import gzip
import hashlib
import http.server
import io
import tarfile
import threading
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tests.peers.api import path_of, wait_for
from tests.peers.processes import Server, answers, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from tests.peers.control_plane import ControlPlane

_NAMESPACE: Final = "flux-system"
_LEFT_OUT: Final = (".sops.yaml", ".flux.yaml")  # source-controller's own exclusions, at any depth


class Verdict(NamedTuple):
    """What Flux says of a Kustomization at its present generation and revision."""

    ready: bool
    message: str


class Flux:
    """A running kustomize-controller and the source it reads from."""

    def __init__(self, plane: ControlPlane, folder: Path, archives: str) -> None:
        self.namespace = _NAMESPACE
        self._api = plane.api
        self._folder = folder
        self._archives = archives

    def publish(self, name: str, files: Mapping[str, bytes], *, namespace: str = _NAMESPACE) -> str:
        """Make `files` the newest revision of the GitRepository `name`; return the revision."""
        archive = _archive(files)
        digest = hashlib.sha256(archive).hexdigest()
        (self._folder / f"{digest}.tar.gz").write_bytes(archive)
        revision = f"main@sha1:{digest[:40]}"
        repository = self._object("source.toolkit.fluxcd.io/v1", "GitRepository", name)
        repository["metadata"]["namespace"] = namespace
        self._api.apply({**repository, "spec": {"url": "https://example.invalid/r.git", "interval": "1h"}})
        artifact = {
            "url": f"{self._archives}/{digest}.tar.gz",
            "path": "a.tar.gz",
            "digest": f"sha256:{digest}",
            "revision": revision,
            "lastUpdateTime": "2026-01-01T00:00:00Z",
            "size": len(archive),
        }
        status = {"status": {"artifact": artifact}}
        self._api.call("PATCH", f"{path_of(repository)}/status", status, content="application/merge-patch+json")
        return revision

    def sync(self, name: str, **spec: object) -> None:
        """Make Flux apply the GitRepository `name`; `spec` adds to the Kustomization (`decryption`, …)."""
        reference = {"kind": "GitRepository", "name": name}
        base = {"sourceRef": reference, "path": "./", "prune": True, "interval": "1h", "retryInterval": "2s"}
        self._api.apply(
            {**self._object("kustomize.toolkit.fluxcd.io/v1", "Kustomization", name), "spec": {**base, **spec}}
        )

    def verdict(self, name: str, revision: str, *, seconds: float = 60) -> Verdict:
        """Wait until Flux has tried `revision` and return what it says."""
        return wait_for(lambda: self._verdict(name, revision), seconds=seconds)

    def _verdict(self, name: str, revision: str) -> Verdict | None:
        sync = self._api.get("Kustomization", name, _NAMESPACE)
        if sync is None or "status" not in sync:
            return None
        status, generation = sync["status"], sync["metadata"]["generation"]
        if status.get("lastAttemptedRevision") != revision:
            return None
        for condition in status.get("conditions", []):
            decided = condition["type"] == "Ready" and condition["status"] != "Unknown"
            if decided and condition.get("observedGeneration") == generation:
                return Verdict(condition["status"] == "True", condition["message"])
        return None

    def _object(self, version: str, kind: str, name: str) -> dict[str, Any]:
        return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": _NAMESPACE}}


@contextlib.contextmanager
def flux(find: Callable[[str], Path], plane: ControlPlane, folder: Path) -> Iterator[Flux]:
    """Install Flux's kinds and run its kustomize-controller until the end of the block."""
    binary = find("kustomize-controller")
    plane.api.install_crds(binary.parents[1] / "crds")
    plane.api.create_namespace(_NAMESPACE)
    health, metrics = (f"127.0.0.1:{free_port()}" for _ in range(2))
    argv = [binary, f"--health-addr={health}", f"--metrics-addr={metrics}", "--http-retry=1"]
    argv += ["--requeue-dependency=1s", "--max-retry-delay=2s", "--log-encoding=console"]
    server = Server(
        "kustomize-controller",
        argv,
        folder=folder,
        ready=lambda: answers(f"http://{health}/readyz"),
        env={"KUBECONFIG": str(plane.kubeconfig), "RUNTIME_NAMESPACE": _NAMESPACE},
    )
    archives = folder / "archives"
    archives.mkdir()
    with _files_served(archives) as url, server:
        yield Flux(plane, archives, url)


def _archive(files: Mapping[str, bytes]) -> bytes:
    """Return a gzipped tar of `files`, the same bytes for the same files."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as stream, tarfile.open(fileobj=stream, mode="w") as tar:
        for name, content in sorted(files.items()):
            if name.rsplit("/", 1)[-1] in _LEFT_OUT:
                continue
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


@contextlib.contextmanager
def _files_served(folder: Path) -> Iterator[str]:
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the base class's
        """Say nothing: the tests' output is theirs."""
