"""Putting a whole set of changes into the working tree: every file is checked first, and what fails leaves all as it was.

Each file is replaced in one step, the generated ones last: whoever is killed in between has a ring that
`keys lint` finds wanting, never one that says less than was written.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Final

from secretsync import files
from secretsync.errors import SecretsyncError
from secretsync.keyring import lockfile
from secretsync.keyring.editing import SOPS_YAML
from secretsync.keyring.sources import Changes, Checkout

_LAST: Final = (SOPS_YAML, lockfile.PATH)
_PUBLIC_MODE: Final = 0o666  # less the umask, like any file of a checkout


def apply(root: str | Path, changes: Changes) -> list[str]:
    """Write `changes` below the repository's `root` and return the paths in the order they were written.

    Raises:
        EscapeError: a file, or a folder on the way to it, is a link.
        FileAccessError: a file cannot be written; those written before it are as they were.
    """
    top = Path(root)
    before = {path: Checkout(top).read(path) for path in changes}
    done: list[str] = []
    try:
        for path in sorted(changes, key=lambda path: (path in _LAST, path)):
            _put(top, path, changes[path], before[path])
            done.append(path)
    except BaseException:
        for path in reversed(done):
            with suppress(SecretsyncError):  # what stopped us is what is told
                _put_back(top, path, before[path])
        raise
    return done


def _put(top: Path, path: str, data: bytes | None, before: bytes | None) -> None:
    """Write or remove one file; what somebody else made or changed meanwhile is not overwritten."""
    if data is None:
        files.remove_below(top, path)
    elif before is None:
        files.create_below(top, path, data, _PUBLIC_MODE)
    else:
        files.write_below(top, path, data, replaces=before)


def _put_back(top: Path, path: str, before: bytes | None) -> None:
    if before is None:
        files.remove_below(top, path)
    else:
        files.write_below(top, path, before)
