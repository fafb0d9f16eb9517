"""Keeping what a hook says in a file: some engines throw its standard error away.

The text is what a person would have seen: messages without secrets. The file is emptied when a run begins.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final, cast

from secretsync import files
from secretsync.errors import SecretsyncError

if TYPE_CHECKING:
    from typing import TextIO

_PRIVATE: Final = 0o600


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
