"""The pool of processes: order, errors, processes that end early, and systems on which there are none."""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from secretsync.errors import ManifestError, RepositoryError
from secretsync.processes import Pool, count

HOME = os.getpid()


class _Talker:
    def answer(self, number: int) -> bytes:
        """Return more than a pipe holds (64 KiB)."""
        return bytes([number]) * 200_000

    def place(self, number: int) -> tuple[int, int]:
        """Return the task with the process that did it."""
        return number, os.getpid()

    def fail_at_7(self, number: int) -> int:
        """Fail for one of the tasks."""
        if number == 7:
            raise ManifestError("is seven", location="here", hint="take another")
        return number

    def die_at_7(self, number: int) -> int:
        """End the process in which one of the tasks is."""
        if number == 7 and os.getpid() != HOME:
            os.kill(os.getpid(), signal.SIGKILL)
        return number

    def break_at_7(self, number: int) -> int:
        """Fail as a bug does."""
        if number == 7:
            raise ZeroDivisionError
        return number

    def append(self, task: tuple[str, int]) -> None:
        """Leave a trace on disk."""
        with open(task[0], "a", encoding="ascii") as file:
            file.write(f"{task[1]}\n")
        time.sleep(0.01)

    def forked(self) -> None:
        """Need nothing."""

    def coming(self, method: str, tasks: Sequence[Any]) -> None:
        """Prepare nothing."""

    def close(self) -> None:
        """Hold nothing."""


