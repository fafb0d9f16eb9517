"""The `sops` block of a merged file: a data key, recipients and a selector that are those of one side, as the rule says.

Never a union of recipients: nothing in a block vouches for them, so whoever can push can write one in, and new values
would be wrapped for him. Where the rule for the file vouches for neither side, there is a conflict.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import secretsync.sops.block as blocks
import secretsync.sops.metadata as metadata
from secretsync.documents.pairing import equal
from secretsync.documents.tree import Entry, Mapping, Scalar
from secretsync.errors import SecretsyncError
from secretsync.merging.conflicts import ConflictKind, Side
from secretsync.merging.sides import OpenedSides
from secretsync.sops.comparison import of_file, same_groups
from secretsync.sops.datakey import Keys, MasterKey
from secretsync.sops.metadata import Envelope, Metadata, known_fields
from secretsync.sops.regrouping import wrap_again
from secretsync.sops.selectors import KINDS as SELECTOR_KINDS
from secretsync.sops.selectors import Selector
from secretsync.sops.strangers import quorum

if TYPE_CHECKING:
    from secretsync.keyring.naming import FileRule

Groups: TypeAlias = "Sequence[Sequence[MasterKey]]"
FindRule: TypeAlias = "Callable[[], FileRule | None]"
"""Finds the rule for the file: most merges ask none, and reading it costs as much as the merge."""


class OpenMatter(NamedTuple):
    """What of the metadata could not be decided, and why."""

    kind: ConflictKind
    detail: str


class ChosenKey(NamedTuple):
    """Whose data key and whose block are taken; `envelopes` are new ones for it, None where it keeps its own.

    `recipients` says whose they are, where the sides differ and the rule decided between them.
    """

    side: Side
    block: Mapping
    envelopes: list[list[Envelope]] | None = None
    threshold: int = 0
    recipients: Side | None = None


class Recipients:
    """Decides who can open the result."""

    def __init__(self, sides: OpenedSides, find_rule: FindRule, keys: Keys, now: datetime) -> None:
        self._sides = sides
        self._find_rule = find_rule
        self._keys = keys
        self._now = now
        self._key, _ = sides.with_the_key

    def decide(self, choice: Side | None = None) -> ChosenKey | OpenMatter:
        """Return the envelopes of one side, or why neither side's are taken; `choice` is what a person decided."""
        ours, theirs = (self._sides.of(side).plain.metadata for side in Side)
        if choice is not None:
            found = self._sides.of(choice).plain.metadata
            return self._taken(choice, of_file(found, self._keys), found.shamir_threshold)
        if self._same(ours, of_file(theirs, self._keys), theirs.shamir_threshold):
            return self._own(self._key)
        rule = self._find_rule()
        if rule is None or rule.named is None:
            return OpenMatter(ConflictKind.RECIPIENTS, "differ, and no rule says who they are")
        for side, found in ((Side.OURS, ours), (Side.THEIRS, theirs)):
            if self._same(found, rule.named.groups, rule.named.threshold):
                taken = self._taken(side, rule.named.groups, rule.named.threshold)
                return taken._replace(recipients=side) if isinstance(taken, ChosenKey) else taken
        return OpenMatter(ConflictKind.RECIPIENTS, f"differ, and neither side has those of {rule.place}")

    def _same(self, found: Metadata, groups: Groups, threshold: int) -> bool:
        """Whether a block has exactly these key groups; the order within a group and spellings do not count."""
        mine = of_file(found, self._keys)
        same_quorum = quorum(mine, found.shamir_threshold) == quorum(groups, threshold)
        return same_quorum and same_groups(mine, groups, self._keys)

    def _taken(self, side: Side, groups: Groups, threshold: int) -> ChosenKey | OpenMatter:
        """Return the envelopes of one side; new ones where they are for another data key than the chosen one."""
        if side is self._key or self._sides.same_key:
            return self._own(side)
        found = self._sides.of(self._key).plain
        try:
            envelopes, stored = wrap_again(
                groups, found.data_key, self._keys, now=self._now, earlier=found.metadata, threshold=threshold
            )
        except SecretsyncError as error:
            detail = f"differ, and the new data key cannot be wrapped for all of them here: {error}"
            return OpenMatter(ConflictKind.RECIPIENTS, detail)
        return self._checked(ChosenKey(self._key, found.metadata.block, envelopes, stored))

    def _own(self, side: Side) -> ChosenKey | OpenMatter:
        found = self._sides.of(side).plain.metadata
        return self._checked(ChosenKey(side, found.block))

    def _checked(self, chosen: ChosenKey) -> ChosenKey | OpenMatter:
        """Return the choice, unless it drops fields of the block that we do not know, and that may be envelopes."""
        ours, theirs = (_unknown(self._sides.of(side).plain.metadata.block) for side in Side)
        base = _unknown(self._sides.base.plain.metadata.block) if self._sides.base else None
        if equal(ours, theirs) or (chosen.side is Side.OURS and base is not None and equal(base, theirs)):
            return chosen
        return OpenMatter(ConflictKind.RECIPIENTS, "differ: one block has fields that this version does not know")


