"""`secretsync exec-file`: a command with the decrypted file under a name that exists only while it runs."""

from __future__ import annotations

import os
import threading
from typing import Annotated, Final, TypeAlias

import typer

from secretsync import files
from secretsync.cli._memory_folder import private_folder
from secretsync.cli._options import Formats, Opening, grouped
from secretsync.cli._output import PRIVATE_MODE
from secretsync.cli._shell import Command, User, account_of, require_shell, run_shell
from secretsync.cli.set_value import File
from secretsync.errors import ConflictingOptionsError
from secretsync.sops import operations

DEFAULT_NAME: Final = "tmp-file"  # sops exec.go, FallbackFilename at v3.13.3

NoFifo: TypeAlias = Annotated[
    bool, typer.Option("--no-fifo", help="Make a regular file, for commands that read it more than once.")
]
Filename: TypeAlias = Annotated[str, typer.Option("--filename", help="The name of the temporary file.")]


@grouped
def exec_file(
    path: File,
    command: Command,
    formats: Formats,
    opening: Opening,
    no_fifo: NoFifo = False,
    filename: Filename = DEFAULT_NAME,
    user: User = None,
) -> int:
    """Run a command with the decrypted file.

    {} in the command stands for its name. It is a pipe that can be read once, unless --no-fifo is given, and lies in a
    private folder in memory; exits with the command's code.
    """
    require_shell()
    if os.path.basename(filename) != filename or filename in {"", ".", ".."}:
        raise ConflictingOptionsError(f"--filename takes a name without a folder, not {filename!r}")
    target = formats.target(path)
    data = files.read(path)
    opened = target.placing(lambda: operations.open_file(data, opening.options(target)))
    plaintext = target.placing(lambda: operations.decrypted_text(opened))
    with private_folder() as folder:
        name = os.path.join(folder, filename)
        if no_fifo:
            files.create(name, plaintext)
        else:
            os.mkfifo(name, PRIVATE_MODE)
            threading.Thread(target=_feed, args=(name, plaintext), daemon=True).start()
        _hand_over([folder, name], user)
        return run_shell(command.replace("{}", name), user=user)


def _feed(name: str, plaintext: bytes) -> None:
    """Write to whoever opens the pipe; a reader that stops early is not our concern."""
    try:
        with open(name, "wb") as pipe:
            pipe.write(plaintext)
    except OSError:
        pass


def _hand_over(paths: list[str], user: str | None) -> None:
    account = account_of(user)
    if account is not None:
        for path in paths:
            os.chown(path, account.pw_uid, account.pw_gid)
