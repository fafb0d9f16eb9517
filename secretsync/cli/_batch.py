"""One verb over many files: each file is done or left as it was, every failure is told, and the rest goes on.

Above a threshold the files are shared between processes.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple, TypeAlias

from secretsync import files, listing
from secretsync.cli._errors import exit_code
from secretsync.cli._output import write_result
from secretsync.cli._terminal import say, show_progress, warn
from secretsync.errors import BUG, FileAccessError, SecretsyncError
from secretsync.keyring.ownfiles import store_of
from secretsync.processes import Pool, count


class FileReport(NamedTuple):
    """What is to tell of a file that was done."""

    notes: Sequence[str] = ()
    warnings: Sequence[str] = ()


Work: TypeAlias = Callable[[str], FileReport]
"""Does one file and returns what to tell of it; raises SecretsyncError and then leaves the file as it was."""

SOME_FAILED: Final = 1  # sops updatekeys, for a failing file of several

_FILES_PER_PROCESS: Final = 16


class FileOutcome(NamedTuple):
    """What became of one file."""

    path: str
    notes: Sequence[str] = ()
    warnings: Sequence[str] = ()
    code: int = 0
    error: str | None = None
    hint: str | None = None


class Chosen:
    """The files that paths name, each once: of a folder, every encrypted file in it, `.env` and the like too.

    What cannot be read is among them, for the work to fail on, and so is a link that leads out of its folder. A file
    that was named itself may be a link, and then its target is what is replaced; in a folder no link is followed.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        """Look at the paths.

        Raises:
            FileAccessError: a folder cannot be listed.
            EscapeError: a link to a folder leads out of a folder that was named.
        """
        found: dict[str, str] = {}
        self._folders: dict[str, tuple[str, str]] = {}
        for path in paths:
            for name, inside in _files_of(path).items():
                if found.setdefault(os.path.realpath(name), name) == name and inside is not None:
                    self._folders[name] = path, inside
        self.names = list(found.values())

    def read(self, name: str) -> bytes:
        """Return a file's bytes. Raises: as `files.read`; EscapeError where it leads out of its folder."""
        if name in self._folders:
            return files.read_confined(*self._folders[name], limit=sys.maxsize)
        return files.read(name)

    def write(self, name: str, data: bytes, *, replaces: bytes) -> None:
        """Put `data` in place of a file that held `replaces`. Raises: as `files.write_atomic`, `files.write_below`.

        Of a file of a folder, the new bytes are on the disk then; whether its name stands for them or for the old ones
        after a power failure is settled once for each folder, by `settle`.
        """
        if name in self._folders:
            files.write_below(*self._folders[name], data, replaces=replaces, durable="contents")
        else:
            write_result(data, name, replaces=replaces)

    def settle(self, code: int) -> int:
        """Put the names in the folders on the disk, and return the exit code given. Raises: FileAccessError."""
        for folder in sorted({os.path.dirname(name) for name in self._folders}):
            try:
                files.sync_folder(folder or os.curdir)
            except FileNotFoundError:
                continue  # somebody removed it meanwhile, and what was in it
            except OSError as error:
                raise FileAccessError((error.strerror or "cannot be synced").lower(), location=folder) from error
        return code


def for_each(paths: Sequence[str], work: Work, *, forking: bool = True, dry_run: bool = False) -> int:
    """Do `work` on every file and tell what became of it; return the exit code.

    `forking` False keeps `work` in this process, for work that remembers; with `dry_run` it changes nothing. The code
    is that of the failure for a single file, and `SOME_FAILED` for several.
    """
    failures = []
    for number, outcome in enumerate(_outcomes(paths, work, forking=forking), 1):
        _tell(outcome)
        if outcome.error is not None:
            failures.append(outcome)
        show_progress(number, len(paths))
    if not failures:
        return 0
    if len(paths) == 1:
        return failures[0].code
    rest = "" if dry_run else " and are as they were; the others are done"
    say(f"{len(failures)} of {len(paths)} files failed{rest}")
    return SOME_FAILED


def _tell(outcome: FileOutcome) -> None:
    for note in outcome.notes:
        say(f"{outcome.path}: {note}")
    for warning in outcome.warnings:
        warn(f"{outcome.path}: {warning}")
    if outcome.error is not None:
        say(outcome.error, kind="error")
    if outcome.hint:
        say(outcome.hint, kind="hint")


def _files_of(path: str) -> dict[str, str | None]:
    """Return the files that a path names, and of a folder's files where in it they lie."""
    if not os.path.isdir(path):
        return {path: None}
    named = {os.path.normpath(os.path.join(path, inside)): inside for inside in listing.walk(path)}
    top = os.path.realpath(path)
    return {
        name: inside
        for name, inside in named.items()
        if os.path.isfile(name) and not _is_listed_elsewhere(name, top) and _is_encrypted(name)
    }


def _is_listed_elsewhere(name: str, top: str) -> bool:
    """Whether a name is a link to a file of the same folder, which is found where it is."""
    return os.path.islink(name) and files.is_below(os.path.realpath(name), top)


def _is_encrypted(path: str) -> bool:
    if os.path.basename(path).startswith(files.TEMPORARY_PREFIX):
        return False
    try:
        data = files.read(path)
    except FileAccessError:
        return True  # nobody can tell, so that it is not passed over in silence
    return store_of(path, data) is not None


def _outcomes(paths: Sequence[str], work: Work, *, forking: bool) -> Iterator[FileOutcome]:
    processes = min(count(), len(paths) // _FILES_PER_PROCESS) if forking else 1
    with Pool(_Guarded(work), at_least=1, at_most=processes, lost=_lost) as pool:
        yield from pool.map("outcome", paths)


class _Guarded:
    """Work whose failures are outcomes."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def outcome(self, path: str) -> FileOutcome:
        """Do one file."""
        try:
            return FileOutcome(path, *self._work(path))
        except SecretsyncError as error:
            return FileOutcome(path, code=exit_code(error, sops_codes=True), error=str(error), hint=error.hint)

    def forked(self) -> None:
        """Work as before."""

    def coming(self, method: str, tasks: Sequence[str]) -> None:
        """Prepare nothing."""

    def close(self) -> None:
        """Hold nothing."""


def _lost(path: str) -> FileOutcome:
    message = f"{path}: the process that worked on it ended early; the file is old or new, never torn"
    return FileOutcome(path, code=BUG, error=message)
