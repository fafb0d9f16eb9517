"""Objects that carry secrets, as they stand in a file: values in the clear, copies of them, fields that nobody reads.

A value that only stands for a secret is none; see `values`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import Final, NamedTuple

import secretsync.audit.sealed as sealed
import secretsync.audit.values as values
from secretsync.audit.ruleset import CLEAR_VALUE, LAST_APPLIED, PLAINTEXT_SECRET, UNKNOWN_FIELD
from secretsync.findings import Finding, Level
from secretsync.letters import argument
from secretsync.manifests.objects import Object, identify, is_sealed_secret, is_secret
from secretsync.secrecy import CIPHERTEXT

_VALUE_FIELDS: Final = ("data", "stringData")
_FIELDS: Final = frozenset((*_VALUE_FIELDS, "apiVersion", "kind", "metadata", "type", "immutable", "sops", "status"))
_MARKS: Final = ("$", "x-")
"""What begins the name of a field that kustomize or a person reads, and nobody else."""
_MERGE: Final = "<<"
_SOPS_SECRET: Final = ("SopsSecret", "isindir.github.com/")
_TEMPLATES: Final = ("secretTemplates", "secret_templates")
LAST_APPLIED_ANNOTATION: Final = "kubectl.kubernetes.io/last-applied-configuration"
_VAULT_PLUGIN: Final = "avp.kubernetes.io/"


class Place(NamedTuple):
    """Where an object stands: file and place in it, whether its document has a `sops` block, what lies beside."""

    file: str
    where: str
    encrypted: bool
    namespace: Callable[[], str]
    """Returns the namespace that the kustomization beside the file sets, or the empty text."""

    def at(self, inner: str) -> str:
        """Return a place in the object."""
        return f"{self.where} {inner}".strip()


def is_secret_like(item: Object) -> bool:
    """Whether an object is a Secret, or what an operator makes Secrets of in the clear."""
    return is_secret(item) or _is_sops_secret(item)


def findings(place: Place, item: Object) -> Iterator[Finding]:
    """Yield what is wrong with an object that stands at a place of a file."""
    if is_sealed_secret(item):
        yield from sealed.findings(place.file, place.where, item, place.namespace)
    elif is_secret(item):
        merged = _merged(item)
        yield from _of_values(place, merged, merged, "")
        yield from _unknown_fields(place, merged)
        yield from _last_applied(place, merged)
    elif _is_sops_secret(item):
        for inner, template in _templates(item):
            yield from _of_values(place, item, template, f"{inner}.")
        yield from _last_applied(place, item)


def has_clear_values(item: Object) -> bool:
    """Whether an object holds a secret in the clear."""
    annotated = _is_annotated(item)
    parts = [item] if is_secret(item) else [template for _, template in _templates(item)]
    return any(_clear(part, name, vault_keys=annotated) for part in map(_merged, parts) for name in _VALUE_FIELDS)


def _is_sops_secret(item: Object) -> bool:
    kind, group = _SOPS_SECRET
    return item.get("kind") == kind and str(item.get("apiVersion")).startswith(group)


def _templates(item: Object) -> Iterator[tuple[str, Object]]:
    spec = item.get("spec")
    if not isinstance(spec, dict):
        return
    for field in _TEMPLATES:
        listed = spec.get(field)
        for index, template in enumerate(listed if isinstance(listed, list) else ()):
            if isinstance(template, dict):
                yield f"spec.{field}[{index}]", template


def _merged(item: Object) -> Object:
    """Return an object with what its merge keys add."""
    base = item.get(_MERGE)
    bases = base if isinstance(base, list) else [base]
    found: Object = {}
    for each in reversed(bases):
        found.update(each if isinstance(each, dict) else {})
    return {**found, **{name: value for name, value in item.items() if name != _MERGE}} if found else item


def _of_values(place: Place, owner: Object, item: Object, inner: str) -> Iterator[Finding]:
    annotated = _is_annotated(owner)
    for name in _VALUE_FIELDS:
        clear = _clear(item, name, vault_keys=annotated)
        if clear and not place.encrypted:
            message = f"{identify(owner)} lies in the clear"
            hint = f"secretsync encrypt -i {argument(place.file)}"
            yield PLAINTEXT_SECRET.finding(place.file, place.at(f"{inner}{name}"), message, hint)
            return
        for key in clear:
            message = "a Secret's value is in the clear in an encrypted file"
            yield CLEAR_VALUE.finding(place.file, place.at(f"{inner}{name}.{key}"), message, level="warning")


def _clear(item: Object, name: str, *, vault_keys: bool) -> list[str]:
    found = item.get(name)
    if not isinstance(found, Mapping):
        return []
    encoded = name == "data"
    return [key for key, value in found.items() if values.is_secret(value, encoded=encoded, vault_keys=vault_keys)]


def _is_annotated(item: Object) -> bool:
    """Whether argocd-vault-plugin is told where the keys lie that `<key>` names."""
    return any(str(name).startswith(_VAULT_PLUGIN) for name in _annotations(item))


def _annotations(item: Object) -> Object:
    metadata = item.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    return annotations if isinstance(annotations, dict) else {}


def _unknown_fields(place: Place, item: Object) -> Iterator[Finding]:
    for name, value in item.items():
        if not is_unknown_field(str(name)) or not any(_leaves(value)):
            continue
        clear = any(values.is_secret(leaf) for leaf in _leaves(value))
        meant = meant_field(str(name))
        message = (
            f"a Secret has no field {str(name)[:40]!r}{', and what stands there is in the clear' if clear else ''}"
        )
        hint = f"call it {meant}, and encrypt the file anew" if meant else "take it out"
        level: Level = "error" if clear else "warning"
        yield UNKNOWN_FIELD.finding(place.file, place.at(str(name)[:40]), message, hint, level=level)


def is_unknown_field(name: str) -> bool:
    """Whether a Secret has no such field, and no tool of its reader has either."""
    return name not in _FIELDS and not name.startswith((*_MARKS, _MERGE))


def meant_field(name: str) -> str:
    """Return the field for values that a misspelt name means, or the empty text."""
    close = get_close_matches(name.lower(), [field.lower() for field in _VALUE_FIELDS], n=1, cutoff=0.6)
    return next((field for field in _VALUE_FIELDS if [field.lower()] == close), "")


def shows_values(text: str, item: Object) -> bool:
    """Whether the text of the annotation `last-applied-configuration` shows values of a Secret.

    `item` is the object that has the annotation; its kind counts where it stands in it.
    """
    try:
        copy = json.loads(text)
    except (ValueError, RecursionError):
        return False
    kind: Object = {name: item[name] for name in ("kind", "apiVersion") if name in item}
    return isinstance(copy, dict) and has_clear_values({**copy, **kind})


def _leaves(value: object) -> Iterator[object]:
    waiting = [value]
    while waiting:
        current = waiting.pop()
        if isinstance(current, dict):
            waiting += current.values()
        elif isinstance(current, list):
            waiting += current
        elif current is not None and current != "":
            yield current


def _last_applied(place: Place, item: Object) -> Iterator[Finding]:
    """Yield the copy of a Secret that kubectl keeps in an annotation, where it has values in the clear."""
    text = _annotations(item).get(LAST_APPLIED_ANNOTATION)
    if not isinstance(text, str) or text.startswith(CIPHERTEXT):
        return
    if shows_values(text, item):
        message = f"{identify(item)}: its values lie in the clear in the annotation last-applied-configuration"
        yield LAST_APPLIED.finding(place.file, place.at("metadata.annotations"), message)
