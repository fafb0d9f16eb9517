"""Whether two recipients are one key, however each is spelled. The services are asked only where the texts differ."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, TypeAlias

from secretsync.masterkeys.kinds import canonical, whole
from secretsync.sops.datakey import MasterKey

if TYPE_CHECKING:
    from secretsync.sops.datakey import Keys
    from secretsync.sops.metadata import Metadata

_Spelled: TypeAlias = Callable[[str, str], str]


def of_file(found: Metadata, keys: Keys) -> list[list[MasterKey]]:
    """Return the recipients a file names, by group; the file does not authenticate them."""
    return [
        [MasterKey(envelope.kind, keys.recipient(envelope.kind, envelope.fields)) for envelope in group]
        for group in found.groups
    ]


def counterparts(ours: Collection[MasterKey], theirs: Collection[MasterKey], keys: Keys) -> dict[MasterKey, MasterKey]:
    """Return, for each of `ours` that is one of `theirs`, that one; whoever is left out is nobody of theirs.

    Who names a PGP key names its subkeys, not the other way round. A short PGP id that gpg does not know, or
    knows for several keys, is compared as text.
    """
    found = _matches(ours, theirs, canonical)
    left = [one for one in ours if one not in found]
    kinds = {one.kind for one in left}
    others = [one for one in theirs if one.kind in kinds]
    return found | _matches(left, others, keys.canonical) if left and others else found


def without(some: Sequence[MasterKey], others: Collection[MasterKey], keys: Keys) -> list[MasterKey]:
    """Return those of `some` that are none of `others`."""
    same = counterparts(some, others, keys)
    return [one for one in some if one not in same]


def same_groups(ours: Sequence[Sequence[MasterKey]], theirs: Sequence[Sequence[MasterKey]], keys: Keys) -> bool:
    """Whether key groups hold the same keys, group by group; the order within one does not count, nor do spellings."""
    return len(ours) == len(theirs) and not any(
        without(one, other, keys) or without(other, one, keys) for one, other in zip(ours, theirs, strict=True)
    )


def _matches(
    ours: Collection[MasterKey], theirs: Collection[MasterKey], spelled: _Spelled
) -> dict[MasterKey, MasterKey]:
    known = {(one.kind, spelled(*one)): one for one in theirs}
    found = {}
    for one in ours:
        name = spelled(*one)
        other = known.get((one.kind, name)) or known.get((one.kind, whole(one.kind, name)))
        if other is not None:
            found[one] = other
    return found