class Encrypts(NamedTuple):
    """What of a file is encrypted, and whether the MAC is over that only. `stored` says whether the block says so."""

    selector: Selector
    mac_only: bool
    stored: bool = True

    @classmethod
    def of(cls, found: Metadata) -> Encrypts:
        """Return what a block says."""
        return cls(found.selector, found.mac_only_encrypted, found.stores_selector)

    def is_like(self, other: Encrypts) -> bool:
        """Whether both encrypt the same."""
        return self[:2] == other[:2]


def changed_selector(sides: OpenedSides, find_rule: FindRule) -> Encrypts | OpenMatter | None:
    """Return what the one side says that changed it, as the rule does; None where both sides say the same.

    That it encrypts no less than the other side is for the caller to see, who has the tree.
    """
    ours, theirs = (Encrypts.of(sides.of(side).plain.metadata) for side in Side)
    if ours.is_like(theirs):
        return None
    base = Encrypts.of(sides.base.plain.metadata) if sides.base else None
    if base is None or not (base.is_like(ours) or base.is_like(theirs)):
        return OpenMatter(ConflictKind.SELECTOR, "differs: both sides changed it")
    new = theirs if base.is_like(ours) else ours
    rule = find_rule()
    if rule is None:
        return OpenMatter(ConflictKind.SELECTOR, "differs: one side changed it, and no rule says so")
    if not new.is_like(Encrypts(rule.selector or Selector.default(), rule.mac_only)):
        return OpenMatter(ConflictKind.SELECTOR, f"differs: one side changed it, and not to that of {rule.place}")
    return new


def block_of(chosen: ChosenKey, encrypts: Encrypts) -> Mapping:
    """Return the block of the result, all but its MAC; what stays as it is stays the very nodes it was."""
    block = chosen.block
    found = metadata.parse(block)
    if found.selector != encrypts.selector or found.stores_selector != encrypts.stored:
        for kind in SELECTOR_KINDS:
            block = blocks.without_field(block, kind)
        if encrypts.stored:
            block = blocks.with_field(block, encrypts.selector.kind, Scalar(encrypts.selector.pattern))
    if found.mac_only_encrypted != encrypts.mac_only:
        block = blocks.without_field(block, "mac_only_encrypted")
        block = blocks.with_field(block, "mac_only_encrypted", Scalar(True)) if encrypts.mac_only else block
    if chosen.envelopes is None:
        return block
    return blocks.with_groups(block, chosen.envelopes, threshold=chosen.threshold)


def _unknown(block: Mapping) -> Mapping:
    """Return what of a block this version does not know."""
    known = known_fields()
    return Mapping(
        [each for each in block.items if isinstance(each, Entry) and str(each.key.value).lower() not in known]
    )
