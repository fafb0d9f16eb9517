"""The data key of a file for the groups of an earlier version: envelopes that a wanted recipient has already are kept.

A key that asks for a touch or for money is not asked again for what is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from secretsync.sops.comparison import counterparts
from secretsync.sops.datakey import Keys, MasterKey, envelope, wrap
from secretsync.sops.metadata import Envelope, Metadata

if TYPE_CHECKING:
    from datetime import datetime

    from secretsync.secrecy import SecretBytes


def wrap_again(
    groups: Sequence[Sequence[MasterKey]],
    data_key: SecretBytes,
    keys: Keys,
    *,
    now: datetime,
    earlier: Metadata,
    threshold: int = 0,
) -> tuple[list[list[Envelope]], int]:
    """Wrap the data key of an earlier version: one group keeps the envelopes it had, several get new shares.

    Raises: as `wrap`.
    """
    if len(groups) != 1 or not groups[0] or len(earlier.groups) != 1:
        return wrap(groups, data_key, keys, now=now, threshold=threshold)
    return [regrouped(earlier.groups[0], groups[0], data_key, keys, now)], threshold


def regrouped(
    found: list[Envelope], wanted: Sequence[MasterKey], part: SecretBytes, keys: Keys, now: datetime
) -> list[Envelope]:
    """Return the envelopes of one group for the wanted recipients: those found for the same part, else new ones."""
    present = {MasterKey(one.kind, keys.recipient(one.kind, one.fields)): one for one in found}
    kept = {theirs: present[ours] for ours, theirs in counterparts(present, wanted, keys).items()}
    return [kept.get(one) or envelope(one, part, keys, now) for one in wanted]
