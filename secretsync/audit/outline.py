"""What stands where in a file: its documents, their objects, and the place and lines of every field and item.

A finding says its place in words, `#2 items[0] data.password` or `line 3`; here it is found in the text again. A
document that does not parse has no outline, and takes none from the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import secretsync.documents.tree as tree
from secretsync.documents.plain import to_plain
from secretsync.documents.stores import store_for_path, store_named
from secretsync.documents.tree import Comment, Limits, Mapping, Node, Source
from secretsync.documents.yaml import loading
from secretsync.errors import SecretsyncError
from secretsync.files import STDIN
from secretsync.letters import DIGITS, consists_of
from secretsync.manifests import objects

_MARK: Final = "---"
_COUNTED: Final = frozenset({"line", "column"})


class OutlineStep(NamedTuple):
    """A field or an item: its path in the document, where it begins, its first and last line, and whether it is an item."""

    path: str
    start: int
    first: int
    last: int
    is_item: bool


class OutlinedDocument(NamedTuple):
    """One document: its number in the file from 1, lines, fields and items in the order of the text, comments, objects.

    `objects` are those of a List, or the document itself, each with its path: `("items[0]", "Secret shop/db")`.
    """

    number: int
    first: int
    last: int
    steps: list[OutlineStep]
    comments: list[tuple[Comment, int]]
    objects: list[tuple[str, str]]

    def object_at(self, path: str) -> tuple[str, str]:
        """Return the object that a path leads into, and what is left of the path; empty where it is none of Kubernetes."""
        holders = [(within, name) for within, name in self.objects if is_within(path, within)]
        within, name = max(holders, key=lambda each: len(each[0]), default=("", ""))
        return name, path[len(within) :].removeprefix(".")

    def owner(self, path: str, *, several: bool) -> tuple[str, str]:
        """Return as `object_at`, and the document's number where it is one of several and no object."""
        name, rest = self.object_at(path)
        return name or (f"#{self.number}" if several else ""), rest

    def line_at(self, path: str) -> int:
        """Return the line of a field or item, or of the nearest one around it."""
        holders = [step for step in self.steps if path and is_within(path, step.path)]
        return max(holders, key=lambda step: len(step.path)).first if holders else self.first


class PlaceWithin(NamedTuple):
    """Where a finding says it is: number of the document (0: not said), path in it, and line (0: not said)."""

    document: int
    path: str
    line: int


def is_within(path: str, other: str) -> bool:
    """Whether a path is another, or leads into it."""
    return not other or path == other or path.startswith((f"{other}.", f"{other}["))


def place_of(text: str) -> PlaceWithin:
    """Return what the words of a finding's place say."""
    document = line = 0
    path: list[str] = []
    words = [word.rstrip(":,") for word in text.split()]
    for before, word in zip(["", *words], words, strict=False):
        number = word.removeprefix("#")
        if word != number and not path and _is_number(number):
            document = int(number)
        elif before in _COUNTED and path[-1:] == [before] and _is_number(word):
            line = int(word) if before == "line" else line
            path.pop()
        else:
            path.append(word)
    return PlaceWithin(document, ".".join(path), line)


def _is_number(text: str) -> bool:
    return 0 < len(text) < 10 and consists_of(text, DIGITS)


def outline(name: str, data: bytes, *, comments: bool = False) -> list[OutlinedDocument]:
    """Return the documents of a file that holds nested ones; none for other stores, or where nothing parses."""
    store = store_for_path("stdin.yaml" if name == STDIN else name)
    try:
        if not store_named(store).NESTED or not store_named(store).COMMENTS:
            return _without_comments(store, data)
        return _parts(data, comments=comments)
    except SecretsyncError:
        return []


def _without_comments(store: str, data: bytes) -> list[OutlinedDocument]:
    source = store_named(store).load(data, limits=Limits())
    return [_part(source, number, 1, 0) for number in range(len(source.documents))]


def _parts(data: bytes, *, comments: bool) -> list[OutlinedDocument]:
    try:
        source = _loaded(data, comments=comments)
    except SecretsyncError:
        return list(_readable(data, comments=comments))
    return [_part(source, number, number + 1, 0) for number in range(len(source.documents))]


def _readable(data: bytes, *, comments: bool) -> Iterator[OutlinedDocument]:
    """Yield the documents that parse on their own, where one of the others does not."""
    lines = data.decode("utf-8", "replace").splitlines(keepends=True)
    starts = [
        at for at, line in enumerate(lines) if line.startswith(_MARK) and line[3:4] in {"", " ", "\t", "\r", "\n"}
    ]
    heads = [0, *starts] if any(_says_something(line) for line in lines[: (starts or [0])[0]]) or not starts else starts
    for number, (start, end) in enumerate(zip(heads, [*heads[1:], len(lines)], strict=True), 1):
        try:
            source = _loaded("".join(lines[start:end]).encode("utf-8", "replace"), comments=comments)
        except SecretsyncError:
            continue
        if source.documents:
            yield _part(source, 0, number, start)


def _says_something(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith(("#", "%"))


def _loaded(data: bytes, *, comments: bool) -> Source:
    return loading.load(data, comments=comments)


def _part(source: Source, index: int, number: int, above: int) -> OutlinedDocument:
    document, text = source.documents[index], _LineCounter(source.text, above)
    span = source.spans[index] if index < len(source.spans) else tree.Span(0, len(source.text))
    steps: list[OutlineStep] = []
    found: list[tuple[Comment, int]] = []
    _walk(document, "", text, steps, found)
    return OutlinedDocument(
        number, text.line(span.start), text.line(max(span.start, span.end - 1)), steps, found, _objects(document)
    )


class _LineCounter:
    """Lines of offsets that are asked for in nearly rising order."""

    def __init__(self, text: str, above: int) -> None:
        self._text = text
        self._at, self._line = 0, above + 1

    def line(self, offset: int) -> int:
        step = 1 if offset >= self._at else -1
        self._line += step * self._text.count("\n", min(self._at, offset), max(self._at, offset))
        self._at = offset
        return self._line

    def before(self, offset: int) -> str:
        """Return what stands in the line before an offset."""
        return self._text[self._text.rfind("\n", 0, offset) + 1 : offset]


def _walk(
    node: Node, path: str, text: _LineCounter, steps: list[OutlineStep], comments: list[tuple[Comment, int]]
) -> None:
    if isinstance(node, tree.Scalar) or node.alias is not None:
        return
    index = 0
    for item in node.items:
        if isinstance(item, Comment):
            if item.span is not None:
                comments.append((item, text.line(item.span.start)))
            continue
        key: Node = item.key if isinstance(item, tree.Entry) else item
        value = item.value if isinstance(item, tree.Entry) else item
        if isinstance(item, tree.Entry):
            inner = f"{path}.{item.key.value!s}".removeprefix(".")
        else:
            inner, index = f"{path}[{index}]", index + 1
        start, end = key.alias or key.span, value.alias or value.span
        if start is not None and end is not None:
            words = ".".join(inner.split())  # as `place_of` reads it
            step = OutlineStep(
                words, start.start, text.line(start.start), text.line(max(start.end, end.end)), key is value
            )
            steps.append(step)
        _walk(value, inner, text, steps, comments)


def _objects(document: Mapping) -> list[tuple[str, str]]:
    try:
        plain = to_plain(document)
        assert isinstance(plain, dict)
        return [(place, _called(item)) for place, item in objects.flatten(dict(plain))]
    except SecretsyncError:
        return []


def _called(item: objects.Object) -> str:
    reference = objects.identify(item)
    return str(reference) if reference.kind or reference.name else ""
