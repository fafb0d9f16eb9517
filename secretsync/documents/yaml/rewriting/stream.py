"""New documents written over the text of the old ones: what did not change keeps every byte.

Both trees are walked side by side; changed scalars and comments are spliced, entries come and go as whole lines, and a
node of another shape is written afresh at its indentation. An alias whose anchor changed is expanded.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from secretsync.documents.pairing import Noted, same_values
from secretsync.documents.tree import Comment, Entry, Limits, Mapping, Node, Scalar, Source, Span
from secretsync.documents.yaml import scalar_text
from secretsync.documents.yaml.places import Places, Slot, comment_span, has_values, node_span
from secretsync.documents.yaml.rewriting.nodes import Splicer
from secretsync.errors import FormatError
from secretsync.late import LateModule

if TYPE_CHECKING:
    from secretsync.documents.yaml import emitting, loading
else:
    emitting = LateModule("secretsync.documents.yaml.emitting")
    loading = LateModule("secretsync.documents.yaml.loading")

_BOM: Final = "\ufeff"
_ODD_BREAKS: Final = frozenset("\x85\u2028\u2029")


def rewrite(source: Source, documents: list[Mapping]) -> bytes:
    """Return the text of `source` with `documents` in the place of its own, in its encoding and line breaks.

    Raises: TreeError if a string holds an unpaired surrogate.
    """
    if not source.documents:
        return _fresh(documents, None).encode()
    text = rewritten_text(source, documents)
    if text != source.text and _is_odd(source.text) and not _reads_as(text, documents):
        text = _fresh(documents, _step(source))
    return _encoded(source, text)


def _is_odd(text: str) -> bool:
    """Whether a text has line breaks of YAML 1.1 only, or explicit keys: it is read again before it is returned."""
    if text.count("\r") > text.count("\r\n") or not (text.isascii() or _ODD_BREAKS.isdisjoint(text)):
        return True
    return "?" in text and any(map(_is_explicit, text.splitlines(keepends=True)))


def _is_explicit(line: str) -> bool:
    key = line.lstrip(" -")
    return key.startswith("?") and key[1:2].isspace()


def _reads_as(text: str, documents: list[Mapping]) -> bool:
    """Whether `text` reads as `documents`: asked for texts whose lines end or whose keys start in a rare way."""
    try:
        read = loading.load(text.encode(), limits=Limits.unbounded()).documents
    except FormatError:
        return False
    return len(read) == len(documents) and all(map(same_values, read, documents))


def rewritten_text(source: Source, documents: list[Mapping]) -> str:
    """Return the new text, before it is encoded."""
    pairs = list(zip(source.documents, documents, strict=False))
    extra = documents[len(pairs) :]
    if all(old is new for old, new in pairs) and len(pairs) == len(source.documents) and not extra:
        return source.text
    splicer = Splicer(Places(source.text), _step(source))
    for number, (old, new) in enumerate(pairs):
        _document(splicer, old, new, source.spans[number])
    for span in source.spans[len(pairs) :]:
        splicer.edits.replace(*span, "")
    _expand_aliases(splicer, source)
    text = splicer.edits.result()
    if "\n" in splicer.edits.last and not text.endswith("\n"):
        text += splicer.places.newline
    if extra:
        newline = splicer.places.newline
        text += "" if text.endswith("\n") else newline
        text += ("---\n" + _fresh(extra, splicer.step)).replace("\n", newline)
    return text


def _fresh(documents: list[Mapping], indent: int | None) -> str:
    return emitting.dump(documents, indent=indent).decode()


def _fresh_root(document: Mapping, splicer: Splicer) -> str:
    """Return a document as text that stands between other lines, without a final newline."""
    text = emitting.document_text(document, indent=splicer.step, literals=emitting.Literals.WITHOUT_BLANK_LINES)
    return text.removesuffix("\n").replace("\n", splicer.places.newline)


def _encoded(source: Source, text: str) -> bytes:
    if source.encoding == "utf-8":
        data = scalar_text.encoded(text)
        return b"\xef\xbb\xbf" + data if source.bom else data
    return ((_BOM if source.bom else "") + text).encode(source.encoding, "replace")


def _step(source: Source) -> int:
    """Return the indentation of the text: the column of its first nested block mapping, 4 if there is none."""
    places = Places(source.text)
    for document in source.documents:
        for entry in document.entries():
            value = entry.value
            if isinstance(value, Mapping) and value.alias is None and not value.flow and has_values(value):
                column = places.own_column(value)
                return column if 2 <= column <= 9 else scalar_text.DEFAULT_INDENT
    return scalar_text.DEFAULT_INDENT


def _document(splicer: Splicer, old: Mapping, new: Mapping, span: Span) -> None:
    """Splice one document; a root that is, or becomes, empty is written afresh."""
    if old is new:
        return
    closing = splicer.text.find("\n...", max(span.start, node_span(old).end - 1), span.end)
    splicer.places.limit = closing + 1 if closing >= 0 else span.end
    if has_values(old) and has_values(new) and _shares_an_entry(old, new):
        splicer.collection(old, new, Slot(_behind_marker(splicer.text, span), -1, 0))
        return
    root = node_span(old)
    if root.start == root.end:
        _fill(splicer, old, new, span)
        return
    places = splicer.places
    text = _fresh_root(new, splicer)
    start, stop = _root_place(splicer, old, _behind_marker(splicer.text, span))
    if not places.is_first(start):
        # Behind `---`: block mappings start on a line of their own.
        line = places.line_start(start)
        start, text = line + len(places.text[line:start].rstrip(" \t")), places.newline + text
    splicer.edits.replace(start, stop, text)


def _fill(splicer: Splicer, old: Mapping, new: Mapping, span: Span) -> None:
    """Write the entries of a document that has none, below its `---` and its comments."""
    places, newline = splicer.places, splicer.places.newline
    comments = [item for item in old.items if isinstance(item, Comment)]
    count = 0
    for before, after in zip(comments, new.items, strict=False):
        if not isinstance(after, Comment):
            break
        splicer.comment(before, after)
        count += 1
    for before in comments[count:]:
        splicer.edits.replace(*comment_span(before), "")
    rest = new.items[count:]
    if rest:
        at = _behind_last_mark(places.text, span)
        text = _fresh_root(Mapping(rest), splicer)
        splicer.edits.replace(at, at, newline + text)


def _behind_last_mark(text: str, span: Span) -> int:
    """Return the end of the last line of a document that is a comment or its `---`, its start if there is none."""
    at, found = span.start, span.start
    for line in text[span.start : span.end].split("\n"):
        if line.startswith("---") or line.lstrip(" \t").startswith("#"):
            found = at + len(line.partition("\r")[0])
        at += len(line) + 1
    return found


def _shares_an_entry(old: Mapping, new: Mapping) -> bool:
    keys = {entry.key.value for entry in old.entries()}
    return old.flow or any(entry.key.value in keys for entry in new.entries())


def _behind_marker(text: str, span: Span) -> int:
    """Return the place behind the `---` of a document, its start if it has none."""
    if text.startswith("---", span.start):
        return span.start + 3
    marker = text.find("\n---", *span)
    return marker + 4 if marker >= 0 else span.start


def _root_place(splicer: Splicer, old: Mapping, after: int) -> tuple[int, int]:
    """Return the lines of a root and its comments; remove those of its comments that stand outside of it."""
    places, root = splicer.places, node_span(old)
    start, stop = root.start, places.end(old)
    for item in old.items:
        if isinstance(item, Comment):
            span = comment_span(item)
            if after <= span.start < places.limit:
                start, stop = min(start, span.start), max(stop, span.end)
            else:
                splicer.edits.replace(*span, "")
    return (places.line_start(start) if places.is_first(start) else start), places.line_end(stop)


# --- aliases ------------------------------------------------------------------------------------------------------


def _expand_aliases(splicer: Splicer, source: Source) -> None:
    """Expand each alias that stays while the text of its anchor changes, until no more do."""
    if "*" not in source.text or not splicer.edits:
        return
    waiting = [node for document in source.documents for node in _aliases(document)]
    while True:
        noted = splicer.edits.noted()
        due: list[Node] = []
        kept: list[Node] = []
        for node in waiting:
            changes = not noted.covers(_alias(node)) and _changes(splicer.places, noted, node)
            (due if changes else kept).append(node)
        if not due:
            return
        for node in due:
            splicer.edits.replace(*_alias(node), splicer.flow_text(node))
        waiting = kept


def _changes(places: Places, noted: Noted, node: Node) -> bool:
    """Whether anything changes between the anchor and the end of its last line, where new items are put."""
    return node.span is not None and noted.touches(Span(node.span.start, places.line_end(node.span.end) + 1))


def _alias(node: Node) -> Span:
    assert node.alias is not None
    return node.alias


def _aliases(node: Node) -> Iterator[Node]:
    """Yield the copies that stand for an alias token, outermost first."""
    if node.alias is not None:
        yield node
    elif not isinstance(node, Scalar):
        for item in node.items:
            if isinstance(item, Entry):
                yield from _aliases(item.key)
                yield from _aliases(item.value)
            elif not isinstance(item, Comment):
                yield from _aliases(item)
