"""The emitted bytes as Kubernetes reads them: streams split by lines, `items` of any kind taken apart.

kubectl, Flux, Argo CD and Helm cut a stream at lines that start with `---` before any of them parses YAML, and read
the first document only of each part. What they see is compared with what was judged; anything that two of them may read
in different ways is refused. Sources: apimachinery util/yaml/decoder.go and unstructured/helpers.go at v0.36.3,
fluxcd/pkg/ssa/utils at v0.76.2, gitops-engine pkg/utils/kube at v0.7.1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Mapping as Mapping_
from itertools import zip_longest
from typing import Final, NamedTuple, NoReturn

from secretsync.documents.tree import Limits, Mapping, Source
from secretsync.documents.yaml import loading
from secretsync.documents.yaml.names import names
from secretsync.errors import ManifestError, SecretsyncError
from secretsync.late import load
from secretsync.rendering.formats import DEFAULT, FORMATS, Format, Piece
from secretsync.rendering.objects import OTHER_BREAKS, UTF16, holds_nothing, metadata_text, objects_in, text_of

_SEPARATE: Final = "separate documents by lines of --- alone"
_OTHER_BREAKS: Final = (b"\r", *OTHER_BREAKS)
_BOM: Final = b"\xef\xbb\xbf"


class ObjectName(NamedTuple):
    """What names an object."""

    api_version: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        place = "/".join(filter(None, (self.namespace, self.name)))
        return f"{self.kind or 'object'} {place}".strip()


# --- lines ------------------------------------------------------------------------------------------------------------


def parts(data: bytes) -> list[bytes]:
    """Return what Kubernetes parses one by one: the text before, between and behind the lines that separate.

    Raises:
        ManifestError: a line starts with `---` and is no separator to every reader, or the encoding hides such lines.
    """
    if data[:2] in UTF16:
        if b"\n---" in data or b"\r\n" in data:
            raise ManifestError("is UTF-16, and Kubernetes splits a stream by bytes", hint="iconv -t UTF-8 FILE")
        return [data]
    if b"\n" + _BOM in data:
        raise ManifestError("a byte order mark stands at the start of a line inside the stream", hint="remove it")
    found: list[bytes] = []
    start = 0
    for line in _starts(data):
        end = data.find(b"\n", line)
        end = len(data) if end < 0 else end
        if end != line + 3:
            _require_separator(data, line, end)
        found.append(data[start:line])
        start = end + 1
    found.append(data[start:])
    return found


def _starts(data: bytes) -> Iterator[int]:
    """Yield where the lines that start with `---` do."""
    if data.startswith(b"---"):
        yield 0
    line = data.find(b"\n---") + 1
    while line:
        yield line
        line = data.find(b"\n---", line) + 1


def _require_separator(data: bytes, line: int, end: int) -> None:
    """Refuse a line that is a separator to some readers only: to YAML the comment must stand apart, and nothing else may follow.

    Some of Kubernetes' readers refuse what else follows, some drop it, some begin the next document with it.
    """
    rest = data[line + 3 : end].removesuffix(b"\r")
    bare = rest.strip(b" \t")
    is_separator = not bare or (bare.startswith(b"#") and rest[:1] in {b" ", b"\t"})
    if not is_separator or any(mark in rest for mark in _OTHER_BREAKS):
        raise ManifestError(
            "the line starts with --- and is not the same to every reader: Kubernetes ends a document there",
            location="line " + str(data.count(b"\n", 0, line) + 1),
            hint="quote or indent it; in a line that separates documents write --- alone, or a blank and a comment",
        )


def paired(data: bytes, source: Source) -> dict[bytes, Mapping] | None:
    """Return the documents of a YAML text by the part that each is to Kubernetes; None where they are not the same.

    YAML takes every line that `parts` lets pass for a separator too, so that equal numbers mean equal documents.
    """
    found = parts(data)
    if holds_nothing(found[0]):
        del found[0]
    if len(found) != len(source.documents) or data.startswith(b"%") or b"\n%" in data:
        return None
    return dict(zip(found, source.documents, strict=True))


def require_number(data: bytes, number: int) -> None:
    """Refuse a text in which Kubernetes finds more or fewer documents than the `number` that were rendered.

    Raises:
        ManifestError: it does, or a line is a separator to some readers only.
    """
    found = parts(data)
    seen = len(found) - holds_nothing(found[0])
    if seen != number:
        _refuse_number(seen, number)


# --- objects ----------------------------------------------------------------------------------------------------------


def confirm(data: bytes, written: Format, finished: list[Mapping], known: dict[bytes, Mapping]) -> None:
    """Read the emitted text again and compare its objects with those that were judged.

    `known` holds documents that came as they leave, by their text: they need not be parsed again.

    Raises:
        ManifestError: an object differs in kind, namespace or name, or there are more or fewer.
    """
    named = {_only(document): document for document in finished} if FORMATS[written].is_yaml else {}
    confirm_documents(list(_read(data, written, known, named)), finished)


def _only(document: Mapping) -> ObjectName | None:
    """Return what names the one object of a document, None of a list."""
    found = list(objects_in(document))
    return None if len(found) != 1 or found[0].is_list else next(identities(document))


def confirm_documents(read: list[Mapping], finished: list[Mapping]) -> None:
    """Compare documents that were read again with those that were judged. Raises: ManifestError."""
    seen = [each for each in read if any(True for _ in each.entries())]
    judged = [each for each in finished if any(True for _ in each.entries())]
    if len(seen) != len(judged):
        _refuse_number(len(seen), len(judged))
    for number, (one, other) in enumerate(zip(seen, judged, strict=True), 1):
        if one is not other:
            _compare(list(identities(one)), list(identities(other)), number)


def confirm_joined(joined: bytes, pieces: Sequence[Piece]) -> None:
    """Compare the parts of a joined stream with those of its files, each of which was read again already.

    Raises:
        ManifestError: a file has become part of its neighbour, or was read in another way where it was.
    """
    formats = {piece.format for piece in pieces}
    if len(formats) == 1 and not FORMATS[formats.pop()].is_yaml:
        return
    seen = [bare for part in parts(joined) if (bare := part.strip()) and not holds_nothing(bare)]
    own = [
        (bare, piece.format)
        for piece in pieces
        for part in _parts_of(piece)
        if (bare := part.strip()) and not holds_nothing(bare)
    ]
    if len(seen) != len(own):
        _refuse_number(len(seen), len(own))
    for number, (part, (alone, written)) in enumerate(zip(seen, own, strict=True), 1):
        if part != alone:
            # A file of another format may have been written anew for its place among YAML ones.
            pair = [
                [name for node in _read(text, form, {}, {}) for name in identities(node)]
                for text, form in ((part, DEFAULT), (alone, written))
            ]
            _compare(pair[0], pair[1], number)


def _parts_of(piece: Piece) -> list[bytes]:
    data = piece.data.removeprefix(_BOM)
    if data[:2] in UTF16:
        return [data.decode("utf-16").encode()]
    return parts(data) if FORMATS[piece.format].is_yaml else [data]


def _compare(seen: list[ObjectName], judged: list[ObjectName], number: int) -> None:
    if seen == judged:
        return
    other = next(other for one, other in zip_longest(seen, judged) if one != other)
    raise ManifestError(
        f"Kubernetes would read another object here than the one that was judged: {other or 'none'}",
        location=f"#{number}",
        hint="write the document so that every reader of YAML agrees: no tags, no directives, names in quotes",
    )


def identities(document: Mapping) -> Iterator[ObjectName]:
    """Yield what names each object of a document; of a list only its items count."""
    for kind, node, _, is_list in objects_in(document):
        if not is_list:
            yield ObjectName(
                text_of(node.get("apiVersion")), kind, metadata_text(node, "namespace"), metadata_text(node, "name")
            )


def _read(
    data: bytes, written: Format, known: dict[bytes, Mapping], named: Mapping_[ObjectName | None, Mapping]
) -> Iterator[Mapping]:
    """Yield the documents of a text: those that are `known`, and those `named` of which a part says only the name anew."""
    if not FORMATS[written].is_yaml:
        yield from load(FORMATS[written].documents)(data)
        return
    for number, part in enumerate(parts(data), 1):
        document = known.get(part)
        if document is None and not holds_nothing(part):
            said = names(part)
            document = None if said is None else named.get(ObjectName(*said))
            if document is None:
                yield from _loaded(part, number)
        if document is not None:
            yield document


def _loaded(part: bytes, number: int) -> list[Mapping]:
    try:
        found = loading.load(part, limits=Limits.unbounded(), comments=False).documents
    except SecretsyncError as error:
        raise error.at(f"#{number} as Kubernetes reads it,") from None
    if len(found) > 1:
        raise ManifestError("Kubernetes reads the first document only", location=f"#{number}", hint=_SEPARATE)
    return found


def _refuse_number(seen: int, judged: int) -> NoReturn:
    raise ManifestError(f"Kubernetes would read {seen} documents where {judged} were judged", hint=_SEPARATE)
