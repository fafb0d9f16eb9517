"""The only door to other programs: each kind of them sees the variables that are stated for it here.

Our own environment holds what opens secrets (`SOPS_AGE_KEY`, `VAULT_TOKEN`), and no program gets that but the helper
whose task it is. A program that we choose sees a short list of variables. One that the user chose (an editor, a
plugin, a command) sees the user's variables without those that hold secrets, because nobody else knows what it needs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from subprocess import DEVNULL, PIPE, CompletedProcess, Popen, TimeoutExpired
from typing import Any, Final, NoReturn, TypeAlias

from secretsync.errors import MissingDependencyError

__all__ = [
    "AGE_PLUGIN", "CHOSEN_GPG", "COMMAND", "DEVNULL", "EDITOR", "GIT", "GPG", "KEY_COMMAND", "KUBECONFIG_PLUGIN",
    "NOTHING", "PIPE", "CompletedProcess", "Popen", "Sees", "TimeoutExpired", "become", "environment", "find", "run",
    "start",
]  # fmt: skip

Sees: TypeAlias = Callable[[str], bool]
"""A kind of program: says of a variable's name whether the program sees it."""

_KEYS: Final = ("SOPS_AGE_KEY", "SOPS_AGE_SSH_PRIVATE_KEY")
_SECRET_ENDS: Final = (
    "TOKEN", "SECRET", "PASSWORD", "PASSPHRASE", "CREDENTIALS", "PRIVATE_KEY", "ACCESS_KEY", "API_KEY", "SDK_SK",
)  # fmt: skip
_SECRET_WORDS: Final = {"KEY", "PASS", "PWD", "PAT", "JWT", "SECRETS", "TOKENS"}
"""Words that say at the end of a longer name that a secret is in it."""
_SECRET_BEGINNINGS: Final = ("OP_SESSION", "BW_SESSION", "VAULT_SECRET_ID", "BAO_SECRET_ID")
_STORES: Final = ("OP_", "BW_", "DOPPLER_", "INFISICAL_", "AKEYLESS_", "CONJUR_")
"""How the variables of password stores begin: whoever has them has everything in the store."""
_FORGES: Final = {
    "GITHUB_TOKEN",
    "GH_TOKEN",
    "GITHUB_PAT",
    "ARGOCD_AUTH_TOKEN",
    "COSIGN_PASSWORD",
    "COSIGN_PRIVATE_KEY",
}

_EVERYONE: Final = {
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TZ", "TERM", "LANG", "LANGUAGE", "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH", "NIX_LD", "NIX_LD_LIBRARY_PATH", "LOCALE_ARCHIVE",
    "SYSTEMROOT", "SYSTEMDRIVE", "COMSPEC", "PATHEXT", "TEMP", "TMP", "USERPROFILE", "USERNAME", "APPDATA",
    "LOCALAPPDATA", "PROGRAMDATA", "PROGRAMFILES",
}  # fmt: skip
_EVERYONES: Final = ("LC_", "XDG_")
_DIALOGUE: Final = {
    "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS", "GPG_TTY", "PINENTRY_USER_DATA",
    "INSIDE_EMACS", "GNUPGHOME", "GPG_AGENT_INFO", "SSH_AUTH_SOCK", "SSH_AGENT_PID",
}  # fmt: skip
"""What gpg, its agent and the window that asks for a passphrase need; and git, which has gpg or ssh sign."""
_NETWORK: Final = {
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE",
    "SSH_ASKPASS", "SSH_ASKPASS_REQUIRE", "EMAIL",
}  # fmt: skip


def _is_for_gpg(name: str) -> bool:
    return name in _EVERYONE or name.startswith(_EVERYONES) or name in _DIALOGUE


def _is_for_git(name: str) -> bool:
    return _is_for_gpg(name) or name.upper() in _NETWORK


def _is_no_key(name: str) -> bool:
    return not name.upper().startswith(_KEYS)


