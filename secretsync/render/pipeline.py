"""One file through the stages: load, decrypt its units, find SOPS files carried in Secrets, apply the mode, write.

What comes out is bytes; a file in which nothing changed comes out as the bytes it came in with.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

import secretsync.render.objects as objects
from secretsync.documents import yaml_load
from secretsync.documents.tree import Entry, Limits, Mapping, Node, Scalar, Sequence, Source
from secretsync.errors import DuplicateKeyError, LimitError, ManifestError, ParseError, SecretsyncError
from secretsync.render.discover import Input
from secretsync.render.options import Context, Format, Mode, Outputs
from secretsync.render.units import Opened, open_units

_FINISHERS: Final[dict[Mode, str]] = {
    "seal": "secretsync.render.seal",
    "redact": "secretsync.render.redact",
}
_NO_ITEMS: Final = Sequence()
Finish: TypeAlias = Callable[[Opened, Context], Mapping]


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
    context.size += len(data)
    if context.size > context.options.max_total:
        raise LimitError(f"more than {context.options.max_total} bytes in all files", location=source.name)
    try:
        return _render(source, data, context)
    except SecretsyncError as error:
        raise error.at(source.name) from None


def _render(source: Input, data: bytes, context: Context) -> Piece:
    if _holds_nothing(data):
        return Piece(source.relpath, context.options.output or "yaml", data, 0)
    own, loaded = load(source, data, context)
    documents, number = transform(loaded.documents, context)
    written = context.options.output or own
    if written != own:
        data = _converted(documents, written)
    elif any(new is not old for new, old in zip(documents, loaded.documents, strict=True)):
        data = _rewritten(loaded, documents)
    return Piece(source.relpath, written, data, number)


def _holds_nothing(data: bytes) -> bool:
    """Whether there are only comments, blank lines and markers, which the stores refuse as no document."""
    lines = (line.strip() for line in data.splitlines())
    return all(not line or line[:1] == b"#" or line in {b"---", b"..."} for line in lines)


def load(source: Input, data: bytes, context: Context) -> tuple[Format, Source]:
    """Return the format of `data`, which the name of `source` tells, and its documents. Raises: FormatError."""
    limits = context.options.limits
    if source.relpath.endswith(".json"):
        return "json", _loaded_json(data, limits)
    if source.path == "-" and data.lstrip()[:1] == b"{":
        try:
            return "json", _loaded_json(data, limits)
        except ParseError as error:
            if "behind the JSON object" not in error.message:
                raise
    return "yaml", yaml_load.load(data, limits=limits, comments=_may_need_comments(data))


def _may_need_comments(data: bytes) -> bool:
    """Whether comments can matter to decryption: some are ciphertext, or select what is; else they are only text.

    A mark that is spelt with escapes is missed, and the MAC does not hold then.
    """
    return b"type:comment]" in data or b"_comment_regex" in data or data[:2] in {b"\xff\xfe", b"\xfe\xff"}


def _loaded_json(data: bytes, limits: Limits) -> Source:
    from secretsync.documents import json_store

    return _without_duplicates(json_store.load(data, limits=limits))


def _rewritten(source: Source, documents: list[Mapping]) -> bytes:
    if source.store == "json":
        from secretsync.documents import json_store

        return json_store.rewrite(source, documents)
    from secretsync.documents import yaml_write

    return yaml_write.rewrite(source, documents)


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


def transform(
    documents: list[Mapping], context: Context, locate: Callable[[int], str] | None = None
) -> tuple[list[Mapping], int]:
    """Return the documents after decryption and the mode, and the number of objects in them.

    `locate` names the place of each document, by default its number where there are several.

    Raises:
        SecretsyncError: as `render_file`.
    """
    several = len(documents) > 1
    locate = locate or (lambda index: f"#{index + 1}" if several else "")
    opened = open_units(documents, context.keys, locate, context.warnings)
    finish = finisher(context.options.mode)
    before = sum(objects.count(document.after) for document in opened)
    finished = [_finish(document, finish, context) for document in opened]
    if sum(objects.count(document) for document in finished) != before:
        raise ManifestError("rendering changed the number of objects")
    if context.options.outputs is not None:
        _check_access(opened, finished, context.options.outputs)
    return finished, before


def _check_access(opened: list[Opened], finished: list[Mapping], outputs: Outputs) -> None:
    import secretsync.render.access as access

    for document, place in zip(finished, opened, strict=True):
        access.check(document, outputs, place.location)


def finisher(mode: Mode) -> Finish:
    """Return what a mode does with an opened object; sealing and redacting load their modules."""
    if mode == "reveal":
        return _reveal
    finish: Finish = __import__(_FINISHERS[mode], fromlist=["finish"]).finish
    return finish


def _reveal(opened: Opened, context: Context) -> Mapping:
    """Return the decrypted object; a Secret's values must be valid, and it gets the namespace it lacks."""
    if not objects.is_secret(opened.after):
        return opened.after
    if opened.data_key is not None:
        try:
            objects.refuse_invalid_values(opened.after)
        except SecretsyncError as error:
            raise (error.at(opened.location) if opened.location else error) from None
    namespace = context.options.namespace
    return objects.with_namespace(opened.after, namespace) if namespace else opened.after


def _finish(opened: Opened, finish: Finish, context: Context) -> Mapping:
    _refuse_merges(opened, context)
    if objects.items_of(opened.after) is not None:
        return _finish_list(opened, finish, context)
    if objects.kind_of(opened.after) == "Secret" and objects.may_hold_ciphertext(opened.after):
        from secretsync.render.carried import open_carried

        open_carried(opened, context.keys, context.options.limits)
    return finish(opened, context)


def _refuse_merges(opened: Opened, context: Context) -> None:
    """Refuse a YAML merge key where it would give an object a kind, a value or a namespace that is not judged here."""
    options, obj = context.options, opened.after
    is_judged = options.outputs is not None
    if (is_judged or options.mode != "reveal") and objects.has_merge(obj):
        raise ManifestError("a merge key (<<) may hide what the object is", location=opened.location or None)
    if is_judged and objects.has_merge(obj.get("metadata")):
        raise ManifestError("a merge key (<<) may hide its namespace", location=f"{opened.location} metadata".strip())


def _finish_list(opened: Opened, finish: Finish, context: Context) -> Mapping:
    """Finish the objects inside a List one by one, and the List around them as an object of its own."""
    shell = Opened(
        opened.location,
        objects.replaced(opened.before, "items", _NO_ITEMS),
        objects.replaced(opened.after, "items", _NO_ITEMS),
        opened.data_key,
    )
    if opened.after is opened.before:
        shell.before = shell.after
    items = _finish_items(opened, finish, context)
    finished = finish(shell, context)
    if finished is shell.after:
        finished = opened.after
    finished = objects.replaced(finished, "items", items)
    if objects.kind_of(opened.after) == "SecretList" and context.options.mode == "seal":
        finished = objects.replaced(finished, "kind", Scalar("List"))
    return finished


def _finish_items(opened: Opened, finish: Finish, context: Context) -> Sequence:
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
    finished = iter([_finish(member, finish, context) for member in members])
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


def _converted(documents: list[Mapping], written: Format) -> bytes:
    """Write documents in another format; objects of JSON follow one another, as kubectl reads them."""
    documents = [document for document in documents if any(True for _ in document.entries())]
    from secretsync.documents.stores import store_named

    store = store_named(written)
    if written == "json":
        return b"".join(store.dump([document]) for document in documents)
    return store.dump(documents)
