"""Running a command of the user's: through the shell, without our secrets in its environment, its exit code ours."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import typer

from secretsync import programs
from secretsync.errors import ConfigError
from secretsync.late import LateModule

if TYPE_CHECKING:
    import pwd
else:
    pwd = LateModule("pwd")  # Unix has it, for --user

SHELL: Final = "/bin/sh"

Command: TypeAlias = Annotated[str, typer.Argument(metavar="COMMAND", help="A command line for the shell.")]
User: TypeAlias = Annotated[str | None, typer.Option("--user", help="Run the command as this user.")]


def run_shell(
    command: str, values: Mapping[str, str] | None = None, *, pristine: bool = False, user: str | None = None
) -> int:
    """Run a command line and return its exit code, 128 and more for a signal, as a shell does.

    It sees `values`, and unless it is to be `pristine` the user's environment.

    Raises:
        ConfigError: there is no such user, or on this system no shell.
    """
    require_shell()
    account = account_of(user)
    # The terminal sends an interrupt to the command as well; what it means is the command's to say.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        process = programs.start(
            kind_of(pristine=pristine),
            [SHELL, "-c", command],
            os.environ,
            {**(values or {}), **_names_of(account)},
            user=account and account.pw_uid,
            group=account and account.pw_gid,
            extra_groups=account and os.getgrouplist(account.pw_name, account.pw_gid),
        )
        code = process.wait()
    finally:
        signal.signal(signal.SIGINT, before)
    return code if code >= 0 else 128 - code


def require_shell() -> None:
    """Make sure that commands can be run as sops runs them. Raises: ConfigError where the system is not of that kind."""
    if not hasattr(os, "fork"):
        raise ConfigError(
            f"{sys.platform} has no {SHELL} to run a command with", hint="secretsync decrypt prints what it would get"
        )


def account_of(user: str | None) -> pwd.struct_passwd | None:
    """Return the account called `user`.

    Raises:
        ConfigError: there is none.
    """
    if user is None:
        return None
    try:
        return pwd.getpwnam(user)
    except KeyError:
        raise ConfigError(f"no user {user!r}") from None


def kind_of(*, pristine: bool) -> programs.Sees:
    """Return what a command sees of our environment."""
    return programs.NOTHING if pristine else programs.COMMAND


def _names_of(account: pwd.struct_passwd | None) -> dict[str, str]:
    """Return an account's home and names. Source: sops exec_unix.go, UserEnv at v3.13.3."""
    return {"HOME": account.pw_dir, "USER": account.pw_name, "LOGNAME": account.pw_name} if account else {}
