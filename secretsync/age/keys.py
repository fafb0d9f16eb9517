"""The text of recipients and identities: which kind a line is, and key files with one identity per line.

X25519 is the common kind; the module of every other one is loaded when its first text is met.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, overload

from secretsync.age.interaction import NOBODY, Interaction
from secretsync.age.x25519 import X25519Identity, X25519Recipient
from secretsync.errors import FormatError
from secretsync.late import load

if TYPE_CHECKING:
    from secretsync.age.hybrid import HybridIdentity
    from secretsync.age.protocol import Identity, Recipient

_MAX_SHOWN: Final = 8  # it may be anything, a secret too
_KINDS: Final = {
    "AGE-SECRET-KEY-PQ-1": "secretsync.age.hybrid:HybridIdentity",
    "AGE-PLUGIN-": "secretsync.age.plugin:PluginIdentity",
    "age1pq1": "secretsync.age.hybrid:HybridRecipient",
    "ssh-": "secretsync.age.ssh:SshRecipient",
    "plugin": "secretsync.age.plugin:PluginRecipient",
}
"""Start of the text -> place of the class whose `parse` takes the text and the interaction."""


@overload
def generate(*, post_quantum: Literal[False] = False) -> X25519Identity: ...
@overload
def generate(*, post_quantum: bool) -> X25519Identity | HybridIdentity: ...
def generate(*, post_quantum: bool = False) -> X25519Identity | HybridIdentity:
    """Return a fresh identity: X25519, or MLKEM768-X25519, which a quantum computer does not break either."""
    if not post_quantum:
        return X25519Identity.generate()
    identity: HybridIdentity = load(_KINDS["AGE-SECRET-KEY-PQ-1"]).generate()
    return identity


def parse_recipient(text: str, interaction: Interaction = NOBODY) -> Recipient:
    """Parse `age1…`, `age1pq1…`, `age1NAME1…` (a plugin's), `ssh-ed25519 …` or `ssh-rsa …`.

    Source: sops age/keysource.go at v3.13.3, parseRecipient.

    Raises:
        FormatError: it is malformed or of an unknown kind.
    """
    for start in ("age1pq1", "ssh-"):
        if text.startswith(start):
            return _recipient_kind(start, text, interaction)
    if not text.startswith("age1"):
        raise FormatError(f"{_shown(text)} is not an age recipient")
    if text.count("1") > 1:
        return _recipient_kind("plugin", text, interaction)
    return X25519Recipient.parse(text)


def parse_identity(text: str, interaction: Interaction = NOBODY) -> Identity:
    """Parse one line of a key file: `AGE-SECRET-KEY-1…`, `AGE-SECRET-KEY-PQ-1…` or `AGE-PLUGIN-NAME-1…`.

    Raises:
        FormatError: it is malformed or of an unknown kind; the message never holds the text.
    """
    if text.startswith("AGE-SECRET-KEY-1"):
        return X25519Identity.parse(text)
    for start in ("AGE-SECRET-KEY-PQ-1", "AGE-PLUGIN-"):
        if text.startswith(start):
            identity: Identity = load(_KINDS[start]).parse(text, interaction)
            return identity
    raise FormatError("unknown identity type")


def parse_identities(text: str, interaction: Interaction = NOBODY, *, several_per_line: bool = False) -> list[Identity]:
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
            identities += [parse_identity(word, interaction) for word in (line.split() if several_per_line else [line])]
        except FormatError as error:
            raise error.at(f"line {number}") from None
    return identities


def _recipient_kind(start: str, text: str, interaction: Interaction) -> Recipient:
    recipient: Recipient = load(_KINDS[start]).parse(text, interaction)
    return recipient


def _shown(text: str) -> str:
    """Return a recipient for an error message, but nothing that could be a private key put in the wrong place."""
    if text.upper().startswith("AGE-") or "\n" in text:
        return "a private key"
    return repr(text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "…")
