"""From a SealedSecret back to the Secret, as the controller makes it: all items or an error that names each bad one.

Name, namespace and scope come from the object's own metadata only. Source: sealedsecret_expansion.go (Unseal) at
v0.36.6; `template.data` as 0.40.0 treats it (sealed-observed.md).
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import secretsync.sealed.diagnosis as diagnosis
import secretsync.sealed.items as items
from secretsync.errors import ManifestError, TemplateActionError, UnsealError
from secretsync.late import LateModule
from secretsync.manifests.objects import SEALED_GROUP, Object
from secretsync.manifests.secret import decode_base64, texts
from secretsync.manifests.secret import parse as parse_secret
from secretsync.sealed.resource import SealedSecret, parse
from secretsync.sealed.scope import annotated, scope_of

if TYPE_CHECKING:
    import json
else:
    json = LateModule("json")  # legacy files alone need it

_SKIP_OWNER: Final = "sealedsecrets.bitnami.com/skip-set-owner-references"
_ACTION: Final = "{{"  # the left delimiter of Go's text/template, where every action starts


def unseal(sealed: Object, keys: Sequence[items.OpensItems]) -> Object:
    """Return the Secret that a SealedSecret holds, its values base64-encoded in `data`.

    Raises:
        UnsealError: items (each named once, with its reason) open with none of the keys.
        TemplateActionError: `template.data` holds Go template actions, which only the controller renders.
        ManifestError: the object is no valid SealedSecret.
    """
    resource = parse(sealed)
    if not keys:
        raise UnsealError("no private key was given", hint="secretsync unseal --recovery-private-key KEY.pem FILE")
    if resource.blob is not None:
        return _unseal_blob(resource, resource.blob, keys)
    _refuse_actions(resource)
    values = {key: base64.b64encode(value).decode("ascii") for key, value in _open(resource, keys).items()}
    return _secret(resource, values)


def values_of(resource: SealedSecret, keys: Sequence[items.OpensItems]) -> dict[str, bytes]:
    """Return the decrypted items alone, without the template.

    Raises:
        UnsealError: items (each named once, with its reason) open with none of the keys.
    """
    values, failures = judged(resource, keys)
    if failures:
        raise _error(resource, failures, keys)
    return values


def judged(resource: SealedSecret, keys: Sequence[items.OpensItems]) -> tuple[dict[str, bytes], dict[str, str]]:
    """Return the items that open with their values, and the others with the reason."""
    values: dict[str, bytes] = {}
    failures: dict[str, str] = {}
    for key, item in resource.items.items():
        try:
            decoded = decode_base64(item or "")
        except ManifestError:
            failures[key] = "not valid base64 (standard alphabet, padded)"
            continue
        value = items.unseal(decoded, keys, resource.label)
        if value is None:
            failures[key] = diagnosis.reason(item, decoded, keys)
        else:
            values[key] = value
    return values, failures


def _open(resource: SealedSecret, keys: Sequence[items.OpensItems]) -> dict[str, bytes]:
    """Return the Secret's values: an item wins over plain text of its name, and null takes both away."""
    values = values_of(resource, keys)
    for key, plain in resource.template_data.items():
        if plain is None:
            values.pop(key, None)
        else:
            values.setdefault(key, plain.encode())
    return dict(sorted(values.items()))


def _refuse_actions(resource: SealedSecret) -> None:
    rendered = [key for key, value in resource.template_data.items() if value is not None and _ACTION in value]
    if rendered:
        raise TemplateActionError(
            f"Go template actions, which only the controller renders: {', '.join(rendered)}",
            location="spec.template.data",
        )


def _error(resource: SealedSecret, failures: dict[str, str], keys: Sequence[items.OpensItems]) -> UnsealError:
    """Name every failing item; where another label would open one, say so, because that is the common cause."""
    remedy = next((found for key in failures if (found := diagnosis.other_label(resource, key, keys))), None)
    named = "; ".join(f"{key}: {why}" for key, why in failures.items())
    message = f"{remedy.cause} ({', '.join(failures)})" if remedy else named
    return UnsealError(message, location="spec.encryptedData", hint=remedy.hint if remedy else None)


def _secret(resource: SealedSecret, values: dict[str, str]) -> Object:
    secret: Object = {"apiVersion": "v1", "kind": "Secret", "metadata": _metadata(resource, resource.template_metadata)}
    if resource.immutable is not None:
        secret["immutable"] = resource.immutable
    secret["data"] = values
    if resource.template_type:
        secret["type"] = resource.template_type
    return secret


def _metadata(resource: SealedSecret, source: Object) -> Object:
    metadata: Object = {"name": resource.name}
    if resource.namespace:
        metadata["namespace"] = resource.namespace
    if annotations := _annotations(resource, source):
        metadata["annotations"] = annotations
    if labels := texts(source.get("labels"), "spec.template.metadata.labels"):
        metadata["labels"] = labels
    if source.get("finalizers"):
        metadata["finalizers"] = source["finalizers"]
    if resource.template_annotations.get(_SKIP_OWNER) == "true":
        if source.get("ownerReferences"):
            metadata["ownerReferences"] = source["ownerReferences"]
    elif resource.uid:
        metadata["ownerReferences"] = [_owner(resource)]
    return metadata


def _annotations(resource: SealedSecret, source: Object) -> dict[str, str]:
    """Return the template's annotations with the scope that the items opened under: nothing authenticates the template."""
    annotations = texts(source.get("annotations"), "spec.template.metadata.annotations")
    return annotations if scope_of(annotations) == resource.scope else annotated(annotations, resource.scope)


def _owner(resource: SealedSecret) -> Object:
    return {
        "apiVersion": SEALED_GROUP,
        "kind": "SealedSecret",
        "name": resource.name,
        "uid": resource.uid,
        "controller": True,
    }


def _unseal_blob(resource: SealedSecret, blob: str, keys: Sequence[items.OpensItems]) -> Object:
    """Open the legacy form: one item whose plaintext is a whole Secret as JSON (before kubeseal 0.7)."""
    try:
        plaintext = items.unseal(decode_base64(blob), keys, resource.label)
    except ManifestError:
        raise UnsealError("not valid base64 (standard alphabet, padded)", location="spec.data") from None
    if plaintext is None:
        raise UnsealError("no key opens it under this name, namespace and scope", location="spec.data")
    try:
        inner = json.loads(plaintext)
        secret = parse_secret(inner)
    except (ValueError, AttributeError, RecursionError):
        raise UnsealError("the legacy item does not hold a Secret", location="spec.data") from None
    values = {key: base64.b64encode(value).decode("ascii") for key, value in secret.values.items()}
    metadata = inner.get("metadata") or {}
    result: Object = {"apiVersion": "v1", "kind": "Secret", "metadata": _metadata(resource, metadata)}
    if secret.immutable is not None:
        result["immutable"] = secret.immutable
    return {**result, "data": values} | ({"type": secret.type} if secret.type else {})
