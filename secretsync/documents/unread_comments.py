"""Comments that stand in a YAML text and in none of its trees, since go-yaml drops them when it reads.

Whoever replaces the secrets of a text by ciphertext must know of them: what is in no tree is not encrypted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from secretsync.documents import token_kinds
from secretsync.documents.libyaml import CParser
from secretsync.documents.tree import Comment, Entry, Node, Scalar, Source, Span

_COMMENT: Final = re.compile(r"(?:(?<=[\s,\[\]{}])|^)#[^\r\n\x85\u2028\u2029]*")
_HEADER: Final = re.compile(r"[|>][-+0-9]*[ \t]+(#[^\r\n\x85\u2028\u2029]*)")


def unread_comments(source: Source) -> list[Span]:
    """Return where they stand, from the `#` to the end of the line; those without any text are left out."""
    if "#" not in source.text:
        return []
    known = {comment.span.start for root in source.documents for comment in _comments(root) if comment.span}
    found = (span for span in _written(source.text) if span.start not in known)
    return [span for span in found if source.text[span.start + 1 : span.end].strip()]


def without(text: str, spans: list[Span]) -> str:
    """Return `text` without these comments; a line that held nothing else goes as a whole."""
    for start, stop in reversed(spans):
        head = text[:start].rstrip(" \t")
        tail = text[stop:]
        if not head or head[-1] in "\r\n":
            tail = tail[2:] if tail.startswith("\r\n") else tail[1:]
        text = head + tail
    return text


def _written(text: str) -> Iterator[Span]:
    """Yield the comments between libyaml's tokens, and in the first lines of block scalars."""
    position = 0
    for token in token_kinds.written_tokens(_tokens(text)):
        yield from _within(text, position, token.start)
        if token.kind == token_kinds.SCALAR and token.style in "|>":
            header = _HEADER.match(text, token.start, token.end)
            if header:
                yield Span(*header.span(1))
        position = max(position, token.end)
    yield from _within(text, position, len(text))


def _within(text: str, start: int, stop: int) -> Iterator[Span]:
    for match in _COMMENT.finditer(text, start, stop):
        yield Span(*match.span())


def _tokens(text: str) -> Iterator[object]:
    parser = CParser(text)
    try:
        while parser.check_token():
            yield parser.get_token()
    finally:
        parser.dispose()


def _comments(node: Node) -> Iterator[Comment]:
    if isinstance(node, Scalar):
        return
    for item in node.items:
        if isinstance(item, Comment):
            yield item
        elif isinstance(item, Entry):
            yield from _comments(item.value)
        else:
            yield from _comments(item)


def enclosing_keys(source: Source, position: int) -> list[object]:
    """Return the keys of the entries that `position` stands in, outermost first."""
    keys: list[object] = []
    waiting: list[Node] = [*source.documents]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Scalar) or node.alias:
            continue
        for item in node.items:
            if isinstance(item, Entry):
                start, value = item.key.span, item.value
                stop = (value.alias or value.span or start).end if start else 0
                if start and start.start <= position < stop:
                    keys.append(item.key.value)
                    waiting = [value]
            elif not isinstance(item, Comment) and item.span and item.span.start <= position < item.span.end:
                waiting = [item]
    return keys
