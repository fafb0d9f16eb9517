"""Making an age identity, and keeping it where sops and we look for one, before anything is encrypted for it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from secretsync import age, files
from secretsync.errors import ConfigError, PolicyError
from secretsync.masterkeys.age_sources import user_file
from secretsync.secrecy import SecretBytes

_GROUP_AND_OTHERS = 0o077


class NewIdentity(NamedTuple):
    """A fresh identity as the text of a key file, in the form that age-keygen writes, with its public half."""

    text: SecretBytes
    recipient: str


def make(*, post_quantum: bool) -> NewIdentity:
    """Return a new identity, made now."""
    identity = age.generate(post_quantum=post_quantum)
    created = datetime.now(UTC).astimezone().isoformat(timespec="seconds")
    text = f"# created: {created}\n# public key: {identity}\n{identity.expose()}\n".encode()
    return NewIdentity(SecretBytes(text), str(identity))


def place_for(path: str | None, environ: Mapping[str, str], *, outside: str) -> str:
    """Return the absolute path to keep a new identity at: `path`, or the user's own file where none is given.

    Raises:
        ConfigError: there is neither.
        PolicyError: it lies in the folder `outside`, which is a repository.
    """
    chosen = path or user_file(environ)
    if not chosen:
        raise ConfigError("no home directory to keep a new identity in", hint="name a file: --identity-file FILE")
    target = os.path.abspath(chosen)
    root = os.path.realpath(outside)
    if os.path.commonpath([root, os.path.realpath(target)]) == root:
        raise PolicyError("a private key does not belong in the repository", location=target)
    return target


def keep(identity: NewIdentity, path: str) -> bool:
    """Append an identity to its file and read it back; return whether others can read the file, which was there before.

    Raises:
        FileAccessError: the file cannot be read or written.
        ConfigError: what was written is not what is read.
    """
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    open_to_others = False
    if not os.path.exists(path):
        files.create(path, identity.text.expose())
    else:
        before = files.read(path)
        between = b"" if before.endswith(b"\n") or not before else b"\n"
        files.write_atomic(path, before + between + identity.text.expose(), replaces=before)
        open_to_others = bool(os.stat(path).st_mode & _GROUP_AND_OTHERS)
    if identity.text.expose() not in files.read(path):
        raise ConfigError("the new identity cannot be read back", location=path)
    return open_to_others
