"""Generators of kustomize that make Secrets of what lies in the clear: literals, and plain files that they name.

Source: kustomize api/types/kvsources.go and secretargs.go at 5.8.1 (`literals`, `files`, `envs`, `env`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple, TypeAlias

import secretsync.audit.values as values
from secretsync.audit.reading import FileRead, leaves, read
from secretsync.audit.ruleset import PLAINTEXT_GENERATOR
from secretsync.audit.structure import others
from secretsync.documents.tree import Limits
from secretsync.errors import SecretsyncError
from secretsync.findings import Finding
from secretsync.letters import argument
from secretsync.manifests.objects import Object

_FIELD: Final = "secretGenerator"
_BUILTIN: Final = "SecretGenerator"
_CERTIFICATE: Final = (b"-----BEGIN CERTIFICATE-----", b"-----BEGIN PUBLIC KEY-----", b"ssh-")

ReadFile: TypeAlias = "Callable[[str], bytes | None]"
"""Returns the bytes of a file by its path as shown, None where it cannot be read."""


class NamedFile(NamedTuple):
    """A file that a generator makes a Secret of: its path, where it is named, and whether it is a list of values."""

    path: str
    generator: str
    entry: str
    lines: bool


def literals(file: str, where: str, document: Object) -> Iterator[Finding]:
    """Yield the generators of a document that make a Secret of literals in the clear."""
    for place, generator in _generators(document):
        listed = _texts(generator.get("literals"))
        clear = [index for index, text in listed if "=" in text and values.is_secret(_unquoted(text.partition("=")[2]))]
        if clear:
            message = f"the Secret {_name(generator)} is made of a literal that lies in the clear{others(len(clear))}"
            hint = "put it into a file, encrypt that, and name it under envs or files"
            yield PLAINTEXT_GENERATOR.finding(file, f"{where} {place}.literals[{clear[0]}]".strip(), message, hint)


def files_of(file: str, document: Object) -> Iterator[NamedFile]:
    """Yield the files that generators of a document name, by their paths as `file` is given."""
    folder = os.path.dirname(file)
    for place, generator in _generators(document):
        for field in ("env", "envs", "files"):
            for index, text in _texts(generator.get(field)):
                path = text if field != "files" or "=" not in text else text.partition("=")[2]
                if path and "://" not in path and not os.path.isabs(path):
                    entry = f"{place}.{field}" + ("" if field == "env" else f"[{index}]")
                    yield NamedFile(os.path.normpath(os.path.join(folder, path)), file, entry, field != "files")


def findings(named: list[NamedFile], told: set[str], read_file: ReadFile, limits: Limits) -> Iterator[Finding]:
    """Yield the files behind generators that lie in the clear, each once; those in `told` were found already."""
    seen = set(told)
    for each in named:
        if each.path not in seen:
            seen.add(each.path)
            data = read_file(each.path)
            found = _plain_file(each, data, limits) if data is not None else None
            if found:
                yield found


def _plain_file(named: NamedFile, data: bytes, limits: Limits) -> Finding | None:
    """Return the finding of a named file that lies in the clear and holds something; None for any other."""
    try:
        seen = read(named.path, data, limits, ruled=True)
    except SecretsyncError:
        return None
    if seen is None or seen.encrypted or seen.problem is not None or not _holds_values(named, data, seen):
        return None
    message = f"lies in the clear, and {named.entry} of {named.generator} makes a Secret of it"
    return PLAINTEXT_GENERATOR.finding(named.path, "", message, f"secretsync encrypt -i {argument(named.path)}")


def _holds_values(named: NamedFile, data: bytes, seen: FileRead) -> bool:
    if named.lines:
        return any(values.is_secret(value.strip().strip("'\"")) for value in _lines(data))
    if data.lstrip().startswith(_CERTIFICATE) and b"PRIVATE KEY" not in data:
        return False
    if not seen.documents:
        return values.is_secret(data.decode("utf-8", "replace"))
    return any(values.is_secret(leaf.value) for each in seen.documents for _, leaf in leaves(each.root))


def _lines(data: bytes) -> Iterator[str]:
    for line in data.decode("utf-8", "replace").splitlines():
        bare = line.strip()
        if bare and not bare.startswith("#") and "=" in bare:
            yield bare.partition("=")[2]


def _generators(document: Object) -> Iterator[tuple[str, Object]]:
    """Yield each generator of Secrets in a document: of a kustomization, or one that is an object itself."""
    if document.get("kind") == _BUILTIN and document.get("apiVersion") == "builtin":
        yield "", document
    listed = document.get(_FIELD)
    for index, each in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(each, dict):
            yield f"{_FIELD}[{index}]", each


def _texts(value: object) -> list[tuple[int, str]]:
    listed = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return [(index, text) for index, text in enumerate(listed) if isinstance(text, str)]


def _unquoted(text: str) -> str:
    return text[1:-1] if text[:1] in {"'", '"'} and text[-1:] == text[:1] else text


def _name(generator: Object) -> str:
    metadata = generator.get("metadata")
    name = generator.get("name") or (metadata.get("name") if isinstance(metadata, dict) else "")
    return repr(str(name)[:80])
