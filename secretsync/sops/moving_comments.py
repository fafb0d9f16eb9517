"""Comments above a list's first item and at its beginning: sops prints only the second when it decrypts such a file.

Its own files hold the first as a list element, and so lose neither. Here both get above the item before anything is
encrypted: sops keeps them there, and prints them there too.
Source: sops stores/yaml/store.go `appendSequence` at v3.13.3, and what go-yaml's emitter makes of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import itemgetter

from secretsync.documents.plain import to_plain
from secretsync.documents.stores import store_named
from secretsync.documents.tree import Comment, Entry, Limits, Mapping, Node, Scalar, Sequence, Source, Span
from secretsync.documents.yaml.comments.unread import enclosing_keys, without
from secretsync.errors import SecretsyncError
from secretsync.sops.selectors import Selector


def hoisted(source: Source, selector: Selector) -> Source:
    """Return a plain YAML source with the comments moved that sops would lose and the selector covers.

    Selectors by comment are left alone: there, a comment that moves selects something else.
    """
    if not store_named(source.store).SKIPS_COMMENTS or "#" not in source.text or selector.by_comment:
        return source
    for _ in range(3):  # what is moved out of an inner list can then crowd the outer one
        crowds = [one for one in _crowds(source) if _is_covered(source, one, selector)]
        if not crowds:
            break
        source = _moved(source, crowds)
    return source


def _moved(source: Source, crowds: list[list[Comment]]) -> Source:
    """Return `source` with the comments of each crowd above their item; as it was where that would change more."""
    text = source.text
    places: list[tuple[int, Span | str]] = []
    for comments in crowds:
        line = _line_of_dash(text, comments[0])
        places.append((line, _lines(text, line, comments)))
        places += [(comment.span.start, comment.span) for comment in comments if comment.span]
    for start, change in sorted(places, key=itemgetter(0), reverse=True):
        text = text[:start] + change + text[start:] if isinstance(change, str) else without(text, [change])
    try:
        again = store_named(source.store).load(text.encode(), limits=Limits.unbounded())
    except SecretsyncError:
        return source
    before, after = ([to_plain(root) for root in one.documents] for one in (source, again))
    if before != after or _texts(source) != _texts(again):
        return source
    return Source(source.store, again.text, again.documents, again.spans, source.encoding, source.bom)


def _lines(text: str, dash_line: int, comments: list[Comment]) -> str:
    """Return the comments as lines with the indentation of the line that begins at `dash_line`."""
    indent = text[dash_line : text.index("-", dash_line)]
    ending = "\r\n" if "\r\n" in text else "\n"
    return "".join(f"{indent}#{comment.text}{ending}" for comment in comments)


def _line_of_dash(text: str, comment: Comment) -> int:
    """Return where the line of the `-` begins that stands before `comment` and nothing but space; -1 if none does."""
    before = text[: comment.span.start if comment.span else 0].rstrip()
    start = max(before.rfind("\n"), before.rfind("\r")) + 1
    return start if before[start:].lstrip(" ") == "-" else -1


def _is_covered(source: Source, comments: list[Comment], selector: Selector) -> bool:
    """Whether these comments will be encrypted, and can be moved."""
    first = comments[0].span
    if first is None or _line_of_dash(source.text, comments[0]) < 0:
        return False
    keys = enclosing_keys(source, first.start)
    return any(isinstance(key, str) and selector.matches(key) for key in keys) == selector.encrypting


def _crowds(source: Source) -> Iterator[list[Comment]]:
    """Yield the comments at the beginning of each list's first item that has others above it."""
    waiting: list[Node] = [*source.documents]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Scalar) or node.alias or node.flow:
            continue
        waiting += [
            item.value if isinstance(item, Entry) else item for item in node.items if not isinstance(item, Comment)
        ]
        above = _leading(node.items)
        if isinstance(node, Sequence) and 0 < len(above) < len(node.items):
            first = node.items[len(above)]
            if isinstance(first, Mapping | Sequence) and not first.alias and not first.flow:
                within = _leading(first.items)
                if 0 < len(within) < len(first.items):
                    yield within


def _leading(items: list[Entry | Comment] | list[Node | Comment]) -> list[Comment]:
    """Return the comments at the beginning that stand on lines of their own or behind a `-`."""
    found = []
    for item in items:
        if not isinstance(item, Comment) or item.inline:
            break
        found.append(item)
    return found


def _texts(source: Source) -> list[str]:
    """Return the texts of all comments, sorted."""
    texts: list[str] = []
    waiting: list[Node | Comment | Entry] = [*source.documents]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Comment):
            texts.append(node.text)
        elif isinstance(node, Entry):
            waiting.append(node.value)
        elif not isinstance(node, Scalar):
            waiting += node.items
    return sorted(texts)
