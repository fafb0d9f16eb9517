"""What an age recipient and an age identity can do: wrap a file key into stanzas, and unwrap it again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, NamedTuple, Protocol

from secretsync.age.header import Stanza
from secretsync.errors import IncorrectIdentityError


class Wrapped(NamedTuple):
    """What a recipient makes of a file key. Recipients mix in one file only if their labels are equal."""

    stanzas: tuple[Stanza, ...]
    labels: frozenset[str] = frozenset()


class Recipient(Protocol):
    """A public key, passphrase or plugin that a file key is wrapped for."""

    def wrap(self, file_key: bytes) -> Wrapped:
        """Wrap the 16-byte file key.

        Raises:
            KeyServiceError: a plugin failed.
        """
        ...

    def __str__(self) -> str:
        """Return the recipient as it is written in files and configuration; never anything secret."""
        ...


class Identity(Protocol):
    """A private key, passphrase or plugin that may open a stanza."""

    native: ClassVar[bool]
    """Whether it asks nobody and starts nothing; native identities are tried first."""

    def unwrap(self, stanzas: Sequence[Stanza]) -> bytes:
        """Return the file key of the first stanza that this identity opens.

        Raises:
            IncorrectIdentityError: none of the stanzas is for this identity; the next one may be tried.
            AgeHeaderError: a stanza of this identity's kind is malformed.
            KeyServiceError: a plugin failed.
        """
        ...

    def __str__(self) -> str:
        """Return what names this identity to a person: its recipient, never its key."""
        ...


def first_opened(stanzas: Sequence[Stanza], kind: str, opened: Callable[[Stanza], bytes | None]) -> bytes:
    """Return the file key of the first stanza of this kind that `opened` opens; it returns None for a stranger's.

    Raises:
        IncorrectIdentityError: none is for the identity.
    """
    for stanza in stanzas:
        if stanza.type == kind:
            file_key = opened(stanza)
            if file_key is not None:
                return file_key
    raise IncorrectIdentityError(f"no {kind} stanza is for it")
