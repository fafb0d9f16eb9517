"""One file through the stages: load, decrypt its units, find SOPS files carried in Secrets, apply the mode, write.

What comes out is bytes; a file in which nothing changed comes out as the bytes it came in with.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeAlias

import secretsync.rendering.objects as objects
from secretsync.documents.tree import Mapping, Source
from secretsync.errors import LimitError, ManifestError, SecretsyncError
from secretsync.files import STDIN
from secretsync.late import LateModule, load
from secretsync.rendering.discover import Input
from secretsync.rendering.formats import DEFAULT, FORMATS, Format, Piece, format_of
from secretsync.rendering.options import Mode, RenderContext
from secretsync.rendering.units import OpenedObject, open_units

if TYPE_CHECKING:
    import secretsync.rendering.access as access
    import secretsync.rendering.ciphertext as ciphertext
    import secretsync.rendering.embedded_sops as embedded_sops
    import secretsync.rendering.kubernetes_reader as kubernetes_reader
    import secretsync.rendering.lists as lists
    import secretsync.rendering.namespaces as namespaces
    import secretsync.rendering.unambiguous as unambiguous
else:  # what most files of most runs do not need
    access = LateModule("secretsync.rendering.access")
    ciphertext = LateModule("secretsync.rendering.ciphertext")
    embedded_sops = LateModule("secretsync.rendering.embedded_sops")
    kubernetes_reader = LateModule("secretsync.rendering.kubernetes_reader")
    lists = LateModule("secretsync.rendering.lists")
    namespaces = LateModule("secretsync.rendering.namespaces")
    unambiguous = LateModule("secretsync.rendering.unambiguous")

_FINISHERS: Final[dict[Mode, str]] = {
    "reveal": "secretsync.rendering.pipeline:reveal",
    "seal": "secretsync.rendering.seal:finish",
    "redact": "secretsync.rendering.redact:finish",
}
Finish: TypeAlias = Callable[[OpenedObject, RenderContext], Mapping]


def render_file(source: Input, context: RenderContext) -> Piece:
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


def _render(source: Input, data: bytes, context: RenderContext) -> Piece:
    if objects.holds_nothing(data):
        return Piece(source.relpath, context.options.output or DEFAULT, data, 0)
    own, loaded = load_input(source, data, context)
    context.sealed = 0
    documents, number = transform(loaded.documents, context, text=data)
    written = context.options.output or own
    emitted = data
    if written != own:
        emitted = _converted(documents, written)
    elif any(new is not old for new, old in zip(documents, loaded.documents, strict=True)):
        emitted = load(FORMATS[own].rewrite)(loaded, documents)
    if context.options.is_judged or context.options.is_hook:
        _read_again(emitted, written, documents, data, loaded, context)
    if context.options.mode == "reveal" and objects.may_show_ciphertext(emitted):
        _refuse_ciphertext(documents, _placer(documents), context)
    return Piece(source.relpath, written, emitted, number)


def _read_again(  # what came and what leaves, each as text and as trees
    emitted: bytes, written: Format, finished: list[Mapping], data: bytes, loaded: Source, context: RenderContext
) -> None:
    """Compare what Kubernetes reads with what was judged; where no object is judged, the number of documents."""
    is_yaml = FORMATS[written].is_yaml
    if not context.options.is_judged:
        if is_yaml and (len(finished) > 1 or b"\n---" in emitted):
            kubernetes_reader.require_number(emitted, len(finished))
        return
    known = kubernetes_reader.paired(data, loaded) if is_yaml and loaded.store == written else {}
    if emitted is data and (known is not None or not is_yaml):
        return
    kubernetes_reader.confirm(emitted, written, finished, known or {})


def _refuse_ciphertext(documents: list[Mapping], locate: Callable[[int], str], context: RenderContext) -> None:
    for index, document in enumerate(documents):
        ciphertext.refuse(document, locate(index), allowed=context.options.allow_ciphertext)


def _placer(documents: list[Mapping]) -> Callable[[int], str]:
    several = len(documents) > 1
    return lambda index: f"#{index + 1}" if several else ""


def load_input(source: Input, data: bytes, context: RenderContext) -> tuple[Format, Source]:
    """Return the format of `data`, which the name of `source` tells, and its documents. Raises: FormatError."""
    limits = context.options.limits.for_text(len(data))
    named = format_of(source.relpath)
    if source.path == STDIN and named == DEFAULT:
        begins = data.lstrip()
        for each, entry in FORMATS.items():
            if entry.opening and begins.startswith(entry.opening):
                loaded: Source | None = load(entry.load)(data, limits, certain=False)
                if loaded is not None:
                    return each, loaded
    return named, load(FORMATS[named].load)(data, limits)


def transform(
    documents: list[Mapping],
    context: RenderContext,
    locate: Callable[[int], str] | None = None,
    *,
    text: bytes | None = None,
) -> tuple[list[Mapping], int]:
    """Return the documents after decryption and the mode, and the number of objects in them.

    `locate` names the place of each document, by default its number where there are several. `text` is what they were
    read from; whoever gives it looks for ciphertext in what he prints of a reveal.

    Raises:
        SecretsyncError: as `render_file`.
    """
    locate = locate or _placer(documents)
    opened = open_units(documents, context.keys, locate, context.warnings)
    finish = finisher(context.options.mode)
    context.may_show_ciphertext = text is None or (
        context.options.mode != "reveal" and objects.may_show_ciphertext(text)
    )
    before = sum(objects.count(document.after) for document in opened)
    _require_few(before, text, context)
    finished = [_finish(document, finish, context) for document in opened]
    if sum(objects.count(document) for document in finished) != before:
        raise ManifestError("rendering changed the number of objects")
    for document, done in zip(opened, finished, strict=True):
        _judge(done, document.location, context)
    return finished, before


def _require_few(number: int, text: bytes | None, context: RenderContext) -> None:
    """Refuse more objects than a text of its size may hold: each is judged, and read again once it leaves."""
    limits = context.options.limits if text is None else context.options.limits.for_text(len(text))
    if number > limits.documents:
        raise LimitError(f"more than {limits.documents} objects")


def check(decrypted: Mapping, finished: Mapping, location: str, context: RenderContext) -> None:
    """Refuse an object that was made and may not leave.

    Raises:
        PolicyError: the rules do not allow it.
        ManifestError: readers may understand it in different ways.
        CiphertextFormatError: a value of it is still encrypted.
    """
    _judge(finished, location, context)
    _refuse_ciphertext([decrypted], lambda _: location, context)


def _judge(finished: Mapping, location: str, context: RenderContext) -> None:
    if context.options.is_judged:
        unambiguous.require_plain(finished, location)
    if context.options.outputs is not None:
        access.check(finished, context.options.outputs, location)


def finisher(mode: Mode) -> Finish:
    """Return what a mode does with an opened object; sealing and redacting load their modules."""
    finish: Finish = load(_FINISHERS[mode])
    return finish


def reveal(opened: OpenedObject, context: RenderContext) -> Mapping:
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


def _finish(opened: OpenedObject, finish: Finish, context: RenderContext) -> Mapping:
    _refuse_merges(opened, context)
    if objects.items_of(opened.after) is not None:
        if context.may_show_ciphertext:
            _refuse_own_ciphertext(opened, context, is_list=True)
        return lists.finish_list(opened, lambda item: _finish(item, finish, context), finish, context)
    if objects.kind_of(opened.after) == "Secret" and objects.may_hold_ciphertext(opened.after):
        embedded_sops.open_carried(opened, context.keys, context.options.limits)
    if opened.data_key is not None and (context.options.is_hook or context.options.mode == "seal"):
        _refuse_moved(opened, context)
    if context.may_show_ciphertext:
        _refuse_own_ciphertext(opened, context, is_list=False)
    return finish(opened, context)


def _refuse_own_ciphertext(opened: OpenedObject, context: RenderContext, *, is_list: bool) -> None:
    seen = objects.Seen(objects.kind_of(opened.after), opened.after, "", is_list)
    ciphertext.refuse_own(seen, opened.location, allowed=context.options.allow_ciphertext)


def _refuse_moved(opened: OpenedObject, context: RenderContext) -> None:
    """Refuse a decrypted Secret whose namespace may have been taken away under the name of another key."""
    if objects.is_secret(opened.after) and not objects.metadata_text(opened.after, "namespace"):
        namespaces.refuse_renamed(opened, context.options.namespace)


def _refuse_merges(opened: OpenedObject, context: RenderContext) -> None:
    """Refuse a YAML merge key where it would give an object a kind, a value or a namespace that is not judged here."""
    options, obj = context.options, opened.after
    is_judged = options.outputs is not None
    if (is_judged or options.mode != "reveal") and objects.has_merge(obj):
        raise ManifestError("a merge key (<<) may hide what the object is", location=opened.location or None)
    if is_judged and objects.has_merge(obj.get("metadata")):
        raise ManifestError("a merge key (<<) may hide its namespace", location=f"{opened.location} metadata".strip())


def _converted(documents: list[Mapping], written: Format) -> bytes:
    """Write documents in another format; those without an entry have no place in it."""
    emitted: bytes = load(FORMATS[written].dump)([each for each in documents if any(True for _ in each.entries())])
    return emitted