@pytest.fixture(autouse=True)
def _no_other_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fork as in a process without threads, whatever servers other tests have running in this one."""
    monkeypatch.setattr(threading, "active_count", lambda: 1)


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> Callable[[], bool]:
    """Say whether a process that this test started is left: the servers of other tests are children as well."""
    started: list[int] = []
    fork = os.fork

    def recorded() -> int:
        process = fork()
        started.append(process)
        return process

    monkeypatch.setattr(os, "fork", recorded)
    return lambda: any(map(_is_left, started))


def _is_left(process: int) -> bool:
    try:
        os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _pool(**options: object) -> Pool:
    return Pool(_Talker(), **{"at_least": 2, "at_most": 3, **options})  # type: ignore[arg-type]


def _too_long(*_: object) -> None:
    raise TimeoutError


@pytest.fixture
def alarm() -> object:
    """End a test that hangs."""
    before = signal.signal(signal.SIGALRM, _too_long)
    signal.alarm(20)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def test_answers_come_in_the_order_of_the_tasks() -> None:
    with _pool() as pool:
        assert [one[0] for one in pool.map("answer", range(200))] == list(range(200))


def test_the_first_task_is_done_here_and_the_rest_elsewhere_always_by_the_same() -> None:
    with _pool() as pool:
        first, second = list(pool.map("place", range(31))), list(pool.map("place", range(31)))
    assert first == second
    assert first[0] == (0, HOME)
    assert HOME not in {place for _, place in first[1:]}
    assert len({place for _, place in first}) == 4


def test_a_task_goes_to_the_process_that_had_its_key() -> None:
    with _pool() as pool:
        first = dict(list(pool.map("place", range(31), key=abs))[1:])
        assert len(set(first.values())) == 3
        again = dict(list(pool.map("place", range(30, 0, -2), key=abs))[1:])
    assert again.items() <= first.items()


def test_whoever_takes_just_the_results_keeps_the_processes() -> None:
    """Without asking whether there are more, as `zip` and `next` do; nothing at all is taken as well."""
    with _pool() as pool:
        answers = pool.map("place", range(31))
        first = dict([next(answers) for _ in range(31)])
        del answers
        assert list(pool.map("place", [0])) == [(0, HOME)]
        assert dict(pool.map("place", range(31))) == first


def test_few_tasks_start_nothing(children: Callable[[], bool]) -> None:
    with _pool() as pool:
        assert {place for _, place in pool.map("place", range(3))} == {HOME}
        assert list(pool.map("place", [])) == []
        assert not children()


def test_work_that_is_given_up_half_way_ends_at_once(alarm: object, children: Callable[[], bool]) -> None:
    """As an interrupt does it: nobody reads the answers that the processes still have."""
    began = time.monotonic()
    with _pool() as pool:
        answers = pool.map("answer", range(200))
        next(answers), next(answers)
        with pytest.raises(KeyboardInterrupt):
            answers.throw(KeyboardInterrupt)  # type: ignore[attr-defined]  # it is a generator
        assert not children()
        assert [one[0] for one in pool.map("answer", range(9))] == list(range(9))
    assert time.monotonic() - began < 10


def test_after_an_interrupt_no_process_goes_on_with_its_share(
    tmp_path: Path, alarm: object, children: Callable[[], bool]
) -> None:
    trace = tmp_path / "trace"
    with _pool() as pool:
        answers = pool.map("append", [(str(trace), number) for number in range(3000)])
        next(answers), next(answers)
    done = trace.read_text().count("\n")
    assert done < 1000
    assert not children()


def test_a_parent_that_is_killed_takes_its_processes_with_it(tmp_path: Path, alarm: object) -> None:
    trace = tmp_path / "trace"
    parent = os.fork()
    if not parent:
        try:
            answers = _pool().map("append", [(str(trace), number) for number in range(3000)])
            next(answers), next(answers)
            os.kill(os.getpid(), signal.SIGKILL)
        finally:
            os._exit(1)
    os.waitpid(parent, 0)
    sizes = [-1, trace.stat().st_size]
    while sizes[-1] != sizes[-2]:
        time.sleep(0.1)
        sizes.append(trace.stat().st_size)
    assert trace.read_text().count("\n") < 1000


@pytest.mark.parametrize("at_most", [1, 3])
def test_an_error_comes_in_its_turn_with_all_it_says(at_most: int, children: Callable[[], bool]) -> None:
    with _pool(at_most=at_most) as pool:
        answers = pool.map("fail_at_7", range(20))
        assert [next(answers) for _ in range(7)] == list(range(7))
        with pytest.raises(ManifestError, match="is seven") as caught:
            next(answers)
        assert (caught.value.location, caught.value.hint) == ("here", "take another")
    assert not children()


@pytest.mark.parametrize("method", ["die_at_7", "break_at_7"])
def test_what_a_process_leaves_is_told_for_each_of_its_tasks(method: str) -> None:
    with _pool(lost=lambda task: f"lost {task}") as pool:
        found = list(pool.map(method, range(13)))
    assert found == [f"lost {each}" if each in {7, 10} else each for each in range(13)]


def test_a_process_that_ends_early_is_an_error_unless_said_otherwise() -> None:
    with _pool() as pool, pytest.raises(RepositoryError, match="ended early"):
        list(pool.map("die_at_7", range(13)))


def _no_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "fork")


def _macos(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")


def _threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "active_count", lambda: 2)


def _limit(monkeypatch: pytest.MonkeyPatch) -> None:
    def fork() -> int:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", fork)


@pytest.mark.parametrize("lack", [_no_fork, _macos, _threads, _limit])
def test_without_processes_all_is_done_here(
    monkeypatch: pytest.MonkeyPatch, lack: Callable[[pytest.MonkeyPatch], None]
) -> None:
    before = len(os.listdir("/proc/self/fd"))
    lack(monkeypatch)
    with _pool() as pool:
        assert list(pool.map("place", range(100))) == [(number, HOME) for number in range(100)]
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("processes", [1, 2])
def test_a_limit_met_on_the_way_leaves_what_there_is(
    monkeypatch: pytest.MonkeyPatch, processes: int, children: Callable[[], bool]
) -> None:
    forks, fork = [0] * processes, os.fork

    def limited() -> int:
        if not forks:
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        forks.pop()
        return fork()

    monkeypatch.setattr(os, "fork", limited)
    with _pool() as pool:
        found = list(pool.map("place", range(100)))
    assert [number for number, _ in found] == list(range(100))
    assert len({place for _, place in found}) == {1: 1, 2: 3}[processes]
    assert not children()


def test_processors_are_counted_where_the_system_does_not_say_which_are_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    assert count() == 5
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert count() == 1
    monkeypatch.delattr(os, "fork")
    assert count() == 1
