"""Which documents of the three sides are one another, and the merge of all of them.

By their place, as long as no object has moved to another one; else by what Kubernetes tells objects apart by. So what
is meant for one object never gets into another.
"""

from __future__ import annotations

from collections.abc import Hashable
from collections.abc import Sequence as Items
from typing import NamedTuple

from secretsync.documents.tree import Mapping, Node, Scalar
from secretsync.merging.commented import Order
from secretsync.merging.conflicts import Choices, ConflictKind, MergeConflict, Side, Values
from secretsync.merging.trees import Note, TreeMerge


class MergedTrees(NamedTuple):
    """The merged documents in the clear, what could not be merged, and what else a person should know."""

    documents: list[Mapping]
    conflicts: list[MergeConflict]
    notes: list[Note]

    def __repr__(self) -> str:
        return f"MergedTrees({len(self.documents)} documents, {self.conflicts!r})"


class _Aligned(NamedTuple):
    """The documents of each side by what identifies them, in order."""

    base: dict[Hashable, Mapping]
    ours: dict[Hashable, Mapping]
    theirs: dict[Hashable, Mapping]


def merge_documents(
    base: Items[Mapping], ours: Items[Mapping], theirs: Items[Mapping], *, choices: Choices | None = None
) -> MergedTrees:
    """Return the merge of three plain files, without their `sops` blocks; an empty `base` is an empty tree.

    At a conflict the result has what ours has, or what `choices` says for its number.
    """
    merge = TreeMerge(choices or {})
    aligned = _aligned(base, ours, theirs)
    if aligned is None:
        merge.document = 0
        merge.conflict(ConflictKind.DOCUMENTS, Values(), ())
        taken = theirs if (choices or {}).get(1) is Side.THEIRS else ours
        return MergedTrees([*taken], merge.conflicts, merge.notes)
    order = Order([*aligned.ours], [*aligned.theirs])
    added = {key for key in aligned.theirs if key not in aligned.base}
    places = {key: at for at, key in enumerate(order.of(added | {*aligned.ours}), 1)}
    merged: dict[Hashable, Mapping] = {}
    for key in dict.fromkeys((*aligned.ours, *aligned.theirs)):
        merge.document = places.get(key, len(places) + 1)
        root = merge.value(_base(base, aligned, key), aligned.ours.get(key), aligned.theirs.get(key), ())
        if isinstance(root, Mapping):
            merged[key] = root
    return MergedTrees([merged[key] for key in order.of({*merged})], merge.conflicts, merge.notes)


def _base(base: Items[Mapping], aligned: _Aligned, key: Hashable) -> Mapping | None:
    return aligned.base.get(key) if base else Mapping()


def _aligned(base: Items[Mapping], ours: Items[Mapping], theirs: Items[Mapping]) -> _Aligned | None:
    """Return the documents by place or by identity, None where neither tells them apart."""
    sides = [each for each in (base, ours, theirs) if each or each is not base]
    named = [[_identity(document) for document in each] for each in sides]
    if len({len(each) for each in sides}) == 1 and not _has_moved(named):
        keys: list[list[Hashable]] = [[*range(len(each))] for each in (base, ours, theirs)]
    elif all(None not in each and len({*each}) == len(each) for each in named):
        keys = [[_identity(document) for document in each] for each in (base, ours, theirs)]
    else:
        return None
    return _Aligned(
        *(dict(zip(names, each, strict=True)) for names, each in zip(keys, (base, ours, theirs), strict=True))
    )


def _has_moved(named: list[list[Hashable]]) -> bool:
    """Whether an object stands at different places on different sides."""
    places: dict[Hashable, set[int]] = {}
    for side in named:
        for place, name in enumerate(side):
            if name is not None:
                places.setdefault(name, set()).add(place)
    return any(len(each) > 1 for each in places.values())


def _identity(document: Mapping) -> Hashable:
    """Return kind, namespace and name of an object, None for what has no kind or no name."""
    metadata = document.get("metadata")
    if not isinstance(metadata, Mapping):
        return None
    kind, name = _text(document.get("kind")), _text(metadata.get("name"))
    return (kind, _text(metadata.get("namespace")), name) if kind and name else None


def _text(node: Node | None) -> str:
    return node.value if isinstance(node, Scalar) and isinstance(node.value, str) else ""
