"""One verb over many files: each file is done or left as it was, every failure is told, and the rest goes on.

Above a threshold the files are shared between forked processes. The first file is always done here, so that keys are
read, and people asked, once.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO, Final, NamedTuple, TypeAlias

from secretsync import files
from secretsync.cli._errors import BUG, exit_code
from secretsync.cli._terminal import say, show_progress
from secretsync.documents.stores import store_for_path
from secretsync.errors import SecretsyncError

Work: TypeAlias = Callable[[str], list[str]]
"""Does one file and returns what to tell of it; raises SecretsyncError and then leaves the file as it was."""

SOME_FAILED: Final = 1  # sops updatekeys, for a failing file of several

_FILES_PER_PROCESS: Final = 16
_MARK: Final = b"ENC[AES256_GCM,"


class Outcome(NamedTuple):
    """What became of one file."""

    path: str
    notes: list[str]
    code: int = 0
    error: str | None = None
    hint: str | None = None


def expand(paths: Sequence[str]) -> list[str]:
    """Return the files that `paths` name: of a folder, every encrypted file in it, hidden ones left out.

    Raises:
        FileAccessError: a path is missing, or a folder cannot be listed.
    """
    return [name for path in paths for name in _files_of(path)]


def for_each(paths: Sequence[str], work: Work, *, forking: bool = True) -> int:
    """Do `work` on every file and tell what became of it; return the exit code.

    `forking` False keeps `work` in this process, for work that remembers. The code is that of the failure for a single file, and `SOME_FAILED` for several.
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
    say(f"{len(failures)} of {len(paths)} files failed and are as they were; the others are done")
    return SOME_FAILED


def _tell(outcome: Outcome) -> None:
    for note in outcome.notes:
        say(f"{outcome.path}: {note}")
    if outcome.error is not None:
        say(outcome.error, kind="error")
    if outcome.hint:
        say(outcome.hint, kind="hint")


def _files_of(path: str) -> Iterator[str]:
    if not os.path.isdir(path):
        yield path
        return
    for name in files.walk(path):
        hidden = any(step.startswith(".") for step in name.split(os.sep))
        if not hidden and _is_encrypted(os.path.join(path, name)):
            yield os.path.normpath(os.path.join(path, name))


def _is_encrypted(path: str) -> bool:
    data = files.read(path)
    marked = _MARK in data and b"sops" in data
    return marked and (store_for_path(path) != "binary" or data.lstrip()[:1] == b"{")


def _outcomes(paths: Sequence[str], work: Work, *, forking: bool) -> Iterator[Outcome]:
    """Yield the outcome of every file: in order from this process, as they come from several."""
    rest = paths
    if paths:
        yield _outcome(paths[0], work)
        rest = paths[1:]
    processes = min(len(os.sched_getaffinity(0)), len(rest) // _FILES_PER_PROCESS)
    if processes < 2 or not forking:
        yield from (_outcome(path, work) for path in rest)
        return
    pids, pipes = zip(*(_start(rest[number::processes], work) for number in range(processes)), strict=True)
    try:
        # The shares are interleaved, so reading in turns yields the outcomes in the order of the files.
        for number, path in enumerate(rest):
            line = pipes[number % processes].readline()
            yield Outcome(*json.loads(line)) if line else _lost(path)
    finally:
        for pid, pipe in zip(pids, pipes, strict=True):
            pipe.close()
            os.waitpid(pid, 0)


def _outcome(path: str, work: Work) -> Outcome:
    try:
        return Outcome(path, work(path))
    except SecretsyncError as error:
        return Outcome(path, [], exit_code(error, sops_codes=True), str(error), error.hint)


def _lost(path: str) -> Outcome:
    return Outcome(
        path, [], BUG, f"{path}: the process that worked on it ended early; the file is old or new, never torn"
    )


def _start(share: Sequence[str], work: Work) -> tuple[int, BinaryIO]:
    """Fork a process that does its share and writes each outcome as a line; return its id and the pipe to read."""
    reader, writer = os.pipe()
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        os.close(writer)
        return pid, os.fdopen(reader, "rb")
    try:
        os.close(reader)
        with os.fdopen(writer, "wb", buffering=0) as pipe:
            for path in share:
                pipe.write(json.dumps(_outcome(path, work)).encode() + b"\n")
    except (KeyboardInterrupt, BrokenPipeError):
        pass
    finally:
        # Nothing of the parent's may run twice: no clean-up handlers, no buffers.
        os._exit(0)
