"""What can be said of a SealedSecret without a private key: that the controller reads it, and that its template widens nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from secretsync.audit.ruleset import NO_NAMESPACE, TEMPLATE_WIDENS, UNSEALABLE
from secretsync.errors import ManifestError, SecretsyncError
from secretsync.findings import Finding
from secretsync.manifests.objects import Object, identify
from secretsync.manifests.secret import decode_base64
from secretsync.sealed import resource
from secretsync.sealed.scope import is_wider, scope_of

_TEMPLATES: Final = ("{{", "${")
_UNKNOWN: Final = "default"
"""Stands for a namespace that is set elsewhere; which one it is decides nothing here."""


def findings(file: str, where: str, item: Object, namespace: Callable[[], str]) -> Iterator[Finding]:
    """Yield what is wrong with a SealedSecret that stands at `where`.

    `namespace` returns the one that the kustomization beside it sets, or the empty text.
    """
    yield from _widened(file, where, item)
    metadata = _object(item.get("metadata"))
    if is_template(metadata, _object(_object(item.get("spec")).get("encryptedData"))):
        return
    if not metadata.get("namespace") and scope_of(_annotations(metadata)) != "cluster-wide":
        found = namespace()
        if not found:
            message = f"{identify(item)} names no namespace, and no kustomization beside it does"
            yield NO_NAMESPACE.finding(file, f"{where} metadata.namespace".strip(), message)
        item = {**item, "metadata": {**metadata, "namespace": _UNKNOWN}}
    try:
        for key, sealed in resource.parse(item).items.items():
            _check_item(key, sealed)
    except SecretsyncError as error:
        place = f"{where} {error.location or ''}".strip()
        yield UNSEALABLE.finding(file, place, error.message, error.hint)


def is_template(*parts: Object) -> bool:
    """Whether names or items are filled in before anybody reads the object, as by Helm or Flux."""
    texts = [text for part in parts for text in part.values() if isinstance(text, str)]
    return any(mark in text for text in texts for mark in _TEMPLATES)


def _object(value: object) -> Object:
    return value if isinstance(value, dict) else {}


def _widened(file: str, where: str, item: Object) -> Iterator[Finding]:
    """Yield the finding where the template says a wider scope: whoever seals its Secret again would follow it."""
    spec = _object(item.get("spec"))
    said = scope_of(_annotations(_object(spec.get("template")).get("metadata")))
    own = scope_of(_annotations(item.get("metadata")))
    if is_wider(said, own):
        place = f"{where} spec.template.metadata.annotations".strip()
        yield TEMPLATE_WIDENS.finding(file, place, f"{identify(item)} is {own}, and its template says {said}")


def _annotations(metadata: object) -> Mapping[str, object]:
    return _object(_object(metadata).get("annotations"))


def _check_item(key: str, sealed: str | None) -> None:
    """Raise a ManifestError for a sealed item that is no base64; whether it opens, only the controller knows."""
    try:
        decode_base64(sealed or "")
    except ManifestError as error:
        raise error.at(f"spec.encryptedData.{key}") from None
