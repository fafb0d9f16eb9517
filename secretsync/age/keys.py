"""The text of recipients and identities: which kind a line is, and key files with one identity per line.

Each kind's module is loaded when its first text is met; X25519 is the common one.
"""

from __future__ import annotations

from typing import Final

from secretsync.age.protocol import Identity, Recipient
from secretsync.age.x25519 import X25519Identity, X25519Recipient
from secretsync.errors import FormatError

_MAX_SHOWN: Final = 24


def parse_recipient(text: str) -> Recipient:
    """Parse `age1…`, and what else age takes as a recipient.

    Raises:
        FormatError: it is malformed or of an unknown kind.
    """
    if text.startswith("age1"):
        return X25519Recipient.parse(text)
    raise FormatError(f"{_shown(text)} is no age recipient")


def parse_identity(text: str) -> Identity:
    """Parse one line of a key file: `AGE-SECRET-KEY-1…`.

    Raises:
        FormatError: it is malformed or of an unknown kind; the message never holds the text.
    """
    if text.startswith("AGE-SECRET-KEY-1"):
        return X25519Identity.parse(text)
    raise FormatError("unknown identity type")


def parse_identities(text: str, *, several_per_line: bool = False) -> list[Identity]:
    """Parse a key file: one identity per line, not trimmed; empty lines and lines starting with `#` are skipped.

    `several_per_line` splits each line at white space, as sops does for `SOPS_AGE_KEY`.
    Source: sops age/keysource.go at v3.13.3, parseIdentities.

    Raises:
        FormatError: a line is no identity; the message holds its number, never its text.
    """
    identities: list[Identity] = []
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        if not line or line.startswith("#"):
            continue
        try:
            identities += [parse_identity(word) for word in (line.split() if several_per_line else [line])]
        except FormatError as error:
            raise error.at(f"line {number}") from None
    return identities


def _shown(text: str) -> str:
    """Return a recipient for an error message, but nothing that could be a private key put in the wrong place."""
    if text.upper().startswith("AGE-") or "\n" in text:
        return "a private key"
    return repr(text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "…")
