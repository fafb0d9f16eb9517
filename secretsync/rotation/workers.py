"""Work on many files, shared between forked processes that live as long as the run.

Equal lists of tasks are shared alike, so that a file's process has its data key already: a hardware key is touched
once a file. Plaintext and data keys never leave a process; what comes back are ciphertext, names and verdicts.
"""

from __future__ import annotations

import gc
import os
import pickle
import signal
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, Final, NamedTuple, Protocol, Self

from secretsync.errors import RepositoryError, SecretsyncError

_FILES_PER_PROCESS: Final = 64


class Worker(Protocol):
    """An object whose methods do the work."""

    def close(self) -> None:
        """Let go of what it holds open in this process."""


class _Process(NamedTuple):
    pid: int
    orders: BinaryIO
    results: BinaryIO


class Pool:
    """Does work here, or in processes once there is enough of it. Use it as a context."""

    def __init__(self, worker: Worker, *, processes: int | None = None) -> None:
        self._worker = worker
        self._limit = processes if processes is not None else len(os.sched_getaffinity(0))
        self._processes: list[_Process] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.orders.close()
            process.results.close()
        for process in self._processes:
            os.waitpid(process.pid, 0)
        self._processes.clear()
        self._worker.close()

    def map(self, method: str, tasks: Sequence[object]) -> Iterator[Any]:
        """Start the worker's method on each task, and return what it returns, in order.

        Raises:
            SecretsyncError: what the method raised, in its turn.
        """
        function = getattr(self._worker, method)
        if not self._processes and min(self._limit, len(tasks) // _FILES_PER_PROCESS) > 1:
            # The first task is done here as well: keys are read, and people asked, before there are several of us.
            function(tasks[0])
            for _ in range(self._limit):
                self._processes.append(self._start())
        if not self._processes:
            return map(function, tasks)
        count = len(self._processes)
        for index, process in enumerate(self._processes):
            pickle.dump((method, tasks[index::count]), process.orders)
            process.orders.flush()
        return (_answer(self._processes[index % count]) for index in range(len(tasks)))

    def _start(self) -> _Process:
        orders, results = os.pipe(), os.pipe()
        pid = os.fork()
        if pid:
            os.close(orders[0])
            os.close(results[1])
            return _Process(pid, os.fdopen(orders[1], "wb"), os.fdopen(results[0], "rb"))
        try:
            # An interrupt is for the parent: it lets the file at hand be finished.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            gc.disable()  # trees hold no cycles, and a collection would look at every file that is kept open
            os.close(orders[1])
            os.close(results[0])
            # Whoever holds an end of an earlier one's pipes keeps it from noticing that the parent let go of it.
            for earlier in self._processes:
                os.close(earlier.orders.fileno())
                os.close(earlier.results.fileno())
            self._serve(os.fdopen(orders[0], "rb"), os.fdopen(results[1], "wb"))
        finally:
            os._exit(0)

    def _serve(self, orders: BinaryIO, results: BinaryIO) -> None:
        answer: tuple[bool, object]
        while True:
            try:
                method, tasks = pickle.load(orders)  # noqa: S301  # from our own process
            except (EOFError, OSError):
                return
            for task in tasks:
                try:
                    answer = (True, getattr(self._worker, method)(task))
                except SecretsyncError as error:
                    answer = (False, error)
                pickle.dump(answer, results)
                results.flush()


def _answer(process: _Process) -> object:
    try:
        done, answer = pickle.load(process.results)  # noqa: S301  # from our own process
    except EOFError:
        raise RepositoryError(
            "a process that worked on files ended early; nothing is lost", hint="run it again"
        ) from None
    if not done:
        raise answer
    return answer
