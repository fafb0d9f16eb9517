"""Key files in all their forms: one identity per line, a whole age file around them, an SSH private key."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from secretsync import files
from secretsync.age import armor, header, parse_identities
from secretsync.age.interaction import Interaction
from secretsync.age.protocol import Identity
from secretsync.errors import FormatError, MissingFileError, SecretsyncError
from secretsync.late import LateModule

if TYPE_CHECKING:
    from secretsync.age import protected, sshfile
else:
    protected = LateModule("secretsync.age.protected")
    sshfile = LateModule("secretsync.age.sshfile")

_PROTECTED_START = header.VERSION_LINE[:19]


def read(path: str, interaction: Interaction, *, optional: bool = False) -> tuple[Identity, ...]:
    """Return the identities of a key file; nothing if it is optional and does not exist.

    Raises:
        FileAccessError: it cannot be read.
        FormatError: it is no key file; the message holds the line's number, never its text.
    """
    try:
        raw = files.read(path)
    except MissingFileError:
        if optional:
            return ()
        raise
    return parsed(raw, path, interaction)


def parsed(raw: bytes, name: str, interaction: Interaction) -> tuple[Identity, ...]:
    """Return the identities of a key file's content; a protected one is opened only when it is used."""
    if raw.startswith(_PROTECTED_START) or armor.is_armored(raw):
        return (protected.ProtectedIdentities(raw, name, interaction),)
    try:
        return tuple(parse_identities(raw.decode("utf-8"), interaction))
    except UnicodeDecodeError:
        raise FormatError("is not valid UTF-8", location=name) from None
    except FormatError as error:
        raise error.at(name) from None


def read_ssh(path: str, interaction: Interaction, *, optional: bool = False) -> tuple[Identity, ...]:
    """Return the identity of an SSH private key file. Raises as `read`."""
    try:
        raw = files.read(path)
    except MissingFileError:
        if optional:
            return ()
        raise
    return ssh_parsed(raw, path, interaction, public_path=f"{path}.pub")


def ssh_parsed(
    raw: bytes, name: str, interaction: Interaction, *, public_path: str | None = None
) -> tuple[Identity, ...]:
    """Return the identity of an SSH private key; a protected one asks only when it is used."""
    public_half = partial(files.read, public_path) if public_path else None
    try:
        return (sshfile.parse_private_key(raw, name, interaction, public_half=public_half),)
    except SecretsyncError as error:
        raise (error if error.location else error.at(name)) from None
