"""Signals that end a process, made to end it as ^C does. Only entry points ask for it: handlers belong to the process."""

from __future__ import annotations

import signal
import threading
from typing import NoReturn


def end_in_order() -> None:
    """Let SIGTERM and SIGHUP raise KeyboardInterrupt from now on, so that what is staged is removed.

    Whoever has set a handler keeps it, and outside of the main thread nothing can be set.
    """

    def interrupt(_number: int, _frame: object) -> NoReturn:
        raise KeyboardInterrupt

    if threading.current_thread() is threading.main_thread():
        for number in (getattr(signal, each) for each in ("SIGTERM", "SIGHUP") if hasattr(signal, each)):
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, interrupt)
