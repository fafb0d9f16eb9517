"""How two changed lists are put together: by the identity of their items, or as additions at the end; else not at all.

Never by position: additional data holds none, so a list that shifted would open, and be wrong.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

from secretsync.documents.tree import Mapping, Node, Scalar
from secretsync.merging.values import Contents

IDENTITIES: Final = ("name", "id", "key")
"""The fields that tell the items of a list apart, the first that all have."""


def identities(lists: list[list[Node]], contents: Contents) -> list[list[Hashable]] | None:
    """Return what identifies each item of each list, None where no field does: all have it, unique within each list."""
    for field in IDENTITIES:
        found = [[_identity(item, field, contents) for item in each] for each in lists]
        if all(None not in each and len(set(each)) == len(each) for each in found):
            return found
    return None


def appended(base: list[Node], ours: list[Node], theirs: list[Node], contents: Contents) -> list[int] | None:
    """Return which items of theirs to put behind all of ours, None where not both only appended to base."""
    known = [contents.of(item) for item in base]
    mine, others = ([contents.of(item) for item in each] for each in (ours, theirs))
    if mine[: len(known)] != known or others[: len(known)] != known:
        return None
    added = set(mine[len(known) :])
    return [at for at, item in enumerate(others) if at >= len(known) and item not in added]


def _identity(item: Node, field: str, contents: Contents) -> Hashable:
    value = item.get(field) if isinstance(item, Mapping) else None
    return contents.of(value) if isinstance(value, Scalar) and value.value is not None else None
