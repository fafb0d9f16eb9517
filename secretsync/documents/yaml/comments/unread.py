"""Comments that stand in a YAML text and in none of its trees, since go-yaml drops them when it reads.

Whoever replaces the secrets of a text by ciphertext must know of them: what is in no tree is not encrypted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from secretsync.documents.tree import Comment, Entry, Node, Scalar, Source, Span
from secretsync.documents.yaml import breaks
from secretsync.documents.yaml.comments import token_kinds
from secretsync.documents.yaml.libyaml import CParser

_FLOW: Final = frozenset(",[]{}")


def unread_comments(source: Source) -> list[Span]:
    """Return where they stand, from the `#` to the end of the line; those without any text are left out."""
    if "#" not in source.text:
        return []
    known = {comment.span.start for root in source.documents for comment in _comments(root) if comment.span}
    found = (span for span in _written(source.text) if span.start not in known)
    return [span for span in found if source.text[span.start + 1 : span.end].strip()]


def without(text: str, spans: list[Span]) -> str:
    """Return `text` without these comments; a line that held nothing else goes as a whole."""
    parts: list[str] = []
    position = 0
    for start, stop in spans:
        at = start
        while at > position and text[at - 1] in " \t":
            at -= 1
        parts.append(text[position:at])
        position = stop
        if at == 0 or text[at - 1] in "\r\n":
            position += 2 if text.startswith("\r\n", stop) else 1
    return "".join([*parts, text[position:]])


def _written(text: str) -> Iterator[Span]:
    """Yield the comments between libyaml's tokens, and in the first lines of block scalars."""
    position = 0
    for token in token_kinds.written_tokens(_tokens(text)):
        yield from _within(text, position, token.start)
        if token.kind == token_kinds.SCALAR and token.style in "|>":
            yield from _in_header(text, token.start, token.end)
        position = max(position, token.end)
    yield from _within(text, position, len(text))


def _within(text: str, start: int, stop: int) -> Iterator[Span]:
    at = text.find("#", start, stop)
    while at >= 0:
        if at == 0 or text[at - 1] in _FLOW or text[at - 1].isspace():
            end = min(breaks.line_end(text, at), stop)
            yield Span(at, end)
            at = text.find("#", end, stop)
        else:
            at = text.find("#", at + 1, stop)


def _in_header(text: str, start: int, stop: int) -> Iterator[Span]:
    """Yield the comment on the first line of a block scalar that starts at its `|` or `>`."""
    signs = start + 1
    while signs < stop and text[signs] in "-+0123456789":
        signs += 1
    at = signs
    while at < stop and text[at] in " \t":
        at += 1
    if signs < at < stop and text[at] == "#":
        yield Span(at, min(breaks.line_end(text, at), stop))


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
