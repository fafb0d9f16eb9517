"""Identity files that are age files themselves, protected by a passphrase: opened when first needed, after asking."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import secretsync.age.envelope as envelope
from secretsync.age.header import Stanza
from secretsync.age.interaction import Interaction
from secretsync.age.keys import parse_identities
from secretsync.age.protocol import Identity
from secretsync.age.scrypt import ScryptIdentity
from secretsync.errors import ConfigError, FormatError, IncorrectIdentityError, NoIdentityMatchError
from secretsync.secrecy import SecretBytes


class ProtectedIdentities:
    """All identities of one protected file. A wrong passphrase is not kept: the next use asks again."""

    native: ClassVar[bool] = False

    def __init__(self, raw: bytes, name: str, interaction: Interaction) -> None:
        self._raw = raw
        self._name = name
        self._interaction = interaction
        self._opened: list[Identity] | None = None

    def unwrap(self, stanzas: Sequence[Stanza]) -> bytes:
        """Return the file key of the first stanza that an identity in the file opens (see `protocol.Identity`)."""
        if self._opened is None:
            self._opened = self._decrypted()
        for identity in self._opened:
            try:
                return identity.unwrap(stanzas)
            except IncorrectIdentityError:
                continue
        raise IncorrectIdentityError("none of its keys matches")

    def _decrypted(self) -> list[Identity]:
        passphrase = SecretBytes(self._interaction.ask(f"Passphrase of {self._name}: ").encode("utf-8"))
        try:
            text = envelope.decrypt(self._raw, [ScryptIdentity(passphrase)])
            return parse_identities(text.decode("utf-8"), self._interaction)
        except (ConfigError, NoIdentityMatchError):
            raise IncorrectIdentityError("the passphrase is wrong") from None
        except UnicodeDecodeError:
            raise FormatError("is not valid UTF-8 inside its protection", location=self._name) from None
        except FormatError as error:
            raise error.at(self._name) from None

    def __str__(self) -> str:
        return f"the protected keys of {self._name}"
