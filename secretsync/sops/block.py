"""Writing the `sops` block: new in sops' order, or changed in place with everything else in it kept.

New fields are alphabetical, as sops 3.13 writes them; in a found block, order, spelling of names, unknown fields and
unchanged envelopes stay the very nodes they were. Source: sops stores/metadata.go, stores.go at v3.13.3.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from secretsync.documents.tree import Comment, Entry, Mapping, Node, Scalar, Sequence
from secretsync.masterkeys.kinds import KINDS
from secretsync.sops.metadata import KEY, Envelope

VERSION: Final = "3.13.3"
"""What new files say wrote them: the sops whose format they are in."""


def fresh(fields: dict[str, str | bool | int], groups: list[list[Envelope]]) -> Mapping:
    """Return a new block; false, 0 and empty fields are left out."""
    block = with_groups(Mapping(), groups)
    for name, value in fields.items():
        if value:
            block = with_field(block, name, Scalar(value))
    return block


def with_fields(block: Mapping, **fields: str) -> Mapping:
    """Return the block with these text fields in place of the old; equal ones keep their nodes."""
    for name, value in fields.items():
        old = _find(block, name)
        if not (old is not None and isinstance(old.value, Scalar) and old.value.value == value):
            block = with_field(block, name, Scalar(value))
    return block


def newer_version(found: str) -> str:
    """Return what an edit stores: our version if it is newer, as sops does."""
    ours = [int(part) for part in VERSION.split(".")]
    core = found.removeprefix("v").split("-")[0].split("+")[0].split(".")
    if found.startswith("1.") or [int(part) for part in core] < ours:
        return VERSION
    return found


def with_groups(block: Mapping, groups: list[list[Envelope]], *, threshold: int = 0) -> Mapping:
    """Return the block with these key groups: one stands directly in it, several under `key_groups`."""
    if threshold:
        block = with_field(block, "shamir_threshold", Scalar(threshold))
    elif _find(block, "shamir_threshold"):
        block = without_field(block, "shamir_threshold")
    flat = groups[0] if len(groups) == 1 else []
    for kind in KINDS:
        block = _with_list(block, kind, [_node(each) for each in flat if each.kind == kind])
    old = _find(block, "key_groups")
    if len(groups) == 1:
        return without_field(block, "key_groups") if old else block
    known = [*old.value.items] if old and isinstance(old.value, Sequence) else []
    members = [one for one in known if isinstance(one, Mapping)]
    return with_field(block, "key_groups", Sequence([_group_node(group, members) for group in groups]))


def with_field(block: Mapping, name: str, value: Node) -> Mapping:
    """Return the block with one entry changed where it stands, or added in alphabetical order."""
    old = _find(block, name)
    if old is not None:
        return Mapping([Entry(old.key, value) if item is old else item for item in block.items], block.span, block.flow)
    names = [str(entry.key.value) for entry in block.entries()]
    place = len(block.items)
    if names == sorted(names):
        later = (at for at, item in enumerate(block.items) if isinstance(item, Entry) and str(item.key.value) > name)
        place = next(later, place)
    return Mapping([*block.items[:place], Entry(Scalar(name), value), *block.items[place:]], block.span, block.flow)


def without_field(block: Mapping, name: str) -> Mapping:
    """Return the block without an entry."""
    old = _find(block, name)
    return Mapping([item for item in block.items if item is not old], block.span, block.flow)


def attach(documents: list[Mapping], block: Mapping, found: list[Mapping] | None = None) -> list[Mapping]:
    """Return the documents with a copy of the block each: where the found document had it, else at the end."""
    return [
        _attached(document, block, found[index] if found and index < len(found) else None)
        for index, document in enumerate(documents)
    ]


def _attached(document: Mapping, block: Mapping, found: Mapping | None) -> Mapping:
    items = list(document.items)
    olds = found.items if found else []
    at = next((i for i, item in enumerate(olds) if isinstance(item, Entry) and item.key.value == KEY), len(olds))
    key = olds[at].key if at < len(olds) else Scalar(KEY)  # type: ignore[union-attr]  # an Entry by the line above
    followers = {id(item) for item in olds[at + 1 :]} | {_name(item) for item in olds[at + 1 :]}
    place = next(
        (i for i, item in enumerate(items) if id(item) in followers or (_name(item) and _name(item) in followers)),
        len(items),
    )
    return Mapping([*items[:place], Entry(key, block), *items[place:]], document.span, document.flow)


def _name(item: Entry | Comment) -> object:
    return item.key.value if isinstance(item, Entry) else None


def _with_list(block: Mapping, kind: str, nodes: list[Mapping]) -> Mapping:
    old = _find(block, kind)
    items = old.value.items if old and isinstance(old.value, Sequence) else []
    elements = [item for item in items if not isinstance(item, Comment)]
    if _same(elements, nodes) or (not nodes and not old):
        return block
    if not nodes:
        return without_field(block, kind)
    comments = [item for item in items if isinstance(item, Comment)]
    keep: list[Node | Comment] = [*comments, *nodes] if comments else [*nodes]
    return with_field(block, kind, Sequence(keep))


def _group_node(group: list[Envelope], known: Iterable[Mapping]) -> Mapping:
    """Return one element of `key_groups`: a known one if it holds just these envelopes, else a new one."""
    nodes = {kind: [_node(each) for each in group if each.kind == kind] for kind in sorted(KINDS)}
    for member in known:
        lists = {entry.key.value: entry.value for entry in member.entries()}
        found = {kind: [*lists[kind].items] for kind in nodes if isinstance(lists.get(kind), Sequence)}  # type: ignore[union-attr]
        if all(_same(found.get(kind, []), nodes[kind]) for kind in nodes):
            return member
    # Source: stores.go `keygroup`, whose lists lack omitempty for some kinds.
    return Mapping(
        [
            Entry(Scalar(kind), Sequence([*members]))
            for kind, members in nodes.items()
            if members or KINDS[kind].always_written
        ]
    )


def _node(envelope: Envelope) -> Mapping:
    if envelope.node is not None:
        return envelope.node
    return Mapping([Entry(Scalar(name), _plain(value)) for name, value in sorted(envelope.fields.items())])


def _plain(value: object) -> Node:
    if isinstance(value, dict):
        return Mapping([Entry(Scalar(name), _plain(inner)) for name, inner in sorted(value.items())])
    return Scalar(str(value))


def _find(block: Mapping, name: str) -> Entry | None:
    """Return the entry that sops reads as `name`: of that very name, else in other case."""
    folded = None
    for entry in block.entries():
        if entry.key.value == name:
            return entry
        if folded is None and str(entry.key.value).lower() == name:
            folded = entry
    return folded


def _same(olds: list[Node], news: list[Mapping]) -> bool:
    return len(olds) == len(news) and all(old is new for old, new in zip(olds, news, strict=True))
