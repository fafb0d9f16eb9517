"""What is said to people: lines on standard error that start with the program's name, in colour only on a terminal.

Standard output belongs to data and is written elsewhere (`_output`).
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

from secretsync.errors import PROGRAM, ConfigError, KeyServiceError, one_line
from secretsync.late import LateModule

if TYPE_CHECKING:
    import getpass
else:
    getpass = LateModule("getpass")

_COLOURS: Final = {"error": "1;31", "warning": "1;33", "hint": "1;36", "conflict": "1;31", "note": "1;36"}
_BAR: Final = 30


def say(text: str, *, kind: str | None = None) -> None:
    """Print one line for people; `kind` is `error`, `conflict`, `warning`, `note` or `hint`."""
    label = f"{_coloured(kind)}: " if kind else ""
    clear = "\x1b[K" if sys.stderr.isatty() else ""  # a progress bar may stand on this line
    sys.stderr.write(f"{clear}{PROGRAM}: {label}{one_line(text)}\n")


def warn(text: str) -> None:
    """Print a warning, which does not change the exit code."""
    say(text, kind="warning")


def ask_secret(question: str) -> str:
    """Ask a person for a secret on the terminal, without echo.

    Raises:
        KeyServiceError: there is no terminal, so nobody would answer.
    """
    question = question.rstrip(": ")
    try:
        with open("/dev/tty", "r+b", buffering=0):
            pass
    except OSError:
        raise KeyServiceError(f"cannot ask for {question}: no terminal") from None
    return getpass.getpass(f"{PROGRAM}: {question}: ")


def show_progress(done: int, total: int) -> None:
    """Show how far a run over several files is, on a terminal only; the line goes away with the last one."""
    if total < 2 or not sys.stderr.isatty():
        return
    filled = _BAR * done // total
    bar = f"[{'#' * filled}{'.' * (_BAR - filled)}] {done}/{total}"
    sys.stderr.write("\r\x1b[K" if done == total else f"\r\x1b[K{bar}\r")
    sys.stderr.flush()


def confirm(question: str, *, hint: str = "say yes beforehand, with --yes") -> bool:
    """Ask a person yes or no on the terminal; `hint` says how to answer where there is none.

    Raises:
        ConfigError: there is no terminal, so nobody would answer.
    """
    if not sys.stdin.isatty():
        raise ConfigError(f"cannot ask: {question}", hint=hint)
    sys.stderr.write(f"{PROGRAM}: {question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def choose(question: str, answers: tuple[str, str], *, hint: str) -> str:
    """Ask a person for one of two answers on the terminal until there is one; `hint` says how to answer elsewhere.

    Raises:
        ConfigError: there is no terminal, or nobody answers any more.
    """
    while sys.stdin.isatty():
        sys.stderr.write(f"{PROGRAM}: {question} [{'/'.join(answers)}] ")
        sys.stderr.flush()
        line = sys.stdin.readline()
        found = [each for each in answers if line.strip() and each.startswith(line.strip().lower())]
        if len(found) == 1:
            return found[0]
        if not line:
            break
    raise ConfigError(f"cannot ask: {question}", hint=hint)


def _coloured(kind: str) -> str:
    """Return the label, coloured where standard error is a terminal and NO_COLOR is unset or empty (no-color.org)."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not sys.stderr.isatty():
        return kind
    return f"\x1b[{_COLOURS[kind]}m{kind}\x1b[0m"
