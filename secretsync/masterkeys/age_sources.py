"""Where age identities come from: sops' environment variables and files, each read when it is first needed.

`places` lists them in sops' order; the rank says which are tried first, cheap and silent ones before those that
start a program or ask a person. Source: sops age/keysource.go at v3.13.3, loadIdentities.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from secretsync import files
from secretsync.age import parse_identities
from secretsync.age.protocol import Identity
from secretsync.errors import FormatError, MissingFileError, SecretsyncError
from secretsync.masterkeys.surroundings import Surroundings

USER_FILE: Final = ("sops", "age", "keys.txt")


class Found(NamedTuple):
    """What a place holds: identities, or the problem that kept them away. `absent`: nobody put keys there."""

    identities: tuple[Identity, ...] = ()
    problem: str = ""
    absent: bool = False


class Place(NamedTuple):
    """One place to look. `read` takes the recipient in question, which only commands are told."""

    name: str
    read: Callable[[str], tuple[Identity, ...]]
    present: bool = True
    rank: int = 0
    asks_for_recipient: bool = False

    def look(self, recipient: str) -> Found:
        """Return what is there; a problem is remembered, to be shown only if nothing opens the envelope."""
        if not self.present:
            return Found(problem="not set", absent=True)
        try:
            identities = self.read(recipient)
        except SecretsyncError as error:
            return Found(problem=str(error))
        return Found(identities, "" if identities else "holds no keys", not identities)


def places(surroundings: Surroundings) -> list[Place]:
    """Return every place, in sops' order; what was given by the caller comes first."""
    environ = surroundings.environ
    found = [_variable(environ), _file(environ), *_user_file(environ)]
    if surroundings.extra_age_identities:
        found.insert(0, Place("the given identities", lambda _: surroundings.extra_age_identities))
    return found


def _variable(environ: Mapping[str, str]) -> Place:
    name = "SOPS_AGE_KEY"
    return Place(name, lambda _: tuple(parse_identities(environ[name], several_per_line=True)), present=name in environ)


def _file(environ: Mapping[str, str]) -> Place:
    name = "SOPS_AGE_KEY_FILE"
    return Place(name, lambda _: _read_file(environ[name]), present=name in environ)


def _user_file(environ: Mapping[str, str]) -> list[Place]:
    folder = config_folder(environ)
    if not folder:
        return []
    path = os.path.join(folder, *USER_FILE)
    return [Place(path, lambda _: _read_file(path, optional=True))]


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


def _read_file(path: str, *, optional: bool = False) -> tuple[Identity, ...]:
    try:
        raw = files.read(path)
    except MissingFileError:
        if optional:
            return ()
        raise
    return tuple(_parsed(raw, path))


def _parsed(raw: bytes, path: str) -> list[Identity]:
    try:
        return parse_identities(raw.decode("utf-8"))
    except UnicodeDecodeError:
        raise FormatError("is not valid UTF-8", location=path) from None
    except FormatError as error:
        raise error.at(path) from None
