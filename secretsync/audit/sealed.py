"""What can be said of a SealedSecret without a private key: that the controller reads it, and that its template widens nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from secretsync.audit.ruleset import TEMPLATE_WIDENS, UNSEALABLE
from secretsync.documents.stores import store_named
from secretsync.documents.tree import Limits
from secretsync.errors import ManifestError, SecretsyncError
from secretsync.findings import Finding
from secretsync.manifests.objects import Object, flatten, identify, is_sealed_secret
from secretsync.manifests.secret import decode_base64
from secretsync.manifests.trees import to_object
from secretsync.sealed import resource
from secretsync.sealed.scope import is_wider, scope_of


def findings(file: str, where: str, item: Object) -> Iterator[Finding]:
    """Yield what is wrong with a SealedSecret that stands at `where`."""
    yield from _widened(file, where, item)
    try:
        for key, sealed in resource.parse(item).items.items():
            _check_item(key, sealed)
    except SecretsyncError as error:
        place = f"{where} {error.location or ''}".strip()
        yield UNSEALABLE.finding(file, place, error.message, error.hint)


def widened_in_templates(file: str, data: bytes, limits: Limits) -> Iterator[Finding]:
    """Yield the SealedSecrets whose template widens, of a text that may be a template itself, as of Helm, or hold some.

    What is no YAML before it is rendered is nobody's business here.
    """
    try:
        for number, document in enumerate(store_named("yaml").load(data, limits=limits).documents, 1):
            for place, item in flatten(_object(to_object(document))):
                if is_sealed_secret(item):
                    yield from _widened(file, f"#{number} {place}".strip(), item)
    except SecretsyncError:
        return


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
