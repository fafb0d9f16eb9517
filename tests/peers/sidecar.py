"""A process that finds `/etc/secretsync` as a container does: a volume as kubelet mounts it, seen by that process alone.

It needs mounts of its own, so root; `reason` says what is missing.
"""

from __future__ import annotations

import functools
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.peers.processes import Completed, run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_START: Final = """\
import os, subprocess, sys
scratch, source, command = sys.argv[1], sys.argv[2], sys.argv[3:]
def mount(*words):
    subprocess.run(["mount", *words], check=True, stdout=subprocess.DEVNULL)
mount("-t", "tmpfs", "none", scratch)
os.mkdir(f"{scratch}/upper"), os.mkdir(f"{scratch}/work")
mount("-t", "overlay", "none", "-o", f"lowerdir=/etc,upperdir={scratch}/upper,workdir={scratch}/work", "/etc")
os.makedirs("/etc/secretsync", exist_ok=True)
mount("-t", "tmpfs", "none", "/etc/secretsync")
current = "/etc/secretsync/..2026_11_27_15_00_00.123456789"
os.mkdir(current, 0o755)
for name in os.listdir(source):
    with open(f"{source}/{name}", "rb") as read, open(f"{current}/{name}", "wb") as written:
        written.write(read.read())
    os.chmod(f"{current}/{name}", os.stat(f"{source}/{name}").st_mode & 0o777)
    os.symlink(f"..data/{name}", f"/etc/secretsync/{name}")
os.symlink(os.path.basename(current), "/etc/secretsync/..data")
os.execvp(command[0], command)
"""


class Sidecar:
    """Runs commands that see the files of `volume` in `/etc/secretsync`; each has the mode it has in the folder."""

    def __init__(self, folder: Path) -> None:
        self._scratch = folder / "scratch"
        self.volume = folder / "volume"
        self._scratch.mkdir(parents=True)
        self.volume.mkdir()

    def __call__(
        self,
        command: Sequence[object],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        check: bool = True,
    ) -> Completed:
        """Run a command as `run` does."""
        start = ["unshare", "-m", sys.executable, "-I", "-c", _START, self._scratch, self.volume]
        return run([*start, *command], cwd=cwd, env=env, stdin=stdin, check=check)


@functools.cache
def reason() -> str:
    """Return why there can be no such process here, nothing where there can."""
    if os.getuid() != 0 or not shutil.which("unshare"):
        return "only root mounts for a process of its own"
    with tempfile.TemporaryDirectory() as folder:
        ended = Sidecar(Path(folder))(["true"], check=False)
    return f"no mounts here: {ended.stderr.strip().splitlines()[-1:]}" if ended.code else ""
