"""The real Argo CD repo-server with plugin sidecars (argocd-cmp-server) and the redis it caches in.

A client of 60 lines stands in for protoc: the few messages that the tests need are written and read by hand.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import socket
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import grpc  # type: ignore[import-untyped]  # it has no types of its own

from tests.peers.processes import Server, free_port, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    Find = Callable[[str], Path]

_GENERATE: Final = "/repository.RepoServerService/GenerateManifest"


class GenerationError(AssertionError):
    """The repo-server answered with an error; the text is what a user of Argo CD sees."""


class RepoServer:
    """A running repo-server and the plugins beside it."""

    def __init__(self, address: str) -> None:
        self._address = address

    def generate(
        self,
        repository: Path,
        *,
        path: str = ".",
        app: str = "app",
        project: str = "default",
        namespace: str = "default",
        plugin: str | None = None,
        env: Mapping[str, str] | None = None,
        timeout_seconds: float = 60,
    ) -> list[dict[str, Any]]:
        """Return the manifests of an Application whose source is `path` of a Git repository on this machine.

        Raises:
            GenerationError: the repo-server or its plugin failed.
        """
        url = f"file://{repository}"
        variables: list[Field] = [(2, [(1, name), (2, value)]) for name, value in (env or {}).items()]
        named: list[Field] = [] if plugin is None else [(11, [(1, plugin), *variables])]
        request: list[Field] = [
            (1, [(1, url), (11, "git")]),
            (2, "HEAD"),
            (3, True),
            (5, app),
            (8, namespace),
            (10, [(1, url), (2, path), (4, "HEAD"), *named]),
            (18, True),
            (19, "annotation"),
            (24, "*"),
            (25, project),
        ]
        with grpc.insecure_channel(self._address) as channel:
            call = channel.unary_unary(_GENERATE)
            try:
                answer: bytes = call(encode(request), timeout=timeout_seconds)
            except grpc.RpcError as refused:
                raise GenerationError(refused.details()) from None
        return [json.loads(value) for number, value in decode(answer) if number == 1]


Field = tuple[int, "str | int | bool | list[Field]"]


def encode(fields: Sequence[Field]) -> bytes:
    """Return a protobuf message: text and nested messages are length-delimited, numbers are varints."""
    out = bytearray()
    for number, value in fields:
        if isinstance(value, int):
            out += _varint(number << 3) + _varint(int(value))
        else:
            raw = value.encode() if isinstance(value, str) else encode(value)
            out += _varint(number << 3 | 2) + _varint(len(raw)) + raw
    return bytes(out)


def decode(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield number and bytes of each length-delimited field; varints are passed over."""
    at = 0
    while at < len(message):
        tag, at = _read_varint(message, at)
        size, at = _read_varint(message, at)
        if tag & 7 == 2:
            yield tag >> 3, message[at : at + size]
            at += size


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = message[at]
        number |= (byte & 127) << shift
        shift, at = shift + 7, at + 1
        if byte < 128:
            return number, at


def commit_everything(folder: Path) -> None:
    """Make `folder` a Git repository whose only commit holds all its files."""
    author = {"GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@example.invalid"}
    committer = {"GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t@example.invalid"}
    for words in (["init", "-q", "-b", "main"], ["add", "--all"], ["commit", "-q", "-m", "all"]):
        run(["git", *words], cwd=folder, env={**author, **committer})


@contextlib.contextmanager
def argocd(find: Find, plugins: Mapping[str, str], *, env: Mapping[str, str] | None = None) -> Iterator[RepoServer]:
    """Run redis, one cmp-server for each text of a plugin.yaml in `plugins` (by name), and the repo-server.

    The plugins' commands see `env`. Sockets need short paths, so the servers live in a folder of their own.
    """
    binaries = [find(name) for name in ("redis-server", "argocd-repo-server", "argocd-cmp-server")]
    folder = Path(tempfile.mkdtemp(prefix="argo-"))
    try:
        with contextlib.ExitStack() as servers:
            redis = servers.enter_context(_redis(binaries[0], folder))
            for name, text in plugins.items():
                servers.enter_context(_plugin(binaries[2], folder, name, text, env or {}))
            yield servers.enter_context(_repo_server(binaries[1], folder, redis))
    finally:
        _remove(folder)


@contextlib.contextmanager
def _redis(binary: Path, folder: Path) -> Iterator[int]:
    port = free_port()
    words = ["--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder]
    with Server("redis", [binary, *words], folder=folder, ready=lambda: _listens(port)):
        yield port


def _plugin(binary: Path, folder: Path, name: str, text: str, env: Mapping[str, str]) -> Server:
    home = folder / name
    for part in ("config", "work", "tmp"):
        (home / part).mkdir(parents=True)
    sockets = folder / "plugins"
    sockets.mkdir(exist_ok=True)
    (home / "config" / "plugin.yaml").write_text(text)
    own = {
        "ARGOCD_PLUGINSOCKFILEPATH": str(sockets),
        "ARGOCD_CMP_WORKDIR": str(home / "work"),
        "TMPDIR": str(home / "tmp"),
    }
    return Server(
        f"argocd-cmp-server-{name}",
        [binary, "--config-dir-path", home / "config"],
        folder=home,
        ready=lambda: any(sockets.glob(f"{name}*.sock")),
        env={**env, **own},
        stop_signal=signal.SIGKILL,  # it ignores SIGTERM
    )


@contextlib.contextmanager
def _repo_server(binary: Path, folder: Path, redis: int) -> Iterator[RepoServer]:
    for part in ("plugins", "tls", "ssh", "conf", "tmp"):
        (folder / part).mkdir(exist_ok=True)
    (folder / "ssh" / "ssh_known_hosts").touch()
    port = free_port()
    words = ["--address=127.0.0.1", f"--port={port}", f"--metrics-port={free_port()}", "--metrics-address=127.0.0.1"]
    words += [f"--redis=127.0.0.1:{redis}", "--disable-tls"]
    env = {
        "ARGOCD_PLUGINSOCKFILEPATH": str(folder / "plugins"),
        "ARGOCD_ASK_PASS_SOCK": str(folder / "ask.sock"),
        "ARGOCD_GPG_ENABLED": "false",
        "ARGOCD_TLS_DATA_PATH": str(folder / "tls"),
        "ARGOCD_SSH_DATA_PATH": str(folder / "ssh"),
        "ARGOCD_APP_CONF_PATH": str(folder / "conf"),
        "TMPDIR": str(folder / "tmp"),
    }
    with Server("argocd-repo-server", [binary, *words], folder=folder, ready=lambda: _listens(port), env=env):
        yield RepoServer(f"127.0.0.1:{port}")


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def _remove(folder: Path) -> None:
    """Remove the servers' folder; the repo-server leaves checkouts without permissions."""
    for directory in (folder / "tmp").glob("_argocd-repo/**/"):
        directory.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)
