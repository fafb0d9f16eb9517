"""Keeping what a post-renderer says in a file: Helm 4 throws its standard error away.

The text is what a person would have seen: messages without secrets. The file is emptied when a run begins.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Final, cast

from secretsync import files
from secretsync.errors import SecretsyncError

if TYPE_CHECKING:
    from typing import TextIO

VARIABLE: Final = "SECRETSYNC_ERROR_FILE"
_PRIVATE: Final = 0o600


def path_for(environ: Mapping[str, str]) -> str | None:
    """Return the file to keep messages in: the one that was named; under Helm 4 else one in the state directory."""
    named = environ.get(VARIABLE)
    if named or "HELM_PLUGIN_DIR" not in environ:
        return named or None
    home = environ.get("HOME")
    state = environ.get("XDG_STATE_HOME") or (os.path.join(home, ".local", "state") if home else "")
    return os.path.join(state, "secretsync", "last-error.txt") if os.path.isabs(state) else None


def keep(path: str) -> None:
    """Let standard error be written to the file `path` as well; where that cannot be, it is left alone."""
    kept = _Kept(path, sys.stderr)
    try:
        os.makedirs(os.path.dirname(path) or ".", 0o700, exist_ok=True)
    except OSError:
        return
    kept.flush()
    sys.stderr = cast("TextIO", kept)


class _Kept:
    def __init__(self, path: str, stream: TextIO) -> None:
        self._path = path
        self._stream = stream
        self._said: list[str] = []

    def write(self, text: str) -> int:
        self._said.append(text)
        return self._stream.write(text)

    def flush(self) -> None:
        with suppress(SecretsyncError):  # a full disk must not hide the message itself
            files.write_atomic(self._path, "".join(self._said).encode(errors="replace"), _PRIVATE)
        self._stream.flush()
