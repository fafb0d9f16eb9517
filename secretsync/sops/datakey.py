"""The data key of a file: recovered from its envelopes, or wrapped for its groups of master keys.

Source: sops sops.go `GetDataKeyWithKeyServices`, `UpdateMasterKeysWithKeyServices` at v3.13.3.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from secretsync.errors import (
    ConfigError,
    FormatError,
    IncorrectIdentityError,
    IntegrityError,
    KeyServiceError,
    NoIdentityMatchError,
    SecretsyncError,
    shortened,
)
from secretsync.late import LateModule
from secretsync.masterkeys.kinds import DECRYPTION_ORDER, KINDS
from secretsync.secrecy import SecretBytes
from secretsync.sops.metadata import Envelope, Metadata
from secretsync.sops.timestamps import timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from secretsync.crypto import shamir
else:
    shamir = LateModule("secretsync.crypto.shamir")  # most files have one key group

DEFAULT_ORDER: Final = DECRYPTION_ORDER

DATA_KEY_SIZE: Final = 32


class Keys(Protocol):
    """What decryption needs of `masterkeys.MasterKeys`."""

    def unwrap(self, kind: str, fields: Mapping[str, object]) -> SecretBytes:
        """Unwrap one envelope. Raises: see `MasterKeyService.unwrap`."""

    def wrap(self, kind: str, recipient: str, data_key: SecretBytes) -> dict[str, object]:
        """Wrap the data key for a recipient. Raises: see `MasterKeyService.wrap`."""

    def recipient(self, kind: str, fields: Mapping[str, object]) -> str:
        """Return what names the key, as the file spells it."""

    def canonical(self, kind: str, name: str) -> str:
        """Return a name in the one spelling that all names of its key have."""


class MasterKey(NamedTuple):
    """A master key to encrypt for: its kind and what names it there (age recipient, PGP fingerprint, ARN …)."""

    kind: str
    name: str


def new() -> SecretBytes:
    """Return 32 fresh random bytes."""
    return SecretBytes(os.urandom(DATA_KEY_SIZE))


class OpenedGroups(NamedTuple):
    """What each group's envelopes gave: a part of the data key or None, and why keys failed."""

    parts: list[SecretBytes | None]
    failures: list[tuple[str, SecretsyncError]]


def recover(metadata: Metadata, keys: Keys, order: Sequence[str] = DEFAULT_ORDER) -> SecretBytes:
    """Return the data key: of the first envelope that opens, or combined from the groups' shares.

    Raises:
        NoIdentityMatchError: no envelope opens, or too few groups do; the message gives a reason for each key.
        KeyServiceError: every key tried failed for want of its service.
        IntegrityError: what was unwrapped is no data key.
    """
    return combine(metadata, open_groups(metadata, keys, order))


def open_groups(metadata: Metadata, keys: Keys, order: Sequence[str] = DEFAULT_ORDER) -> OpenedGroups:
    """Unwrap one envelope of each group: of the kinds in `order` first, in the file's order within a kind."""
    failures: list[tuple[str, SecretsyncError]] = []
    return OpenedGroups([_open(group, keys, order, failures) for group in metadata.groups], failures)


def combine(metadata: Metadata, opened: OpenedGroups) -> SecretBytes:
    """Return the data key from what the groups gave. Raises: as `recover`."""
    parts = [part for part in opened.parts if part is not None]
    if len(metadata.groups) == 1:
        if not parts:
            raise _no_key("no identity here opens this file", opened.failures)
        return _checked(parts[0])
    if len(parts) < metadata.shamir_threshold:
        needed, groups = metadata.shamir_threshold, len(metadata.groups)
        raise _no_key(f"{len(parts)} of {groups} key groups open, {needed} are needed", opened.failures)
    try:
        return _checked(SecretBytes(shamir.combine([part.expose() for part in parts])))
    except ValueError as error:
        raise _no_key(f"the shares of the data key cannot be combined: {error}", opened.failures) from None


