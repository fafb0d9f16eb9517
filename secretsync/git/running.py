"""Running git through GitPython: errors become ours, and git never sees what opens secrets.

Hooks of the repository do not run: what they guard (the index of a person's own commit) is not what happens here.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from tempfile import TemporaryFile
from typing import IO, Any, BinaryIO, Final, Protocol, cast

from secretsync import programs
from secretsync.errors import MissingDependencyError, RepositoryError

try:
    import git
except ImportError:  # GitPython looks for the program when it is loaded
    raise MissingDependencyError("git is not installed, and repositories need it") from None

_SETTINGS: Final = (
    *("-c", f"core.hooksPath={os.devnull}"),
    *("-c", "core.quotePath=false"),
    *("-c", "core.fsyncMethod=batch"),  # as durable as git's default, and one wait for many objects
)
_PIPE: Final = -1  # subprocess.PIPE
_APART: Final = True  # start_new_session
"""A terminal sends its interrupt to a whole group of processes. It is for us: git is to finish what we asked of it."""


class Process(Protocol):
    """A running git with its pipes."""

    stdin: IO[bytes]
    stdout: IO[bytes]
    stderr: IO[bytes]

    def wait(self) -> int:
        """Wait for its end."""


class Git:
    """git in one folder."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self._git = git.Git(folder)

    def output(self, *arguments: str, accept: Sequence[int] = (0,), istream: BinaryIO | None = None) -> bytes:
        """Run git and return what it printed.

        Raises:
            RepositoryError: git ended with a code that is not in `accept`.
        """
        try:
            code, out, err = self._git.execute(
                ["git", *_SETTINGS, *arguments],
                with_extended_output=True,
                with_exceptions=False,
                stdout_as_string=False,
                strip_newline_in_stdout=False,
                env=_blanked(),
                istream=istream,
                start_new_session=_APART,
            )
        except git.GitCommandNotFound:
            raise MissingDependencyError("git is not installed, or the folder is gone") from None
        if code not in accept:
            raise RepositoryError(f"git {arguments[0]}: {_first_line(str(err))}", location=self.folder)
        return out

    def feed(self, data: bytes, *arguments: str) -> None:
        """Run git with `data` as its input. Raises: as `output`."""
        with TemporaryFile() as source:
            source.write(data)
            source.seek(0)
            self.output(*arguments, istream=source)

    def text(self, *arguments: str, accept: Sequence[int] = (0,)) -> str:
        """Run git and return what it printed as text, without the last line end. Raises: as `output`."""
        return self.output(*arguments, accept=accept).decode("utf-8", "surrogateescape").removesuffix("\n")

    def names(self, *arguments: str, accept: Sequence[int] = (0,)) -> list[str]:
        """Run git and return its output, which `-z` separates by NUL. Raises: as `output`."""
        found = self.output(*arguments, accept=accept).split(b"\0")
        return [os.fsdecode(name) for name in found if name]

    def start(self, *arguments: str) -> Process:
        """Start git with pipes to its input and from its output."""
        running: Any = self._git.execute(
            ["git", *_SETTINGS, *arguments], as_process=True, istream=_PIPE, env=_blanked(), start_new_session=_APART
        )
        return cast("Process", running)


def _blanked() -> dict[str, str]:
    """Return what hides our secrets from the child: GitPython merges this into the environment, so they become empty."""
    kept = programs.environment(programs.COMMAND, os.environ)
    return {name: "" for name in os.environ if name not in kept}


def _first_line(text: str) -> str:
    lines = [line.strip() for line in text.strip().strip("'").splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("fatal:", "error:"))] or lines
    return telling[0].removeprefix("fatal: ").removeprefix("error: ").rstrip(".") if telling else "failed"
