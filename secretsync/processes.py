"""One pool of processes for whatever works on many files: forked, so that they share what is loaded, and long-lived.

Where work cannot be shared (no `fork`, a system on which it is unsafe, other threads, no process to be had) all of it
is done here, with the same results in the same order. What this is decided by is known before the first file.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NamedTuple, Protocol, Self

from secretsync.errors import RepositoryError, SecretsyncError
from secretsync.late import LateModule

if TYPE_CHECKING:
    import gc
    import pickle
else:
    gc = LateModule("gc")
    pickle = LateModule("pickle")  # most runs have too little work to share

_UNSAFE: Final = frozenset({"darwin"})
"""Systems whose libraries start threads behind our back, which a forked process then lacks. Source: CPython, bpo-33725."""


TASKS_PER_PROCESS: Final = 64
"""Files, below which sharing them costs more than it saves."""


class Worker(Protocol):
    """An object whose methods do the work, one task each."""

    def forked(self) -> None:
        """Get ready to work in a process of its own, which has just begun."""

    def coming(self, method: str, tasks: Sequence[Any]) -> None:
        """Hear of the tasks that this process is about to get, in their order."""

    def close(self) -> None:
        """Let go of what it holds open in this process."""


class _Process(NamedTuple):
    pid: int
    orders: BinaryIO
    results: BinaryIO


def count() -> int:
    """Return how many processes can share work: one per processor that this one may use, one where none can."""
    if not _may_fork():
        return 1
    # Not every system tells the processors that this process may use apart from those that there are.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _may_fork() -> bool:
    threads = sys.modules.get("threading")  # a fork would copy locks that other threads hold
    return hasattr(os, "fork") and sys.platform not in _UNSAFE and (threads is None or threads.active_count() == 1)


def _refuse(_task: object) -> object:
    raise RepositoryError("a process that worked on files ended early; nothing is lost", hint="run it again")


class Pool:
    """Does work here, or in processes once there is enough of it. Use it as a context.

    Tasks with the same key go to the same process, in every list, so that a file's process has it open already: a
    hardware key is touched once a file. `lost` says what becomes of a task whose process ended early.
    """

    def __init__(
        self,
        worker: Worker,
        *,
        at_least: int = TASKS_PER_PROCESS,
        at_most: int | None = None,
        lost: Callable[[Any], object] = _refuse,
    ) -> None:
        """Share lists that have `at_least` tasks for each of two processes or more, between `at_most` processes."""
        self._worker = worker
        self._at_least = at_least
        self._limit = count() if at_most is None else at_most
        self._lost = lost
        self._processes: list[_Process] = []
        self._homes: dict[object, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        self._worker.close()

    def map(self, method: str, tasks: Sequence[Any], key: Callable[[Any], object] | None = None) -> Iterator[Any]:
        """Yield what the worker's method returns for each task, in order; without a `key` they are shared in turn.

        The first task is always done here: keys are read, and people asked, before there are several of us. Whoever
        does not take all results ends the processes, after the tasks at hand.

        Raises:
            SecretsyncError: what the method raised, in its turn.
        """
        function = getattr(self._worker, method)
        is_shared = bool(self._processes) or min(self._limit, len(tasks) // self._at_least) > 1
        self._worker.coming(method, tasks[:1] if is_shared else tasks)
        for task in tasks[:1]:
            yield function(task)
        if is_shared and self._begin():
            yield from self._shared(method, tasks[1:], key)
        else:
            yield from map(function, tasks[1:])

    def _shared(self, method: str, tasks: Sequence[Any], key: Callable[[Any], object] | None) -> Iterator[Any]:
        homes = self._allotted(tasks, key)
        left = len(tasks)
        try:
            for index, process in enumerate(self._processes):
                own = [task for task, home in zip(tasks, homes, strict=True) if home == index]
                _send(process, pickle.dumps((method, own), pickle.HIGHEST_PROTOCOL))
            for task, home in zip(tasks, homes, strict=True):
                answer = self._answer(self._processes[home], task)
                left -= 1  # before it is given away: who takes the last one need not ask for another
                yield answer
        finally:
            if left:
                self._end()

    def _allotted(self, tasks: Sequence[Any], key: Callable[[Any], object] | None) -> list[int]:
        """Return the number of the process for each task."""
        number = len(self._processes)
        if key is None:
            return [index % number for index in range(len(tasks))]
        return [self._homes.setdefault(key(task), len(self._homes) % number) for task in tasks]

    def _answer(self, process: _Process, task: object) -> object:
        try:
            done, answer = pickle.load(process.results)  # from our own process
        except (EOFError, OSError, pickle.UnpicklingError):
            return self._lost(task)
        if not done:
            raise answer
        return answer

    def _begin(self) -> bool:
        """Start the processes, if there are none yet; say whether there are any to share work with."""
        if not self._processes and _may_fork():
            try:
                for _ in range(self._limit):
                    self._processes.append(self._start())
            except OSError:  # no more processes or descriptors: those that there are do, and this one alone as well
                if len(self._processes) == 1:
                    self._end()
        return bool(self._processes)

    def _end(self) -> None:
        for process in self._processes:
            process.orders.close()
            process.results.close()
        for process in self._processes:
            os.waitpid(process.pid, 0)
        self._processes.clear()
        self._homes.clear()

    def _start(self) -> _Process:
        orders = os.pipe()
        results: tuple[int, ...] = ()
        try:
            results = os.pipe()
            pid = os.fork()
        except OSError:
            for descriptor in (*orders, *results):
                os.close(descriptor)
            raise
        if pid:
            os.close(orders[0])
            os.close(results[1])
            return _Process(pid, os.fdopen(orders[1], "wb", buffering=0), os.fdopen(results[0], "rb"))
        try:
            self._live(orders, results)
        finally:
            os._exit(0)  # nothing of the parent's may run twice: no clean-up handlers, no buffers

    def _live(self, orders: Sequence[int], results: Sequence[int]) -> None:
        """Be a process of the pool: work until the parent lets go of the pipes, by its end or for another reason."""
        # An interrupt is for the parent: the file at hand is finished. Programs that we start are still interrupted.
        signal.signal(signal.SIGINT, lambda *_: None)
        gc.disable()  # trees hold no cycles, and a collection would look at every file that is kept open
        os.close(orders[1])
        os.close(results[0])
        # Whoever holds an end of an earlier one's pipes keeps it from noticing that the parent let go of it.
        for earlier in self._processes:
            os.close(earlier.orders.fileno())
            os.close(earlier.results.fileno())
        self._worker.forked()
        self._serve(os.fdopen(orders[0], "rb"), os.fdopen(results[1], "wb"))

    def _serve(self, orders: BinaryIO, results: BinaryIO) -> None:
        answer: tuple[bool, object]
        while True:
            try:
                method, tasks = pickle.load(orders)  # from our own process
            except (EOFError, OSError):
                return
            self._worker.coming(method, tasks)
            for task in tasks:
                try:
                    answer = (True, getattr(self._worker, method)(task))
                except SecretsyncError as error:
                    answer = (False, error)
                pickle.dump(answer, results, protocol=pickle.HIGHEST_PROTOCOL)
                results.flush()


def _send(process: _Process, order: bytes) -> None:
    """Give a process its tasks; one that has ended is noticed when its answers are missed."""
    try:
        rest = memoryview(order)
        while rest:
            rest = rest[process.orders.write(rest) :]
    except BrokenPipeError:
        return
