"""What a rule says of a file: that it is encrypted, for whom, and which of its values. No key is needed.

A rule that fits any file tells which keys a new file gets, and not which files are encrypted: under it, nothing is
expected of a file. What a rule's pattern says is found out by asking it about made-up neighbours of the file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Final

import secretsync.audit.values as values
from secretsync.audit.reading import FileRead, ReadDocument
from secretsync.audit.ruleset import NOT_ENCRYPTED
from secretsync.audit.secrets import has_clear_values, is_secret_like
from secretsync.audit.structure import Shape
from secretsync.documents.stores import FALLBACK, store_for_path, store_named
from secretsync.documents.tree import Scalar
from secretsync.errors import ManifestError, SecretsyncError
from secretsync.findings import Finding
from secretsync.keyring.naming import FileRule
from secretsync.keyring.ruleset import OTHER_SELECTOR
from secretsync.letters import argument
from secretsync.manifests.objects import Object, flatten
from secretsync.sops.selectors import Selector

_NEIGHBOUR: Final = "neighbour"
_COMMON: Final = frozenset(("", ".yaml", ".yml", ".json"))
"""Suffixes that say nothing of whether a file is encrypted."""
_SECRET_WORDS: Final = frozenset(["credentials", "enc", "encrypted", "private", "secret", "secrets", "sops", "vault"])
_MODELS: Final = (".dist", ".example", ".j2", ".sample", ".template", ".tmpl", ".tpl")
"""How the names of files end that show what another one looks like."""
_DOCUMENTS: Final = frozenset((".adoc", ".asc", ".crt", ".go", ".md", ".nix", ".pub", ".py", ".rst", ".sh", ".tf"))
_OTHERS: Final = frozenset(
    (
        ".gitattributes",
        ".gitignore",
        ".gitkeep",
        ".keep",
        ".sops.yaml",
        ".secretsync.yaml",
        "Chart.lock",
        "Chart.yaml",
        "Kustomization",
        "LICENSE",
        "Makefile",
        "README",
        "kustomization.yaml",
        "kustomization.yml",
        "package-lock.json",
        "package.json",
    )
)
"""Names of files that tools and people read, and that nobody encrypts."""


def wants_encrypted(path: str, rules: Sequence[FileRule]) -> FileRule | None:
    """Return the rule that says of a file by its name or folder that it is encrypted; None where none does."""
    name = os.path.basename(path)
    stem, suffix = os.path.splitext(name)
    if name in _OTHERS or (suffix or stem) in _MODELS:
        return None
    return next((rule for rule in rules if _expects(rule, suffix)), None)


def _expects(rule: FileRule, suffix: str) -> bool:
    """Whether a rule's pattern says of the file itself, or of its folder, that it is encrypted."""
    folder, _, _ = rule.inside.rpartition("/")
    prefix = f"{folder}/" if folder else ""
    if not rule.matches(f"{prefix}{_NEIGHBOUR}{suffix}"):
        return True
    if suffix not in _COMMON and not rule.matches(f"{prefix}{_NEIGHBOUR}.{_NEIGHBOUR}"):
        return True
    if not folder or any(rule.matches(f"{other}{_NEIGHBOUR}{suffix}") for other in ("", f"{_NEIGHBOUR}/")):
        return False
    if store_for_path(rule.inside) != FALLBACK:
        return True
    words = {word for step in folder.split("/") for word in step.lower().replace("_", "-").replace(".", "-").split("-")}
    return bool(words & _SECRET_WORDS) and suffix not in _DOCUMENTS


def findings(file: str, seen: FileRead, rule: FileRule) -> Iterator[Finding]:
    """Yield the finding of a file that `rule` says is encrypted, and that has something of it in the clear."""
    if seen.encrypted:
        yield from _of_selector(file, seen, rule)
        return
    selector = _selector_of(rule, seen)
    if seen.store == FALLBACK or any(_is_picked(document, selector) for document in seen.documents):
        message = f"lies in the clear, and {rule.place} says that it is encrypted"
        yield NOT_ENCRYPTED.finding(file, "", message, f"secretsync encrypt -i {argument(file)}")


def _selector_of(rule: FileRule, seen: FileRead) -> Selector:
    whole = seen.store == FALLBACK or store_named(seen.store).ONE_VALUE
    return Selector.default() if whole or rule.selector is None else rule.selector


def _is_picked(document: ReadDocument, selector: Selector) -> bool:
    """Whether a plain document holds what the selector would pick; of objects of Kubernetes only Secrets count."""
    found = document.plain
    if isinstance(found, dict) and _is_object(found):
        return any(map(has_clear_values, _secrets(found)))
    try:
        return any(_is_value(scalar) for _, scalar in Shape.of(document.root, selector).clear)
    except SecretsyncError:
        return False


def _is_object(found: Object) -> bool:
    return isinstance(found.get("kind"), str) and isinstance(found.get("apiVersion"), str)


def _secrets(found: Object) -> list[Object]:
    try:
        return [item for _, item in flatten(found) if is_secret_like(item)]
    except ManifestError:
        return []


def _is_value(scalar: Scalar) -> bool:
    return values.is_secret(scalar.value)


def _of_selector(file: str, seen: FileRead, rule: FileRule) -> Iterator[Finding]:
    """Yield where a file leaves in the clear what its rule picks, or has encrypted what the rule leaves."""
    selector = _selector_of(rule, seen)
    for document in seen.documents:
        if document.encrypted and not selector.by_comment:
            yield from _compared(
                file, f"#{document.number}" if len(seen.documents) > 1 else "", document, selector, rule
            )


def _compared(file: str, where: str, document: ReadDocument, selector: Selector, rule: FileRule) -> Iterator[Finding]:
    if document.metadata is None or document.metadata.selector == selector:
        return
    try:
        shape = Shape.of(document.bare, selector)
    except SecretsyncError:
        return
    found = document.plain
    is_object = isinstance(found, dict) and _is_object(found)
    clear = [place for place, scalar in shape.clear if _is_value(scalar) and not (is_object and not _is_data(place))]
    name = argument(file)
    hint = f"decrypt it and encrypt it anew: secretsync decrypt -i {name} && secretsync encrypt -i {name}"
    if clear:
        message = f"is in the clear, and the selector of {rule.place} picks it"
        yield OTHER_SELECTOR.finding(file, f"{where} {clear[0]}".strip(), message, hint)
    elif shape.bare:
        message = f"is encrypted, and the selector of {rule.place} leaves it in the clear"
        yield OTHER_SELECTOR.finding(file, f"{where} {shape.bare[0]}".strip(), message, hint, level="warning")


def _is_data(place: str) -> bool:
    """Whether a place in an object of Kubernetes is among the values of a Secret."""
    return any(step in {"data", "stringData"} for step in place.split("."))
