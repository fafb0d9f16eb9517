"""Running the peers: commands to their end, servers until they are stopped, both in a clean environment.

A child sees PATH, LANG, TMPDIR, a HOME of its own and what the test passes; never the caller's `SOPS_*` or keys.
Servers die with the test run (PR_SET_PDEATHSIG) and are stopped by their own pid.
"""

from __future__ import annotations

import functools
import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self


class Completed(NamedTuple):
    """How a command ended."""

    code: int
    stdout: bytes
    stderr: str


def run(
    argv: Sequence[object],
    *,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    home: Path | None = None,
    check: bool = True,
    timeout_seconds: float = 120,
) -> Completed:
    """Run a command in a clean environment plus `env`; with `check`, a code other than 0 fails the test.

    Raises:
        AssertionError: the command failed; the message holds its stderr.
    """
    ended = subprocess.run(
        [str(word) for word in argv],
        input=stdin,
        capture_output=True,
        env=clean_environment(home, **(env or {})),
        cwd=cwd,
        timeout=timeout_seconds,
        check=False,
    )
    result = Completed(ended.returncode, ended.stdout, ended.stderr.decode(errors="replace"))
    if check and result.code != 0:
        words = " ".join(str(word) for word in argv)
        raise AssertionError(f"{words}: exit {result.code}\n{result.stderr}")
    return result


def clean_environment(home: Path | None = None, **extra: str) -> dict[str, str]:
    """Return the environment of a child: PATH, LANG, HOME (an empty folder unless given), TMPDIR, and `extra`."""
    folder = str(home or _empty_home())
    return {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": folder, "TMPDIR": folder, **extra}


@functools.cache
def _empty_home() -> Path:
    holder = tempfile.TemporaryDirectory(prefix="secretsync-home-")
    _KEPT.append(holder)  # removed when the interpreter ends
    return Path(holder.name)


_KEPT: list[tempfile.TemporaryDirectory[str]] = []


def free_port() -> int:
    """Return a loopback TCP port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(url: str) -> bool:
    """Whether a GET of `url` gives 200 now; a server that is not there yet does not."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


class Server:
    """A peer that serves until it is stopped; its log is kept in `folder` and shown when it fails."""

    def __init__(
        self,
        name: str,
        argv: Sequence[object],
        *,
        folder: Path,
        ready: Callable[[], bool],
        env: Mapping[str, str] | None = None,
        start_seconds: float = 60,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self._argv = dies_with_parent(argv)
        self._env = clean_environment(folder, **(env or {}))
        self._folder = folder
        self._ready = ready
        self._start_seconds = start_seconds
        self._stop_signal = stop_signal
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        assert self._process is not None, f"{self.name} is not running"
        return self._process.pid

    def start(self) -> Self:
        """Start it and wait until it is ready.

        Raises:
            AssertionError: it ended or was not ready in time; the message holds the end of its log.
        """
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                self._argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._env,
                cwd=self._folder,
            )
        try:
            self._wait_until_ready(self._process)
        except BaseException:
            self.stop()
            raise
        return self

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + self._start_seconds
        while not self._ready():
            if process.poll() is not None:
                raise AssertionError(f"{self.name} ended with {process.returncode}\n{self.tail()}")
            if time.monotonic() > deadline:
                raise AssertionError(f"{self.name} was not ready in {self._start_seconds} s\n{self.tail()}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Ask it to end, insist after 10 s, and reap it."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(self._stop_signal)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def tail(self, size: int = 4000) -> str:
        """Return the end of the log."""
        return self.log.read_text(errors="replace")[-size:]

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            error.add_note(f"--- end of {self.name}'s log ---\n{self.tail()}")
        self.stop()


def dies_with_parent(argv: Sequence[object]) -> list[str]:
    """Return `argv` so that the kernel kills the process when the one that started it is gone."""
    return ["setpriv", "--pdeathsig", "KILL", *(str(word) for word in argv)]
