"""What Helm 4 writes into the manifests it hands to a post-renderer, taken off before anything is verified and put back.

Each document carries the name of its template in an annotation. In an encrypted document it would break the MAC; a
document that becomes another object must keep it, and a Secret that is sealed keeps what Helm reads (`helm.sh/…`).
"""

from __future__ import annotations

from typing import Final

from secretsync.documents import yaml_load, yaml_write
from secretsync.documents.tree import Entry, Limits, Mapping, Scalar
from secretsync.errors import FormatError, IntegrityError, ManifestError, SecretsyncError
from secretsync.render.objects import CIPHERTEXT, is_secret, replaced, text_of
from secretsync.render.options import Mode
from secretsync.sops.metadata import is_encrypted

MARK: Final = "postrenderer.helm.sh/postrender-filename"
_HELMS: Final = "helm.sh/"
_SOURCE: Final = "# Source: "
REMEDY: Final = (
    "the chart changes the document after it was encrypted: keep the values in an encrypted value file "
    "(--values secrets://FILE), or encrypt with --mac-only-encrypted"
)
Annotations = dict[str, str]


def taken_off(data: bytes, mode: Mode, limits: Limits) -> tuple[bytes, dict[int, Annotations]]:
    """Return the stream as its author wrote it, and by document (from 0) the annotations to put back.

    Documents that will leave as they came are not touched.

    Raises:
        FormatError: it cannot be read.
    """
    source = yaml_load.load(data, limits=limits)
    kept: dict[int, Annotations] = {}
    documents = list(source.documents)
    for index, document in enumerate(documents):
        if not is_encrypted(document) and (mode == "reveal" or not is_secret(document)):
            continue
        found = _annotations(document)
        own = {name: text for name, text in found.items() if name.startswith(_HELMS) and CIPHERTEXT not in text}
        kept[index] = own if mode == "seal" and is_secret(document) else {}
        if MARK in found:
            kept[index][MARK] = found[MARK]
            documents[index] = _without_mark(document)
    return yaml_write.rewrite(source, documents), kept


def put_back(data: bytes, kept: dict[int, Annotations]) -> bytes:
    """Return the rendered stream with the annotations of `taken_off` in its documents.

    Raises:
        ManifestError: it holds fewer documents.
    """
    source = yaml_load.load(data, limits=Limits.unbounded())
    documents = list(source.documents)
    if kept and max(kept) >= len(documents):
        raise ManifestError("rendering changed the number of documents")
    for index, marks in kept.items():
        documents[index] = _with(documents[index], marks)
    return yaml_write.rewrite(source, documents)


def named(error: SecretsyncError, data: bytes) -> SecretsyncError:
    """Return an error placed at `stdin#N …` with the name of the template that document N came from, and the remedy."""
    if isinstance(error, IntegrityError):
        error.hint = REMEDY
    place, _, rest = (error.location or "").partition(" ")
    number = place.rpartition("#")[2] if "#" in place else "1"
    template = _template(data, int(number) - 1) if number.isdecimal() else ""
    if template:
        error.location = f"{place} ({template}) {rest}".strip()
    return error


def _template(data: bytes, index: int) -> str:
    try:
        source = yaml_load.load(data, limits=Limits.unbounded())
    except FormatError:
        return ""
    if index >= len(source.documents):
        return ""
    marked = _annotations(source.documents[index]).get(MARK)
    if marked:
        return marked
    begin, end = source.spans[index]
    start = source.text.rfind(_SOURCE, 0, end)
    return source.text[start + len(_SOURCE) : end].split("\n", 1)[0].strip() if start >= begin else ""


def _annotations(document: Mapping) -> Annotations:
    metadata = document.get("metadata")
    annotations = metadata.get("annotations") if type(metadata) is Mapping else None
    if type(annotations) is not Mapping:
        return {}
    return {str(entry.key.value): text_of(entry.value) for entry in annotations.entries()}


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


def _with(document: Mapping, marks: Annotations) -> Mapping:
    metadata = document.get("metadata")
    metadata = metadata if type(metadata) is Mapping else Mapping([])
    present = metadata.get("annotations")
    merged = present if type(present) is Mapping else Mapping([])
    for name, text in marks.items():
        merged = replaced(merged, name, Scalar(text))
    return replaced(document, "metadata", replaced(metadata, "annotations", merged)) if marks else document
