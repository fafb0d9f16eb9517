"""What every kind of master key can do: wrap a data key for a recipient, and unwrap it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from secretsync.masterkeys.context import KeyContext, KeySource, Unwrapped
from secretsync.secrecy import SecretBytes


class MasterKeyService(Protocol):
    """One kind of master key (age, pgp, a key management service).

    `fields` is one entry of a metadata list as stored in the file, its unknown fields included: for age
    `{"recipient": …, "enc": …}`, for pgp `{"fp": …, "enc": …, "created_at": …}`. How a key is named, `kinds` says.
    """

    @property
    def kind(self) -> str:
        """The name of the metadata list: `age`, `pgp`, `kms` and so on."""
        ...

    def canonical(self, name: str) -> str:
        """Return a key's name in the one spelling that all names of that key have; may ask a program of this machine."""
        ...

    def wrap(self, recipient: str, data_key: SecretBytes) -> dict[str, object]:
        """Wrap the 32-byte data key (33 bytes for a Shamir share) and return the fields to store.

        Raises:
            ConfigError: the recipient is malformed.
            KeyServiceError: the service or program failed.
        """
        ...

    def unwrap(self, fields: Mapping[str, object]) -> SecretBytes:
        """Unwrap the data key.

        Raises:
            IncorrectIdentityError: no identity here opens this envelope; the message says which were tried and why not.
            IntegrityError: an identity matched, and the envelope is damaged.
            FormatError: the envelope is not of this kind's form.
            KeyServiceError: the service or program failed.
        """
        ...

    def unwrap_many(self, envelopes: Sequence[Mapping[str, object]]) -> list[Unwrapped]:
        """Unwrap many data keys, of one file or of many, and return an answer to each in order.

        A service that is far away asks for them at the same time, and its record says so with `together`; for any
        other `context.one_by_one` will do. An error of one envelope is its answer, as `unwrap` would raise it.
        """
        ...

    def matches(self, fields: Mapping[str, object]) -> bool | None:
        """Return whether an envelope is for the key it names, None where that cannot be seen without opening it."""
        ...

    def alone(self) -> Mapping[str, KeyContext]:
        """Return the identities that lie here ready to use, each as a context that holds it alone, by their recipients.

        None that asks a person, a program or a service is among them.
        """
        ...

    def sources(self) -> list[KeySource]:
        """Return every place that keys of this kind are looked for in, with what is there; asks nobody."""
        ...
