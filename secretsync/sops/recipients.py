"""Who can open a file, and changing that without touching its values: `updatekeys`, `groups add` and `groups delete`.

An envelope whose share of the data key stays the same stays byte-identical. A removed recipient can still open what was
encrypted before, and keeps the data key it may have seen until the file is rotated.
Source: sops cmd/sops/subcommand/updatekeys, common `DiffKeyGroups` at v3.13.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import secretsync.sops.block as blocks
import secretsync.sops.datakey as datakey
import secretsync.sops.metadata as metadata
from secretsync.documents.stores import store_named
from secretsync.documents.tree import Mapping
from secretsync.errors import ConfigError, shortened
from secretsync.late import LateModule
from secretsync.secrecy import SecretBytes
from secretsync.sops.comparison import counterparts, of_file
from secretsync.sops.datakey import Keys, MasterKey
from secretsync.sops.metadata import Envelope, Metadata
from secretsync.sops.open_file import OpenOptions, load
from secretsync.sops.regrouping import regrouped

if TYPE_CHECKING:
    from secretsync.crypto import shamir
else:
    shamir = LateModule("secretsync.crypto.shamir")  # most files have one key group


@dataclass(frozen=True, slots=True)
class GroupChange:
    """What happens to one key group, by identity string."""

    kept: list[str]
    added: list[str]
    removed: list[str]


@dataclass(frozen=True, slots=True)
class KeyUpdate:
    """What `update_keys` would do; `changed` false means already up to date."""

    groups: list[GroupChange]
    old_threshold: int
    new_threshold: int

    @property
    def changed(self) -> bool:
        """Whether anybody gains or loses access, or the threshold changes; the order of keys does not count."""
        return self.old_threshold != self.new_threshold or any(one.added or one.removed for one in self.groups)


@dataclass(frozen=True, slots=True)
class Update:
    """The outcome: the file's new bytes (the old ones where nothing changes), the plan, and warnings."""

    data: bytes
    plan: KeyUpdate
    warnings: list[str] = field(default_factory=list)


def plan_update(
    found: Metadata, groups: Sequence[Sequence[MasterKey]], keys: Keys, *, threshold: int | None = None
) -> KeyUpdate:
    """Compare a file's groups with wanted ones, index by index: another spelling of a key is the same key.

    `threshold` None keeps the file's, at most the number of groups, as sops does.
    """
    olds = of_file(found, keys)
    changes = []
    for index in range(max(len(olds), len(groups))):
        ours = olds[index] if index < len(olds) else []
        theirs = groups[index] if index < len(groups) else []
        same = counterparts(ours, theirs, keys)
        kept = set(same.values())
        changes.append(
            GroupChange(
                kept=[one.name for one in theirs if one in kept],
                added=[one.name for one in theirs if one not in kept],
                removed=[one.name for one in ours if one not in same],
            )
        )
    wanted = found.shamir_threshold if threshold is None else threshold
    return KeyUpdate(changes, found.shamir_threshold, min(wanted, len(groups)))


def update_keys(
    data: bytes,
    groups: Sequence[Sequence[MasterKey]],
    options: OpenOptions,
    *,
    now: datetime,
    threshold: int | None = None,
) -> Update:
    """Make `groups` the recipients of the file, under its data key; values, MAC and `lastmodified` stay.

    Raises:
        MetadataError and the like: the file cannot be read.
        NoIdentityMatchError: the data key cannot be recovered.
        ConfigError: an empty group, or an impossible threshold.
    """
    source = load(data, options)
    bare, found = metadata.split(source.documents)
    plan = plan_update(found, groups, options.keys, threshold=threshold)
    if not plan.changed:
        return Update(data, plan)
    if not groups or not all(groups):
        raise ConfigError("empty key group: nobody could open its share")
    envelopes, stored = _rewrapped(found, groups, options, threshold=plan.new_threshold, now=now)
    block = blocks.with_groups(found.block, envelopes, threshold=stored)
    store = store_named(options.store)
    output = store.rewrite(source, blocks.attach(bare, block, source.documents), encrypted=True)
    _check(load(output, options).documents, envelopes)
    return Update(output, plan, _farewell(plan))


def _rewrapped(
    found: Metadata, groups: Sequence[Sequence[MasterKey]], options: OpenOptions, *, threshold: int, now: datetime
) -> tuple[list[list[Envelope]], int]:
    """Return the envelopes of the new groups and the threshold to store, keeping those whose share stays."""
    keys = options.keys
    opened = datakey.open_groups(found, keys, options.decryption_order)
    data_key = datakey.combine(found, opened)
    same_shares = len(groups) == len(found.groups) and (len(groups) == 1 or threshold == found.shamir_threshold)
    if not same_shares:
        return datakey.wrap(groups, data_key, keys, threshold=threshold, now=now)
    known: list[SecretBytes] = [part for part in opened.parts if part is not None]
    result = []
    for index, group in enumerate(groups):
        part = opened.parts[index]
        if part is None:
            shares = [one.expose() for one in known]
            part = SecretBytes(shamir.share_at(shares, index + 1))
        result.append(regrouped(found.groups[index], group, part, keys, now))
    return result, threshold


def _check(documents: list[Mapping], envelopes: list[list[Envelope]]) -> None:
    """Read the block back, so that a file nobody can open is never returned."""
    again = metadata.split(documents)[1]
    wrapped = [sorted(str(one.fields.get("enc")) for one in group) for group in envelopes]
    if wrapped != [sorted(str(one.fields.get("enc")) for one in group) for group in again.groups]:
        raise ConfigError("the new envelopes would not read back")


def _farewell(plan: KeyUpdate) -> list[str]:
    names = sorted({name for group in plan.groups for name in group.removed})
    return [
        f"{shortened(name)} could open this file until now and may know its data key; run: secretsync rotate"
        for name in names
    ]
