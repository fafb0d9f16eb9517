"""In which format Flux takes data for ciphertext, and whether it can write what it decrypts in the format a key asks for.

Source: fluxcd/kustomize-controller internal/decryptor at 1.9.5 (`formatForPath`); what each
of sops' stores can write was observed with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from secretsync.documents.stores import STORES, store_for_path, store_named
from secretsync.documents.tree import Comment, Limits, Mapping, Scalar
from secretsync.errors import SecretsyncError
from secretsync.sops import is_encrypted

_DOCKER: Final = ".dockerconfigjson"


def holds_nothing(manifest: bytes) -> bool:
    """Whether there are only comments, blank lines and markers."""
    lines = (line.strip() for line in manifest.splitlines())
    return all(not line or line.startswith(b"#") or line in {b"---", b"..."} for line in lines)


def formats_of(data: bytes) -> list[str]:
    """Return the formats of which `data` has the mark; the controller takes any of several."""
    marks = {name: store_named(name).MAC_MARK for name in sorted(STORES)}
    return [name for name, mark in marks.items() if mark and mark in data]


def format_for(key: str) -> str:
    """Return the format that the name of a key asks for."""
    return "json" if key.endswith(_DOCKER) else store_for_path(key)


def trouble(data: bytes, found: str, wanted: str, limits: Limits) -> str:
    """Return why data of the format `found` does not become decrypted data of the format `wanted`; empty if it does."""
    try:
        documents = store_named(found).load(data, limits=limits, encrypted=True).documents
    except SecretsyncError:
        documents = []
    if not documents or not is_encrypted(documents[0]):
        return f"looks like {found} that sops has encrypted, and is not: the build fails"
    if not _can_be_written(documents, wanted):
        return f"is {found}, and cannot be written as {wanted}, which its key asks for: the build fails"
    return ""


def _can_be_written(documents: Sequence[Mapping], wanted: str) -> bool:
    values = {entry.key.value: entry.value for entry in documents[0].entries() if entry.key.value != "sops"}
    match wanted:
        case "binary":
            return "data" in values
        case "dotenv":
            return all(isinstance(value, Scalar) for value in values.values())
        case "ini":
            return all(isinstance(value, Mapping) and _is_flat(value) for value in values.values())
        case _:
            return True


def _is_flat(section: Mapping) -> bool:
    return all(isinstance(item, Comment) or isinstance(item.value, Scalar) for item in section.items)
