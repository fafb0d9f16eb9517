"""Key ring files as text: principals, retired keys and name lists, changed in place so that comments stay."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final

from secretsync.configuration import API_VERSION
from secretsync.documents.plain import from_plain
from secretsync.documents.stores import store_named
from secretsync.documents.tree import Comment, Entry, Mapping, Node, Scalar, Sequence
from secretsync.errors import ConfigError, SecretsyncError
from secretsync.keyring.model import Principal, PublicKey, Retired

_INDENT: Final = 2


@dataclass(frozen=True, slots=True)
class Document:
    """One key ring file, loaded to be changed; `path` is for messages."""

    data: bytes
    path: str

    def change(self, change: Callable[[Mapping], Mapping]) -> bytes:
        """Return the file with its root changed, every other byte kept. Raises: ConfigError."""
        try:
            source = store_named("yaml").load(self.data)
            root = source.documents[0] if source.documents else Mapping()
            return store_named("yaml").rewrite(source, [change(root)])
        except SecretsyncError as error:
            raise ConfigError(error.message, location=f"{self.path} {error.location or ''}".strip()) from None


def dump(values: dict[str, object], comment: str = "") -> bytes:
    """Return a new file that holds `values`, under a comment of one or more lines."""
    root = from_plain(values)
    assert isinstance(root, Mapping)
    comments = [Comment(f" {line}") for line in comment.splitlines()]
    return store_named("yaml").dump([Mapping([*comments, *root.items])], indent=_INDENT)


def principal(one: Principal) -> bytes:
    """Return the file of a new principal."""
    values: dict[str, object] = {"apiVersion": API_VERSION, "kind": "Principal", "name": one.name}
    if one.owner:
        values["owner"] = one.owner
    return dump({**values, "keys": [key_fields(key) for key in one.keys]})


def retired(name: str, entries: list[Retired]) -> bytes:
    """Return a new file of retired keys."""
    return dump(
        {"apiVersion": API_VERSION, "kind": "Retired", "name": name, "keys": [retired_fields(each) for each in entries]}
    )


def key_fields(key: PublicKey) -> dict[str, object]:
    """Return a key as its file spells it."""
    fields: dict[str, object] = {
        "id": key.id,
        "type": key.type,
        "recipient": key.recipient,
        "status": key.status,
        "created": _day(key.created),
        "not_before": _day(key.not_before),
        "expires": _day(key.expires),
        "custody": key.custody,
        "proof": dict(key.proof),
        "reason": key.reason,
    }
    return {name: value for name, value in fields.items() if value}


def retired_fields(entry: Retired) -> dict[str, object]:
    """Return a retired key as its file spells it."""
    fields: dict[str, object] = {
        **key_fields(entry.key),
        "retired_at": _day(entry.retired_at),
        "retired_because": entry.reason,
        "compromised_since": _day(entry.compromised_since),
        "replaced_by": entry.replaced_by,
    }
    return {name: value for name, value in fields.items() if value}


def append(data: bytes, path: str, name: str, *values: object) -> bytes:
    """Return a file with `values` at the end of the list called `name`, which is made where it is missing."""
    nodes = [from_plain(value) for value in values]
    return Document(data, path).change(lambda root: _with_items(root, name, nodes))


def without_keys(data: bytes, path: str, ids: set[str]) -> bytes:
    """Return a principal's file without the keys of these ids."""

    def change(root: Mapping) -> Mapping:
        keys = root.get("keys")
        if not isinstance(keys, Sequence):
            return root
        kept = [item for item in keys.items if not (isinstance(item, Mapping) and _text(item.get("id")) in ids)]
        none = not any(isinstance(item, Mapping) for item in kept)
        return _with(root, "keys", Sequence([] if none else kept))

    return Document(data, path).change(change)


def with_key_field(data: bytes, path: str, key_id: str, field: str, value: object) -> bytes:
    """Return a principal's file with one field of one key set."""

    def one(item: Node | Comment) -> Node | Comment:
        if not isinstance(item, Mapping) or _text(item.get("id")) != key_id:
            return item
        if item.get(field) is None:
            return Mapping([*item.items, Entry(Scalar(field), from_plain(value))])
        return _with(item, field, from_plain(value))

    def change(root: Mapping) -> Mapping:
        keys = root.get("keys")
        return _with(root, "keys", Sequence([one(item) for item in keys.items])) if isinstance(keys, Sequence) else root

    return Document(data, path).change(change)


