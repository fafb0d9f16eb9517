"""One file through the stages: load, decrypt its units, find SOPS files carried in Secrets, apply the mode, write.

What comes out is bytes; a file in which nothing changed comes out as the bytes it came in with.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Final, NamedTuple

from secretsync.documents import yaml_load
from secretsync.documents.stores import Store, store_named
from secretsync.documents.tree import Entry, Mapping, Node, Scalar, Sequence, Source
from secretsync.errors import DuplicateKeyError, ManifestError, ParseError, SecretsyncError
from secretsync.render import objects
from secretsync.render.context import Context
from secretsync.render.discover import Input
from secretsync.render.options import Format, Mode
from secretsync.render.units import Opened, open_units

_MODES: Final[dict[Mode, str]] = {
    "reveal": "secretsync.render.reveal",
    "seal": "secretsync.render.seal",
    "redact": "secretsync.render.redact",
}
_NO_ITEMS: Final = Sequence()


class Piece(NamedTuple):
    """One rendered file: its place below an output folder, its bytes and how many objects they hold."""

    relpath: str
    format: Format
    data: bytes
    objects: int


def render_file(source: Input, context: Context) -> Piece:
    """Render one file.

    Raises:
        SecretsyncError: whatever is wrong with it, placed at `file#document path`.
    """
    data = source.read(context.options.limits)
    try:
        return _render(source, data, context)
    except SecretsyncError as error:
        raise error.at(source.name) from None


def _render(source: Input, data: bytes, context: Context) -> Piece:
    if _holds_nothing(data):
        return Piece(source.relpath, context.options.output or "yaml", data, 0)
    own, loaded = _load(source, data, context)
    documents, number = _transform(loaded.documents, context)
    written = context.options.output or own
    if written != own:
        data = _converted(documents, store_named(written))
    elif any(new is not old for new, old in zip(documents, loaded.documents, strict=True)):
        data = store_named(own).rewrite(loaded, documents)
    return Piece(source.relpath, written, data, number)


def _holds_nothing(data: bytes) -> bool:
    """Whether there are only comments, blank lines and markers, which the stores refuse as no document."""
    lines = (line.strip() for line in data.splitlines())
    return all(not line or line[:1] == b"#" or line in {b"---", b"..."} for line in lines)


def _load(source: Input, data: bytes, context: Context) -> tuple[Format, Source]:
    limits = context.options.limits
    if source.relpath.endswith(".json"):
        return "json", _without_duplicates(store_named("json").load(data, limits=limits))
    if source.path == "-" and data.lstrip()[:1] == b"{":
        try:
            return "json", _without_duplicates(store_named("json").load(data, limits=limits))
        except ParseError as error:
            if "behind the JSON object" not in error.message:
                raise
    return "yaml", yaml_load.load(data, limits=limits, comments=_may_need_comments(data))


def _may_need_comments(data: bytes) -> bool:
    """Whether comments can matter to decryption: some are ciphertext, or select what is; else they are only text.

    A mark that is spelt with escapes is missed, and the MAC does not hold then.
    """
    return b"type:comment]" in data or b"_comment_regex" in data or data[:2] in {b"\xff\xfe", b"\xfe\xff"}


def _without_duplicates(source: Source) -> Source:
    """Refuse a key that is there twice in a JSON manifest; the YAML store refuses it by itself."""
    waiting: list[Node] = list(source.documents)
    while waiting:
        node = waiting.pop()
        if type(node) is Mapping:
            seen: set[object] = set()
            for entry in node.entries():
                if entry.key.value in seen:
                    raise DuplicateKeyError(f"key {entry.key.value!r} is there twice")
                seen.add(entry.key.value)
                waiting.append(entry.value)
        elif type(node) is Sequence:
            waiting.extend(item for item in node.items if type(item) in {Mapping, Sequence})  # type: ignore[misc]
    return source


def _transform(documents: list[Mapping], context: Context) -> tuple[list[Mapping], int]:
    """Return the documents after decryption and the mode, and the number of objects in them."""
    several = len(documents) > 1
    opened = open_units(documents, context.keys, lambda index: f"#{index + 1}" if several else "", context.warnings)
    mode = import_module(_MODES[context.options.mode])
    before = sum(objects.count(document.after) for document in opened)
    finished = [_finish(document, mode, context) for document in opened]
    if sum(objects.count(document) for document in finished) != before:
        raise ManifestError("rendering changed the number of objects")
    return finished, before


def _finish(opened: Opened, mode: ModuleType, context: Context) -> Mapping:
    if objects.items_of(opened.after) is not None:
        return _finish_list(opened, mode, context)
    if objects.kind_of(opened.after) == "Secret" and objects.may_hold_ciphertext(opened.after):
        from secretsync.render.carried import open_carried

        open_carried(opened, context.keys, context.options.limits)
    finished: Mapping = mode.finish(opened, context)
    return finished


def _finish_list(opened: Opened, mode: ModuleType, context: Context) -> Mapping:
    """Finish the objects inside a List one by one, and the List around them as an object of its own."""
    shell = Opened(
        opened.location,
        objects.replaced(opened.before, "items", _NO_ITEMS),
        objects.replaced(opened.after, "items", _NO_ITEMS),
        opened.data_key,
    )
    if opened.after is opened.before:
        shell.before = shell.after
    items = _finish_items(opened, mode, context)
    finished: Mapping = mode.finish(shell, context)
    if finished is shell.after:
        finished = opened.after
    finished = objects.replaced(finished, "items", items)
    if objects.kind_of(opened.after) == "SecretList" and context.options.mode == "seal":
        finished = objects.replaced(finished, "kind", Scalar("List"))
    return finished


def _finish_items(opened: Opened, mode: ModuleType, context: Context) -> Sequence:
    after = objects.items_of(opened.after)
    assert after is not None
    before = objects.items_of(opened.before) or after
    inner = [item for item in after.items if type(item) is Mapping]
    if opened.data_key is None:
        members = open_units(inner, context.keys, lambda index: _item_place(opened, index), context.warnings)
    else:
        olds = [item for item in before.items if type(item) is Mapping]
        members = [
            Opened(_item_place(opened, index), old, new, opened.data_key)
            for index, (old, new) in enumerate(zip(olds, inner, strict=True))
        ]
    if objects.kind_of(opened.after) == "SecretList":
        for member in members:
            _name_kind(member)
    finished = iter([_finish(member, mode, context) for member in members])
    return objects.mapped(after, lambda index, item: _next_item(opened, index, item, finished))


def _next_item(opened: Opened, index: int, item: Node, finished: object) -> Node:
    if type(item) is not Mapping:
        raise ManifestError("an item of a List is no object", location=_item_place(opened, index))
    return next(finished)  # type: ignore[call-overload,no-any-return]


def _item_place(opened: Opened, index: int) -> str:
    return f"{opened.location} items[{index}]".strip()


def _name_kind(member: Opened) -> None:
    """Give an item of a SecretList the kind that the API server leaves out there."""
    if member.after.get("kind") is not None:
        return
    named = [Entry(Scalar("apiVersion"), Scalar("v1")), Entry(Scalar("kind"), Scalar("Secret"))]
    same = member.after is member.before
    member.before = Mapping([*named, *member.before.items])
    member.after = member.before if same else Mapping([*named, *member.after.items])


def _converted(documents: list[Mapping], store: Store) -> bytes:
    """Write documents in another format; objects of JSON follow one another, as kubectl reads them."""
    documents = [document for document in documents if any(True for _ in document.entries())]
    if store.NAME == "json":
        return b"".join(store.dump([document]) for document in documents)
    return store.dump(documents)
