"""The public half of a private key that was given where a public one is due: what people look for, and may be shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import secretsync.privatekeys as privatekeys
from secretsync.age import parse_identity
from secretsync.age.interaction import NOBODY
from secretsync.errors import PrivateKeyGivenError, SecretsyncError
from secretsync.late import LateModule
from secretsync.privatekeys import Found

if TYPE_CHECKING:
    from secretsync.age import sshfile
else:
    sshfile = LateModule("secretsync.age.sshfile")

_HINT = "name the public half; a private key that stood in a file or a command line is to be replaced"


def require_public(name: str, place: str | None = None) -> str:
    """Return a name of a key that stands where a public one is due.

    Raises:
        PrivateKeyGivenError: it is a private key; the message says which by its public half, and never shows it.
    """
    kind = privatekeys.kind_of(name)
    if kind is None:
        return name
    half = public_half(name)
    message = f"holds {kind} where a public key is due{f'; its public half is {half}' if half else ''}"
    raise PrivateKeyGivenError(message, location=place, hint=_HINT)


def public_half(text: str) -> str | None:
    """Return the recipient of the first age identity or SSH private key in a text; None where it cannot be told."""
    found = privatekeys.find(text.encode("utf-8", "replace"))
    return half_of(found[0]) if found else None


def half_of(found: Found) -> str | None:
    """Return the recipient that a private key is the other half of; None where it cannot be told."""
    try:
        if found.kind == privatekeys.AGE:
            return str(parse_identity(found.text))
        if found.text:
            return str(sshfile.parse_private_key(found.text.encode(), "the key", NOBODY))
    except SecretsyncError:
        pass
    return None
