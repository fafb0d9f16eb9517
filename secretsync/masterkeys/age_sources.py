"""Where age identities come from: sops' environment variables and files, each read when it is first needed.

`places` lists them in sops' order; the rank says which are tried first, silent ones before those that start a
program or ask a person (sops, too, tries those last). Source: sops age/keysource.go at v3.13.3, loadIdentities.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from secretsync.age import parse_identities
from secretsync.age.interaction import Interaction
from secretsync.age.protocol import Identity
from secretsync.errors import SecretsyncError
from secretsync.late import LateModule
from secretsync.masterkeys import age_files
from secretsync.masterkeys.context import KeyContext

if TYPE_CHECKING:
    from secretsync.masterkeys import commands
else:
    commands = LateModule("secretsync.masterkeys.commands")

_USER_FILE: Final = ("sops", "age", "keys.txt")
SILENT, COMMAND, SSH = 0, 1, 2
"""Ranks: reads a variable or file; starts a program; opens SSH stanzas only."""


class FoundIdentities(NamedTuple):
    """What a place holds: identities, or the problem that kept them away. `absent`: nobody put keys there."""

    identities: tuple[Identity, ...] = ()
    problem: str = ""
    absent: bool = False


class IdentitySource(NamedTuple):
    """One place to look. `read` takes the recipient in question, which only commands are told."""

    name: str
    read: Callable[[str], tuple[Identity, ...]]
    present: bool = True
    rank: int = SILENT
    asks_for_recipient: bool = False

    def look(self, recipient: str) -> FoundIdentities:
        """Return what is there; a problem is remembered, to be shown only if nothing opens the envelope."""
        if not self.present:
            return FoundIdentities(problem="not set", absent=True)
        try:
            identities = self.read(recipient)
        except SecretsyncError as error:
            return FoundIdentities(problem=str(error))
        return FoundIdentities(identities, "" if identities else "holds no keys", not identities)


def places(context: KeyContext, interaction: Interaction) -> list[IdentitySource]:
    """Return every place, in sops' order; what was given by the caller comes first."""
    environ = context.environ
    found = [*_ssh_places(environ, interaction), *_age_places(environ, interaction)]
    if context.extra_age_identities:
        found.insert(0, IdentitySource("the given identities", lambda _: context.extra_age_identities))
    return found


def _ssh_places(environ: Mapping[str, str], interaction: Interaction) -> list[IdentitySource]:
    file, command = "SOPS_AGE_SSH_PRIVATE_KEY_FILE", "SOPS_AGE_SSH_PRIVATE_KEY_CMD"
    found = [
        IdentitySource(file, lambda _: age_files.read_ssh(environ[file], interaction), file in environ, SSH),
        IdentitySource(
            command,
            lambda recipient: age_files.ssh_parsed(_output(command, environ, recipient), "its output", interaction),
            command in environ,
            SSH,
            asks_for_recipient=True,
        ),
    ]
    if home := environ.get("HOME", ""):
        found += [_own_ssh_key(os.path.join(home, ".ssh", name), interaction) for name in ("id_ed25519", "id_rsa")]
    return found


def _own_ssh_key(path: str, interaction: Interaction) -> IdentitySource:
    return IdentitySource(path, lambda _: age_files.read_ssh(path, interaction, optional=True), rank=SSH)


def _age_places(environ: Mapping[str, str], interaction: Interaction) -> list[IdentitySource]:
    variable, file, command = "SOPS_AGE_KEY", "SOPS_AGE_KEY_FILE", "SOPS_AGE_KEY_CMD"
    found = [
        IdentitySource(
            variable,
            lambda _: tuple(parse_identities(environ[variable], interaction, several_per_line=True)),
            variable in environ,
        ),
        IdentitySource(file, lambda _: age_files.read(environ[file], interaction), file in environ),
        IdentitySource(
            command,
            lambda recipient: age_files.parsed(_output(command, environ, recipient), "its output", interaction),
            command in environ,
            COMMAND,
            asks_for_recipient=True,
        ),
    ]
    if path := user_file(environ):
        found.append(IdentitySource(path, lambda _: age_files.read(path, interaction, optional=True)))
    return found


def user_file(environ: Mapping[str, str]) -> str:
    """Return the path of the user's own identities, or nothing where there is no home."""
    folder = config_folder(environ)
    return os.path.join(folder, *_USER_FILE) if folder else ""


def config_folder(environ: Mapping[str, str]) -> str:
    """Return the user's configuration folder, or nothing. Source: Go os.UserConfigDir, sops getUserConfigDir."""
    if sys.platform == "win32":
        return environ.get("APPDATA", "")
    if configured := environ.get("XDG_CONFIG_HOME", ""):
        return configured
    home = environ.get("HOME", "")
    if not home:
        return ""
    return os.path.join(home, *(("Library", "Application Support") if sys.platform == "darwin" else (".config",)))


def _output(name: str, environ: Mapping[str, str], recipient: str) -> bytes:
    return commands.output_of(environ[name], environ, name=name, recipient=recipient)
