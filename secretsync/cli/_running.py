"""Running a command of the user's: through the shell, without our secrets in its environment, its exit code ours."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
from collections.abc import Mapping
from typing import Annotated, Final, TypeAlias

import typer

from secretsync.errors import ConfigError

SHELL: Final = "/bin/sh"

Command: TypeAlias = Annotated[str, typer.Argument(metavar="COMMAND", help="A command line for the shell.")]
User: TypeAlias = Annotated[str | None, typer.Option("--user", help="Run the command as this user.")]


def run_shell(command: str, environment: Mapping[str, str], *, user: str | None = None) -> int:
    """Run a command line and return its exit code, 128 and more for a signal, as a shell does.

    Raises:
        ConfigError: there is no such user.
    """
    account = account_of(user)
    # The terminal sends an interrupt to the command as well; what it means is the command's to say.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        process = subprocess.Popen(
            [SHELL, "-c", command],
            env=environment_for(environment, account),
            user=account and account.pw_uid,
            group=account and account.pw_gid,
            extra_groups=account and os.getgrouplist(account.pw_name, account.pw_gid),
        )
        code = process.wait()
    finally:
        signal.signal(signal.SIGINT, before)
    return code if code >= 0 else 128 - code


def account_of(user: str | None) -> pwd.struct_passwd | None:
    """Return the account called `user`.

    Raises:
        ConfigError: there is none.
    """
    try:
        return None if user is None else pwd.getpwnam(user)
    except KeyError:
        raise ConfigError(f"there is no user {user!r}") from None


def environment_for(environment: Mapping[str, str], account: pwd.struct_passwd | None) -> dict[str, str]:
    """Return the environment with an account's home and names. Source: sops exec_unix.go, UserEnv at v3.13.3."""
    own = {"HOME": account.pw_dir, "USER": account.pw_name, "LOGNAME": account.pw_name} if account else {}
    return {**environment, **own}
