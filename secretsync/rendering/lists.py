"""Lists: the objects inside are finished one by one, and what is around them as an object of its own.

Kubernetes takes every object for one whose `items` is a list, and gives items that name no kind that of the list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import secretsync.rendering.objects as objects
from secretsync.documents.tree import Comment, Entry, Mapping, Node, Scalar, Sequence
from secretsync.errors import ManifestError, PlaintextError
from secretsync.rendering.options import RenderContext
from secretsync.rendering.units import OpenedObject, open_units


def finish_list(
    opened: OpenedObject,
    finish_item: Callable[[OpenedObject], Mapping],
    finish: Callable[[OpenedObject, RenderContext], Mapping],
    context: RenderContext,
) -> Mapping:
    """Return a list with its items finished.

    Raises:
        ManifestError: an item is no object.
        PlaintextError: a Secret is to be sealed that is a list to Kubernetes.
        SecretsyncError: as `finish` and `finish_item` say.
    """
    seals = context.options.mode == "seal"
    if seals and objects.kind_of(opened.after) == "Secret":
        raise PlaintextError(
            "the Secret has items, which makes it a list to Kubernetes: it cannot be sealed",
            location=f"{opened.location} items".strip(),
        )
    before, after = _shells(opened)
    shell = OpenedObject(opened.location, before, after, opened.data_key)
    items = _finished_items(opened, finish_item, context)
    finished = finish(shell, context)
    if finished is shell.after:
        finished = opened.after
    else:
        items = _with_comments(items, finished.get("items"))
    finished = objects.replaced(finished, "items", items)
    if objects.kind_of(opened.after) == "SecretList" and seals:
        finished = objects.replaced(finished, "kind", Scalar("List"))
    return finished


def _shells(opened: OpenedObject) -> tuple[Mapping, Mapping]:
    """Return what is around the items of a list, as it came and decrypted: of these only comments, which are no object's.

    What is a comment once it is decrypted need not have been one before.
    """
    old, new = opened.before.get("items"), opened.after.get("items")
    assert type(old) is Sequence
    assert type(new) is Sequence
    pairs = [(one, other) for one, other in zip(old.items, new.items, strict=True) if type(other) is Comment]
    after = objects.replaced(opened.after, "items", Sequence([other for _, other in pairs]))
    if opened.after is opened.before:
        return after, after
    return objects.replaced(opened.before, "items", Sequence([one for one, _ in pairs])), after


def _with_comments(items: Sequence, finished: Node | None) -> Sequence:
    """Return `items` with the comments among them as they are in the finished shell."""
    assert type(finished) is Sequence
    comments = iter(finished.items)
    shown = [next(comments) if type(item) is Comment else item for item in items.items]
    if all(new is old for new, old in zip(shown, items.items, strict=True)):
        return items
    return Sequence(shown, items.span, items.flow, items.alias)


def _finished_items(
    opened: OpenedObject, finish_item: Callable[[OpenedObject], Mapping], context: RenderContext
) -> Sequence:
    after = objects.items_of(opened.after)
    assert after is not None
    before = opened.before.get("items")  # perhaps no list of objects yet: sops writes comments as elements
    assert type(before) is Sequence
    inner = [item for item in after.items if type(item) is Mapping]
    if opened.data_key is None:
        members = open_units(inner, context.keys, lambda index: _place(opened, index), context.warnings)
    else:
        olds = [item for item in before.items if type(item) is Mapping]
        members = [
            OpenedObject(_place(opened, index), old, new, opened.data_key)
            for index, (old, new) in enumerate(zip(olds, inner, strict=True))
        ]
    if objects.listed_kind(opened.after) == "Secret":
        for member in members:
            _name_kind(member, objects.text_of(opened.after.get("apiVersion")) or "v1")
    finished = iter([finish_item(member) for member in members])
    return objects.mapped(after, lambda index, item: _next_item(opened, index, item, finished))


def _next_item(opened: OpenedObject, index: int, item: Node, finished: Iterator[Mapping]) -> Node:
    if type(item) is not Mapping:
        raise ManifestError("an item of a List is not an object", location=_place(opened, index))
    return next(finished)


def _place(opened: OpenedObject, index: int) -> str:
    return f"{opened.location} items[{index}]".strip()


def _name_kind(member: OpenedObject, version: str) -> None:
    """Give an item the kind of its list where it names none: absent, null, empty or no text."""
    if objects.kind_of(member.after):
        return
    named = {"kind": Scalar("Secret")}
    if not objects.text_of(member.after.get("apiVersion")):
        named = {"apiVersion": Scalar(version), **named}
    same = member.after is member.before
    member.before = _named(member.before, named)
    member.after = member.before if same else _named(member.after, named)


def _named(obj: Mapping, named: dict[str, Scalar]) -> Mapping:
    added = [Entry(Scalar(name), text) for name, text in named.items() if obj.get(name) is None]
    for name, text in named.items():
        if obj.get(name) is not None:
            obj = objects.replaced(obj, name, text)
    return Mapping([*added, *obj.items], obj.span, obj.flow, obj.alias) if added else obj
