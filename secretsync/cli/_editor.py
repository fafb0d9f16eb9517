"""The user's editor, run over a text until what comes back can be used."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import sys
from collections.abc import Callable
from typing import Final, TypeVar

from secretsync import files, programs
from secretsync.cli._memory_folder import private_folder
from secretsync.cli._terminal import say
from secretsync.errors import (
    AlreadyEncryptedError,
    EditorError,
    FormatError,
    PlaintextError,
    SecretsyncError,
    UnchangedFileError,
)

Result = TypeVar("Result")

_FALLBACKS: Final = ("vim", "nano", "vi")  # sops edit.go, lookupAnyEditor at v3.13.3


def edit_text(text: bytes, name: str, use: Callable[[bytes], Result]) -> Result:
    """Let the user edit `text` in a file called `name`, and return what `use` makes of the outcome.

    Where `use` refuses the text, the reason is shown and the editor opens again with it, as long as somebody is there.

    Raises:
        UnchangedFileError: the text is as it was.
        EditorError: the editor is missing or failed.
        SecretsyncError: what `use` raises, where nobody could mend it.
    """
    with private_folder() as folder:
        path = os.path.join(folder, os.path.basename(name))
        files.create(path, text)
        while True:
            _run(path)
            edited = files.read(path)
            if edited == text:
                raise UnchangedFileError("the file has not changed", location=name)
            try:
                return use(edited)
            except (FormatError, PlaintextError, AlreadyEncryptedError) as error:
                if not sys.stdin.isatty():
                    raise
                _wait_for_return(error)


def _run(path: str) -> None:
    command = [*_editor(), path]
    # Editors handle an interrupt themselves; it must not end us while one is open.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        code = programs.run(programs.EDITOR, command, os.environ).returncode
    except OSError as error:
        raise EditorError(f"cannot run {command[0]!r}: {(error.strerror or '').lower()}") from None
    finally:
        signal.signal(signal.SIGINT, before)
    if code:
        raise EditorError(f"{command[0]!r} ended with {code}; nothing was written")


def _editor() -> list[str]:
    """Return the editor's command line. Source: sops edit.go, runEditor at v3.13.3."""
    for variable in ("SOPS_EDITOR", "EDITOR"):
        if value := os.environ.get(variable):
            try:
                return shlex.split(value)
            except ValueError:
                raise EditorError(f"{variable} cannot be split into words: {value!r}") from None
    found = next((program for program in _FALLBACKS if shutil.which(program)), None)
    if found is None:
        raise EditorError("no editor found", hint="set EDITOR to the command that starts yours")
    return [found]


def _wait_for_return(error: SecretsyncError) -> None:
    say(str(error), kind="error")
    say("press Enter to return to the editor, Ctrl+C to give up")
    sys.stdin.readline()
