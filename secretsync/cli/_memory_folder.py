"""A place for plaintext that somebody must see as a file: a folder of one's own in memory, which outlives nobody.

It goes away on every way out, signals included; a watching process removes it where this one is killed outright.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from types import FrameType
from typing import Final

from secretsync.cli._terminal import warn

_MEMORY: Final = frozenset({"tmpfs", "ramfs"})
_ENDING_SIGNALS: Final = tuple(getattr(signal, each) for each in ("SIGTERM", "SIGHUP") if hasattr(signal, each))


@contextlib.contextmanager
def private_folder() -> Iterator[str]:
    """Yield a folder with mode 0700, in memory where this machine has such a place; remove it with all it holds."""
    root = _memory_backed()
    if root is None:
        warn("no memory-backed folder here: plaintext lies on disk until this command ends")
    folder = os.path.join(root or tempfile.gettempdir(), f"secretsync-{os.urandom(8).hex()}")
    with _ending_on_signals():
        lifeline = _watch_over(folder)  # before it exists, so that no moment is left to be killed in
        try:
            os.mkdir(folder, 0o700)
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            if lifeline is not None:
                os.close(lifeline)


def _memory_backed() -> str | None:
    """Return a writable folder that lies in memory, or None. Source: proc(5), /proc/self/mounts."""
    try:
        with open("/proc/self/mounts", encoding="utf-8", errors="surrogateescape") as file:
            mounts = [line.split()[1:3] for line in file]
    except OSError:
        return None
    in_memory = {path for path, kind in mounts if kind in _MEMORY}
    for folder in (os.environ.get("XDG_RUNTIME_DIR", ""), "/dev/shm"):  # noqa: S108  # a name of ours is made below it
        if folder in in_memory and os.access(folder, os.W_OK | os.X_OK):
            return folder
    return None


@contextlib.contextmanager
def _ending_on_signals() -> Iterator[None]:
    """Turn the signals that would end this process at once into an exit that cleans up."""

    def leave(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  # the signature of a handler
        raise SystemExit(128 + number)

    before = {each: signal.signal(each, leave) for each in _ENDING_SIGNALS}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _watch_over(folder: str) -> int | None:
    """Fork a process that removes `folder` once this one is gone; return what ends it when it is closed.

    None where the system has no process to give: then only a kill outright leaves the folder behind.
    """
    if not hasattr(os, "fork"):
        return None
    reader, writer = os.pipe()
    try:
        pid = os.fork()
    except OSError:
        os.close(reader)
        os.close(writer)
        return None
    if pid:
        os.close(reader)
        return writer
    try:
        os.setsid()
        for each in (signal.SIGINT, *_ENDING_SIGNALS):
            signal.signal(each, signal.SIG_IGN)
        os.close(writer)
        os.read(reader, 1)  # returns when the last holder of the other end is gone
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os._exit(0)
