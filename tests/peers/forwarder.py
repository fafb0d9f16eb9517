"""A plain HTTP door on loopback before the real API server, that breaks off when it is told to."""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
import urllib.error
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.peers.control_plane import ControlPlane


class Forwarder:
    """What was asked, and when it ends: before or after the write of this number is handed on, never answered."""

    def __init__(self, plane: ControlPlane, folder: Path) -> None:
        self.plane = plane
        self.kubeconfig = folder / "forwarded-kubeconfig"
        self.requests: list[tuple[str, str]] = []
        self.writes = 0
        self.breaks_at: int | None = None
        self.hands_on = False
        self.broken = False

    def arm(self, at: int | None, *, hands_on: bool = False) -> None:
        """Break off at the write of this number, counted from now."""
        self.requests, self.writes = [], 0
        self.breaks_at, self.hands_on, self.broken = at, hands_on, False

    def is_over(self, method: str, path: str) -> bool:
        """Note a request, and say whether the connection ends here."""
        self.requests.append((method, path))
        writes = method == "PATCH" and "dryRun" not in path and "secretsync-inventory-" not in path
        self.writes += writes
        self.broken = self.broken or (writes and self.writes == self.breaks_at)
        return self.broken

    def write_kubeconfig(self, port: int) -> None:
        """Write the plane's kubeconfig with this door in place of its server."""
        config = json.loads(self.plane.kubeconfig.read_text())
        config["clusters"][0]["cluster"] = {"server": f"http://127.0.0.1:{port}"}
        self.kubeconfig.write_text(json.dumps(config))


@contextlib.contextmanager
def forwarder(plane: ControlPlane, folder: Path, *, services: Mapping[str, str] | None = None) -> Iterator[Forwarder]:
    """Run a door until the end of the block.

    `services` are what stands behind paths of the service proxy, which the API server does not follow to loopback.
    """
    door = Forwarder(plane, folder)
    context = ssl.create_default_context(cafile=str(plane.api.ca_file))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def _forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            over = door.is_over(self.command, self.path)
            if not over or door.hands_on:
                code, answer = self._asked(body)
                door.hands_on = door.hands_on and not over
            if over:
                self.close_connection = True
                return
            self.send_response(code)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def _asked(self, body: bytes) -> tuple[int, bytes]:
            for prefix, url in (services or {}).items():
                if (path := urllib.parse.unquote(self.path)).startswith(prefix):
                    with urllib.request.urlopen(url + path.removeprefix(prefix), timeout=30) as reply:
                        return reply.status, reply.read()
            kept = {name: self.headers[name] for name in ("Content-Type", "Accept") if self.headers[name]}
            request = urllib.request.Request(
                plane.api.url + self.path,
                method=self.command,
                data=body or None,
                headers={**kept, "Authorization": f"Bearer {plane.api.token}"},
            )
            try:
                with urllib.request.urlopen(request, context=context, timeout=30) as reply:
                    return reply.status, reply.read()
            except urllib.error.HTTPError as refused:
                with refused:
                    return refused.code, refused.read()

        do_GET = do_PATCH = _forward  # noqa: N815  # as the library calls them

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    door.write_kubeconfig(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield door
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