def wrap(
    groups: Sequence[Sequence[MasterKey]], data_key: SecretBytes, keys: Keys, *, now: datetime, threshold: int = 0
) -> tuple[list[list[Envelope]], int]:
    """Wrap the data key for every recipient; several groups get one Shamir share each.

    Returns the envelopes by group and the threshold to store: for several groups, 0 becomes their number.

    Raises:
        ConfigError: no group, an empty one, or a threshold that the number of groups does not allow.
    """
    if not groups:
        raise ConfigError("no key groups: nobody could open the file", hint="name a recipient, as in --age age1…")
    if not all(groups):
        raise ConfigError("empty key group: nobody could open its share", hint="name a recipient, as in --age age1…")
    shares = [data_key]
    if len(groups) > 1:
        threshold = threshold or len(groups)
        shares = split(data_key, parts=len(groups), threshold=threshold)
    return [
        [envelope(one, share, keys, now) for one in group] for group, share in zip(groups, shares, strict=True)
    ], threshold


def envelope(recipient: MasterKey, part: SecretBytes, keys: Keys, now: datetime) -> Envelope:
    """Wrap the data key, or a group's share of it, for one recipient; most kinds record when."""
    fields = dict(keys.wrap(recipient.kind, recipient.name, part))
    if recipient.kind not in KINDS or KINDS[recipient.kind].records_created_at:
        fields.setdefault("created_at", timestamp(now))
    return Envelope(recipient.kind, fields)


def split(data_key: SecretBytes, *, parts: int, threshold: int) -> list[SecretBytes]:
    """Return `parts` shares of 33 bytes. Raises: ConfigError for a threshold that is not 2 to `parts`."""
    try:
        return [SecretBytes(share) for share in shamir.split(data_key.expose(), parts=parts, threshold=threshold)]
    except ValueError as error:
        raise ConfigError(f"cannot share the data key between {parts} key groups: {error}") from None


def in_order(group: list[Envelope], order: Sequence[str]) -> list[Envelope]:
    """Return the envelopes of a group in the order they are tried: kinds in `order` first."""
    if len(group) < 2:
        return group
    rank = {kind: position for position, kind in enumerate(order)}
    return sorted(group, key=lambda envelope: rank.get(envelope.kind, len(rank)))


def _open(
    group: list[Envelope], keys: Keys, order: Sequence[str], failures: list[tuple[str, SecretsyncError]]
) -> SecretBytes | None:
    for envelope in in_order(group, order):
        try:
            return keys.unwrap(envelope.kind, envelope.fields)
        except (IncorrectIdentityError, IntegrityError, FormatError, KeyServiceError, ConfigError) as error:
            failures.append((_name(envelope, keys), error))
    return None


def _name(envelope: Envelope, keys: Keys) -> str:
    try:
        return f"{envelope.kind} {shortened(keys.recipient(envelope.kind, envelope.fields))}"
    except SecretsyncError:
        return envelope.kind


def _no_key(message: str, failures: list[tuple[str, SecretsyncError]]) -> SecretsyncError:
    """Return the error that names every key tried, in the class of their common cause if that is a key service."""
    causes = "; ".join(f"{name}: {error}" for name, error in failures)
    kinds = {type(error) for _, error in failures}
    kind = kinds.pop() if len(kinds) == 1 else NoIdentityMatchError
    if not issubclass(kind, KeyServiceError):
        kind = NoIdentityMatchError
    hint = next((error.hint for _, error in failures if error.hint), None)
    return kind(f"{message} ({causes})" if causes else message, hint=hint or "run: secretsync doctor")


def _checked(data_key: SecretBytes) -> SecretBytes:
    if len(data_key) not in (16, 24, DATA_KEY_SIZE):  # the AES key sizes, which is all that sops asks
        raise IntegrityError(f"the envelope holds no data key of 32 bytes but {len(data_key)} bytes")
    return data_key
