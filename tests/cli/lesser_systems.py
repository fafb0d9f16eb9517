"""A Python that lacks what another system's lacks: taken away before anything of secretsync is loaded.

    python lesser_systems.py SYSTEM ARGUMENT...

runs `secretsync ARGUMENT...`, or `secretsync-hook` where the first argument is `hook:`.
"""

from __future__ import annotations

import builtins
import os
import signal
import stat
import subprocess  # noqa: F401  # the standard library keeps what it has looked up already
import sys
from collections.abc import Callable
from typing import Any

from secretsync.late import load

_POSIX_ONLY = (
    *("fork", "forkpty", "sched_getaffinity", "getuid", "geteuid", "getgid", "getegid", "getgroups", "getgrouplist"),
    *(
        "fchmod",
        "fchown",
        "chown",
        "lchown",
        "O_NOFOLLOW",
        "O_NONBLOCK",
        "O_CLOEXEC",
        "O_DIRECTORY",
        "setsid",
        "killpg",
    ),
    *(
        "getpgid",
        "getppgid",
        "setpgid",
        "register_at_fork",
        "mkfifo",
        "set_blocking",
        "uname",
        "wait",
        "wait3",
        "wait4",
    ),
    *(
        "WIFEXITED",
        "openpty",
        "pread",
        "pwrite",
        "sysconf",
        "getxattr",
        "setxattr",
        "posix_spawn",
        "statvfs",
        "ttyname",
    ),
)
_MODULES = ("fcntl", "pwd", "grp", "resource", "termios", "tty", "pty", "syslog")
_SIGNALS = ("SIGHUP", "SIGKILL", "SIGPIPE", "SIGALRM", "SIGCHLD", "SIGUSR1", "SIGQUIT", "SIGTSTP", "SIGWINCH")


def _without(module: Any, *names: str) -> None:
    for name in names:
        if hasattr(module, name):
            delattr(module, name)


def _macos() -> None:
    """Lack what macOS has not; `fork` is there."""
    _without(os, "sched_getaffinity")
    _hide("/dev/shm", "/proc/")


def _no_fork() -> None:
    _without(os, "fork")


def _no_processes() -> None:
    """Have a fork that fails, as it does at a limit on processes."""

    def fork() -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    os.fork = fork


def _no_descriptors() -> None:
    """Have pipes for nobody after the first."""
    left, pipe = [3], os.pipe

    def limited() -> tuple[int, int]:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(24, "Too many open files")
        return pipe()

    os.pipe = limited


def _windows() -> None:
    _without(signal, *_SIGNALS)
    for name in _MODULES:
        sys.modules[name] = None  # type: ignore[assignment]  # how Python is told that there is no such module
    _hide("/dev/", "/proc/")
    _open_no_folders()
    _without(os, *_POSIX_ONLY)
    os.supports_dir_fd.clear()


def _hide(*prefixes: str) -> None:
    """Let nothing below some folders be opened."""
    _wrap(builtins, "open", lambda name: isinstance(name, str) and name.startswith(prefixes))


def _open_no_folders() -> None:
    _wrap(os, "open", lambda name: stat.S_ISDIR(os.stat(name).st_mode) if os.path.exists(name) else False)


def _wrap(module: Any, name: str, refuses: Callable[[Any], bool]) -> None:
    function = getattr(module, name)

    def guarded(path: Any, *arguments: Any, **options: Any) -> Any:
        if options.get("dir_fd") is not None:
            raise NotImplementedError("dir_fd unavailable on this platform")
        if refuses(path):
            raise PermissionError(13, "Permission denied")
        return function(path, *arguments, **options)

    setattr(module, name, guarded)


SYSTEMS = {
    "macos": _macos, "no-fork": _no_fork, "no-processes": _no_processes, "no-descriptors": _no_descriptors,
    "windows": _windows,
}  # fmt: skip


def main() -> None:
    """Take away, then run."""
    system, *arguments = sys.argv[1:]
    SYSTEMS[system]()
    # Loaded now: what is taken away must be missing while our modules are loaded.
    run = load(f"secretsync.{'hooks' if arguments[0] == 'hook:' else 'cli'}.__main__:run")
    sys.exit(run(arguments[1:] if arguments[0] == "hook:" else arguments))


if __name__ == "__main__":
    main()