def _is_no_plain_secret(name: str) -> bool:
    return _is_no_key(name) and not name.upper().endswith(_SECRET_ENDS)


def _is_no_secret(name: str) -> bool:
    upper = name.upper()
    *before, last = upper.split("_")
    return (
        _is_no_plain_secret(name)
        and not (before and last in _SECRET_WORDS)
        and not upper.startswith(_SECRET_BEGINNINGS)
    )


def _may_be_a_clouds(name: str) -> bool:
    upper = name.upper()
    of_vault = upper.startswith(("VAULT_", "BAO_")) and not upper.endswith(("_ADDR", "_NAMESPACE", "_CACERT"))
    return not (upper.startswith(("SOPS_", *_STORES)) or of_vault or upper in _FORGES)


GPG: Final[Sees] = _is_for_gpg
"""`gpg` from the PATH sees what it needs, since the agent that it starts keeps that as long as it lives."""
GIT: Final[Sees] = _is_for_git
"""git sees nothing of its own variables (`GIT_…`) by this: its caller says which may count."""
CHOSEN_GPG: Final[Sees] = _is_no_secret
"""A gpg that `SOPS_GPG_EXEC` names may be a wrapper, with variables of its own."""
EDITOR: Final[Sees] = _is_no_secret
AGE_PLUGIN: Final[Sees] = _is_no_secret
COMMAND: Final[Sees] = _is_no_plain_secret
"""A command of `exec-env` and `exec-file` sees the user's environment, as under sops, less what plainly is a secret."""
KEY_COMMAND: Final[Sees] = _is_no_key
"""A command that prints a key is the helper that needs a token, and gets all but our keys."""
KUBECONFIG_PLUGIN: Final[Sees] = _may_be_a_clouds
"""A kubeconfig's program for credentials may need any cloud's secrets; what opens SOPS files, Vault and password stores,
and a forge's tokens, is surely not for it. What its entry states under `env` it gets in any case."""


def NOTHING(name: str) -> bool:  # noqa: N802  # a kind like those above
    """Show a program only what it is given."""
    del name
    return False


def environment(sees: Sees, environ: Mapping[str, str], also: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return what a kind of program sees of `environ`, and with it what it is given."""
    return {**{name: value for name, value in environ.items() if sees(name)}, **(also or {})}


def find(name: str, environ: Mapping[str, str], *, purpose: str = "", hint: str | None = None) -> str:
    """Return the path of a program.

    Raises:
        MissingDependencyError: it is not on the PATH; `purpose` says who needs it.
    """
    found = shutil.which(name, path=environ.get("PATH", os.defpath))
    if found is None:
        raise MissingDependencyError(
            f"{name} is not installed, and {purpose}" if purpose else f"{name} is not installed", hint=hint
        )
    return found


def run(
    sees: Sees,
    command: Sequence[str],
    environ: Mapping[str, str],
    also: Mapping[str, str] | None = None,
    **options: Any,
) -> CompletedProcess[bytes]:
    """Run a program and wait for its end; `options` are those of `subprocess.run`. Raises: OSError, TimeoutExpired."""
    return subprocess.run(command, env=environment(sees, environ, also), check=False, **options)


def start(
    sees: Sees,
    command: Sequence[str],
    environ: Mapping[str, str],
    also: Mapping[str, str] | None = None,
    **options: Any,
) -> Popen[bytes]:
    """Start a program; `options` are those of `subprocess.Popen`. Raises: OSError."""
    return Popen(command, env=environment(sees, environ, also), **options)


def become(
    sees: Sees, command: Sequence[str], environ: Mapping[str, str], also: Mapping[str, str] | None = None
) -> NoReturn:
    """Run a program, named by its path, in place of this one. Raises: OSError."""
    os.execve(command[0], list(command), environment(sees, environ, also))  # noqa: S606  # no shell of ours is between
