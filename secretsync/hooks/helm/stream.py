"""What Helm 4 writes into the manifests it hands to a post-renderer, taken off before anything is verified and put back.

Each document carries the name of its template in an annotation. In an encrypted document it would break the MAC; a
document that becomes another object must keep it.
"""

from __future__ import annotations

from typing import Final

from secretsync.documents.tree import Entry, Limits, Mapping, Scalar
from secretsync.documents.yaml import loading
from secretsync.documents.yaml.rewriting import stream
from secretsync.errors import FormatError, IntegrityError, ManifestError, SecretsyncError
from secretsync.rendering.objects import is_secret, replaced, text_of
from secretsync.rendering.options import Mode
from secretsync.sops.metadata import is_encrypted

MARK: Final = "postrenderer.helm.sh/postrender-filename"
_SOURCE: Final = "# Source: "
REMEDY: Final = (
    "the chart changes the document after it was encrypted: keep the values in an encrypted value file "
    "(--values secrets://FILE), or encrypt with --mac-only-encrypted"
)


def taken_off(data: bytes, mode: Mode, limits: Limits) -> tuple[bytes, dict[int, str]]:
    """Return the stream as its author wrote it, and by document (from 0) the template's name to put back.

    Documents that will leave as they came are not touched.

    Raises:
        FormatError: it cannot be read.
    """
    source = loading.load(data, limits=limits.for_text(len(data)))
    kept: dict[int, str] = {}
    documents = list(source.documents)
    for index, document in enumerate(documents):
        if is_encrypted(document) or (mode != "reveal" and is_secret(document)):
            template = _template_of(document)
            if template:
                kept[index] = template
                documents[index] = _without_mark(document)
    return stream.rewrite(source, documents), kept


def put_back(data: bytes, kept: dict[int, str]) -> bytes:
    """Return the rendered stream with the names of `taken_off` in its documents.

    Raises:
        ManifestError: it holds fewer documents.
    """
    source = loading.load(data, limits=Limits.unbounded())
    documents = list(source.documents)
    if kept and max(kept) >= len(documents):
        raise ManifestError("rendering changed the number of documents")
    for index, template in kept.items():
        documents[index] = _with_mark(documents[index], template)
    return stream.rewrite(source, documents)


def named(error: SecretsyncError, data: bytes, limits: Limits) -> SecretsyncError:
    """Return an error placed at `stdin#N …` with the name of the template that document N came from, and the remedy."""
    if isinstance(error, IntegrityError):
        error.hint = REMEDY
    place, _, rest = (error.location or "").partition(" ")
    number = place.rpartition("#")[2] if "#" in place else "1"
    template = _template(data, int(number) - 1, limits) if number.isdecimal() else ""
    if template:
        error.location = f"{place} ({template}) {rest}".strip()
    return error


def _template(data: bytes, index: int, limits: Limits) -> str:
    try:
        source = loading.load(data, limits=limits)
    except FormatError:
        return ""
    if index >= len(source.documents):
        return ""
    marked = _template_of(source.documents[index])
    if marked:
        return marked
    begin, end = source.spans[index]
    start = source.text.rfind(_SOURCE, 0, end)
    return source.text[start + len(_SOURCE) : end].split("\n", 1)[0].strip() if start >= begin else ""


def _template_of(document: Mapping) -> str:
    metadata = document.get("metadata")
    annotations = metadata.get("annotations") if type(metadata) is Mapping else None
    return text_of(annotations.get(MARK)) if type(annotations) is Mapping else ""


def _without_mark(document: Mapping) -> Mapping:
    metadata = document.get("metadata")
    assert type(metadata) is Mapping
    annotations = metadata.get("annotations")
    assert type(annotations) is Mapping
    rest = _without(annotations, MARK)
    bare = _without(metadata, "annotations")
    if any(True for _ in rest.entries()):
        bare = replaced(metadata, "annotations", rest)
    return replaced(document, "metadata", bare)


def _without(parent: Mapping, key: str) -> Mapping:
    items = [item for item in parent.items if type(item) is not Entry or item.key.value != key]
    return Mapping(items, parent.span, parent.flow, parent.alias)


def _with_mark(document: Mapping, template: str) -> Mapping:
    metadata = document.get("metadata")
    metadata = metadata if type(metadata) is Mapping else Mapping([])
    annotations = metadata.get("annotations")
    annotations = annotations if type(annotations) is Mapping else Mapping([])
    annotations = replaced(annotations, MARK, Scalar(template))
    return replaced(document, "metadata", replaced(metadata, "annotations", annotations))
