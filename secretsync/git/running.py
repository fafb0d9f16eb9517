"""The door to git: every git that we start is started here, with stated settings and a stated environment.

git answers for a repository that strangers may have written. Neither it nor the user's own settings start a program,
change a result or contact anybody; only a signature is made as the user has it (`Git.sign`). Names and values come
back separated by NUL.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import IO, Final, cast

from secretsync import programs
from secretsync.errors import RepositoryError
from secretsync.git.settings import (
    FIXED,
    OPTIONS,
    ConfigEntry,
    as_variables,
    given,
    kind,
    parse,
    search_path,
    signing_programs,
    without_programs,
)

_APART: Final = True  # start_new_session
"""A terminal sends its interrupt to a whole group of processes. It is for us: git is to finish what we asked of it."""


class Process:
    """A running git with its pipes."""

    def __init__(self, running: programs.Popen[bytes]) -> None:
        self._running = running
        self.stdin = cast("IO[bytes]", running.stdin)
        self.stdout = cast("IO[bytes]", running.stdout)

    def close(self) -> None:
        """Let it end."""
        self.stdin.close()
        self.stdout.close()
        self._running.wait()


class Git:
    """git in one folder. `directory` names a repository that is not found from the folder, such as a bare one."""

    def __init__(
        self, folder: str, *, directory: str = "", called: bool = False, own: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        self._directory = directory
        self._called = called
        self._own = own or {}

    @classmethod
    def called_by_git(cls, folder: str) -> Git:
        """Return git for a hook or merge driver: repository and index are those that the calling git named."""
        return cls(folder, called=True)

    def with_index(self, index: str) -> Git:
        """Return the same with an index file of its own, which need not be there yet."""
        return Git(self.folder, directory=self._directory, own={"GIT_INDEX_FILE": index})

    def apart(self, folder: str) -> Git:
        """Return the same, which finds all objects and puts new ones into `folder`."""
        objects = os.path.join(self.folder, self.text("rev-parse", "--git-path", "objects"))
        quoted = objects.replace("\\", "\\\\").replace('"', '\\"')
        own = {"GIT_OBJECT_DIRECTORY": folder, "GIT_ALTERNATE_OBJECT_DIRECTORIES": f'"{quoted}"'}
        return Git(self.folder, directory=self._directory, own=own)

    def output(self, *arguments: str, accept: Sequence[int] = (0,), source: bytes | IO[bytes] = b"") -> bytes:
        """Run git, with `source` as its input, and return what it printed.

        Raises:
            RepositoryError: git ended with a code that is not in `accept`.
        """
        return self._run(arguments, {}, accept, source)

    def silently(self, *arguments: str, accept: Sequence[int] = (0,), source: bytes | IO[bytes] = b"") -> bytes:
        """Run what would start filters or hooks by names of their own, without any. Raises: as `output`."""
        return self._run(arguments, without_programs(self.settings), accept, source)

    def sign(self, *arguments: str, source: bytes) -> bytes:
        """Run what may sign; the program is the one of system or user, never of the repository. Raises: as `output`."""
        return self._run(arguments, signing_programs(self.settings), (0,), source, signing=True)

    def text(self, *arguments: str, accept: Sequence[int] = (0,)) -> str:
        """Run git and return the one thing that it printed, without the line end. Raises: as `output`."""
        return os.fsdecode(self.output(*arguments, accept=accept).removesuffix(b"\n"))

    def names(self, *arguments: str, accept: Sequence[int] = (0,), source: bytes = b"") -> list[str]:
        """Run git and return its output, which `-z` separates by NUL. Raises: as `output`."""
        found = self.output(*arguments, accept=accept, source=source).split(b"\0")
        return [os.fsdecode(name) for name in found if name]

    def ids(self, *arguments: str, accept: Sequence[int] = (0,), source: bytes = b"") -> list[list[str]]:
        """Run git and return the object ids that it printed, line by line. Raises: as `output`."""
        return [
            line.split() for line in self.output(*arguments, accept=accept, source=source).decode("ascii").splitlines()
        ]

    def start(self, *arguments: str) -> Process:
        """Start git with pipes to its input and from its output."""
        running = self._start(arguments, {}, programs.PIPE, programs.DEVNULL)
        return Process(running)

    @cached_property
    def settings(self) -> list[ConfigEntry]:
        """All settings of git that count here, and where each stands."""
        return list(parse(self.output("config", "--list", "-z", "--show-scope")))

    def is_set(self, name: str) -> bool:
        """Whether git finds a setting that is true."""
        return self.text("config", "--type=bool", "--get", name, accept=(0, 1)) == "true"

    def _run(
        self,
        arguments: Sequence[str],
        overrides: Mapping[str, str],
        accept: Sequence[int],
        source: bytes | IO[bytes],
        *,
        signing: bool = False,
    ) -> bytes:
        stdin = programs.PIPE if isinstance(source, bytes) else source
        with self._start(arguments, overrides, stdin, programs.PIPE, signing=signing) as running:
            out, err = running.communicate(source if isinstance(source, bytes) else None)
        if running.returncode not in accept:
            raise _failure(arguments[0], os.fsdecode(err), self.folder)
        return out

    def _start(
        self,
        arguments: Sequence[str],
        overrides: Mapping[str, str],
        stdin: int | IO[bytes],
        stderr: int,
        *,
        signing: bool = False,
    ) -> programs.Popen[bytes]:
        try:
            return programs.start(
                kind(signing=signing),
                self._command(arguments),
                os.environ,
                self._given(overrides),
                cwd=self.folder,
                stdin=stdin,
                stdout=programs.PIPE,
                stderr=stderr,
                start_new_session=_APART,
            )
        except OSError as error:
            raise RepositoryError(f"git does not start here: {error.strerror}", location=self.folder) from None

    def _command(self, arguments: Sequence[str]) -> list[str]:
        # An absolute path: looking the name up is not left to a child that stands in a stranger's folder.
        path = {"PATH": search_path(os.environ)}
        program = programs.find("git", path, purpose="repositories need it")
        where = [f"--git-dir={self._directory}"] if self._directory else []
        return [program, *OPTIONS, *where, *arguments]

    def _given(self, overrides: Mapping[str, str]) -> dict[str, str]:
        found = given(os.environ, called=self._called)
        found |= as_variables({**FIXED, **overrides})
        return {**found, **self._own}


def _failure(verb: str, text: str, folder: str) -> RepositoryError:
    """Return git's own words as an error, with the way out where there is one."""
    first = _first_line(text)
    if "dubious ownership" in first:
        return RepositoryError(
            "the repository belongs to somebody else, and git does not trust it",
            location=folder,
            hint=_remedy(text) or f"git config --global --add safe.directory {folder}",
        )
    if "bare repository" in first:
        return RepositoryError(
            "is, or lies in, a bare repository, which nobody named",
            location=folder,
            hint="secretsync due and exposure read one by --git-dir DIR",
        )
    return RepositoryError(f"git {verb}: {first}", location=folder)


def _remedy(text: str) -> str:
    """Return the command that git itself proposes."""
    lines = [line.strip() for line in text.splitlines()]
    return next((line for line in lines if line.startswith("git config --global --add safe.directory")), "")


def _first_line(text: str) -> str:
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("fatal:", "error:"))] or lines
    return telling[0].removeprefix("fatal: ").removeprefix("error: ").rstrip(".") if telling else "failed"
