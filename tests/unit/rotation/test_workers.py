"""The processes that share the work on many files."""

from __future__ import annotations

import signal
import time

from secretsync.rotation.workers import Pool


class _Talker:
    def answer(self, number: int) -> bytes:
        """Return more than a pipe holds (64 KiB)."""
        return bytes([number]) * 200_000

    def close(self) -> None:
        """Hold nothing."""


def _too_long(*_: object) -> None:
    raise TimeoutError


def test_answers_come_in_the_order_of_the_tasks() -> None:
    with Pool(_Talker(), processes=3) as pool:
        assert [one[0] for one in pool.map("answer", range(200))] == list(range(200))


def test_work_that_is_given_up_half_way_ends_at_once() -> None:
    """As an interrupt does it: nobody reads the answers that the processes still have."""
    began = time.monotonic()
    before = signal.signal(signal.SIGALRM, _too_long)
    signal.alarm(20)
    try:
        with Pool(_Talker(), processes=3) as pool:
            next(iter(pool.map("answer", range(200))))
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    assert time.monotonic() - began < 10