def with_member(data: bytes, path: str, group: str, name: str) -> bytes:
    """Return `groups.yaml` with `name` at the end of a group's members."""

    def change(root: Mapping) -> Mapping:
        groups = root.get("groups")
        members = groups.get(group) if isinstance(groups, Mapping) else None
        if not isinstance(groups, Mapping) or not isinstance(members, Mapping):
            return root
        present = members.get("members")
        items = present.items if isinstance(present, Sequence) else []
        flow = present.flow if isinstance(present, Sequence) else True
        longer = Sequence([*items, Scalar(name)], flow=flow)
        return _with(root, "groups", _with(groups, group, _with(members, "members", longer)))

    return Document(data, path).change(change)


def with_pin(data: bytes, path: str, fields: dict[str, str]) -> bytes:
    """Return `policy.yaml` with a cluster's pin changed where it stands, or added."""

    def change(root: Mapping) -> Mapping:
        pins = root.get("sealing")
        items = pins.items if isinstance(pins, Sequence) else []
        found = [
            item for item in items if isinstance(item, Mapping) and _text(item.get("cluster")) == fields["cluster"]
        ]
        if not found:
            return _with_items(root, "sealing", [from_plain(fields)])
        new = found[0]
        for name, value in fields.items():
            new = _with(new, name, Scalar(value))
        return _with(root, "sealing", Sequence([new if item is found[0] else item for item in items]))

    return Document(data, path).change(change)


def without_names(data: bytes, path: str, names: set[str]) -> bytes:
    """Return `groups.yaml` or `policy.yaml` with `names` taken out of every list of names."""

    def without(items: list[Node | Comment]) -> list[Node | Comment]:
        return [item for item in items if _text(item) not in names]

    return Document(data, path).change(lambda root: _in_lists(root, without))


def with_names(data: bytes, path: str, names: dict[str, str]) -> bytes:
    """Return `groups.yaml` or `policy.yaml` with each of `names` in a list of names called as it says."""

    def renamed(items: list[Node | Comment]) -> list[Node | Comment]:
        return [Scalar(names[_text(item)]) if _text(item) in names else item for item in items]

    return Document(data, path).change(lambda root: _in_lists(root, renamed))


def renamed_principal(data: bytes, path: str, name: str, key_ids: dict[str, str]) -> bytes:
    """Return a principal's file under another name, with other ids for some of its keys."""

    def one(item: Node | Comment) -> Node | Comment:
        if isinstance(item, Mapping) and (key_id := _text(item.get("id"))) in key_ids:
            return _with(item, "id", Scalar(key_ids[key_id]))
        return item

    def change(root: Mapping) -> Mapping:
        named = _with(root, "name", Scalar(name))
        keys = root.get("keys")
        return (
            _with(named, "keys", Sequence([one(item) for item in keys.items])) if isinstance(keys, Sequence) else named
        )

    return Document(data, path).change(change)


_NAME_LISTS: Final = frozenset({"members", "readers", "require"})


def _in_lists(root: Mapping, change: Callable[[list[Node | Comment]], list[Node | Comment]]) -> Mapping:
    """Return a mapping with every list of names in it changed, and nothing else: a path may be spelled like a name."""

    def node(value: Node, *, names: bool) -> Node:
        if isinstance(value, Mapping):
            return _in_lists(value, change)
        if not isinstance(value, Sequence):
            return value
        items = [item if isinstance(item, Comment) else node(item, names=False) for item in value.items]
        return Sequence(change(items) if names else items, flow=value.flow)

    items: list[Entry | Comment] = [
        Entry(item.key, node(item.value, names=item.key.value in _NAME_LISTS)) if isinstance(item, Entry) else item
        for item in root.items
    ]
    return Mapping(items, flow=root.flow)


def _with_items(root: Mapping, name: str, nodes: list[Node]) -> Mapping:
    present = root.get(name)
    items = present.items if isinstance(present, Sequence) else []
    flow = isinstance(present, Sequence) and present.flow and bool(items)
    longer = Sequence([*items, *nodes], flow=flow)
    if name not in [entry.key.value for entry in root.entries()]:
        return Mapping([*root.items, Entry(Scalar(name), longer)])
    return _with(root, name, longer)


def _with(root: Mapping, name: str, value: Node) -> Mapping:
    def one(item: Entry | Comment) -> Entry | Comment:
        return Entry(item.key, value) if isinstance(item, Entry) and item.key.value == name else item

    return Mapping([one(item) for item in root.items], flow=root.flow)


def _text(node: object) -> str:
    return node.value if isinstance(node, Scalar) and isinstance(node.value, str) else ""


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""
