"""A Secret read strictly: every value a string, every name legal, every field of data decoded.

kubeseal coerces numbers and booleans, reads other kinds, and seals ciphertext of sops as if it were the
value; each of these is refused here, naming the field and never the value.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from secretsync.errors import ManifestError, PlaintextError
from secretsync.manifests.names import check_key, check_name, check_namespace
from secretsync.manifests.objects import is_secret
from secretsync.secrecy import CIPHERTEXT

_FIELDS: Final = ("apiVersion", "kind", "metadata", "type", "immutable", "data", "stringData")
_CIPHERTEXT: Final = CIPHERTEXT.encode()


class Secret(NamedTuple):
    """A valid Secret. Name and namespace may be empty; `values` never shows in `repr`.

    `values` holds data and stringData as bytes, sorted by key; stringData wins where both have a key.
    """

    name: str
    namespace: str
    labels: dict[str, str]
    annotations: dict[str, str]
    finalizers: list[str]
    type: str
    immutable: bool | None
    values: dict[str, bytes]

    def __repr__(self) -> str:
        return f"Secret({self.namespace}/{self.name})"


def parse(obj: Mapping[str, object]) -> Secret:
    """Read a plain dictionary as a Secret. Unknown fields are ignored, as Kubernetes does.

    Raises:
        ManifestError: it is no core/v1 Secret, or a field is not what Kubernetes accepts.
        PlaintextError: it is encrypted by sops, and was not decrypted.
    """
    if not is_secret(obj):
        raise ManifestError(f"not a Secret of apiVersion v1 but {obj.get('kind')!r} of {obj.get('apiVersion')!r}")
    _refuse_encrypted(obj)
    _refuse_misspelt(obj)
    metadata = obj.get("metadata")
    if metadata is not None and not isinstance(metadata, Mapping):
        raise ManifestError("must be a mapping", location="metadata")
    metadata = metadata or {}
    immutable = obj.get("immutable")
    if immutable is not None and type(immutable) is not bool:
        raise ManifestError("must be true or false", location="immutable")
    return Secret(
        name=_checked(text(metadata.get("name"), "metadata.name"), check_name),
        namespace=_checked(text(metadata.get("namespace"), "metadata.namespace"), check_namespace),
        labels=texts(metadata.get("labels"), "metadata.labels"),
        annotations=texts(metadata.get("annotations"), "metadata.annotations"),
        finalizers=_finalizers(metadata.get("finalizers")),
        type=text(obj.get("type"), "type"),
        immutable=immutable,
        values=_values(obj),
    )


def text(value: object, location: str) -> str:
    """Return a field that must be text; null is the empty text, as Go decodes it.

    Raises:
        ManifestError: it is no string, or one that a YAML 1.1 reader would not take for a string.
    """
    if value is None:
        return ""
    if type(value) is not str:
        raise ManifestError(f"{_kind_of(value)} where a string is due; put it in quotes", location=location)
    if any("\ud800" <= char <= "\udfff" for char in value):
        raise ManifestError("a lone surrogate cannot be written as UTF-8", location=location)
    return value


def texts(value: object, location: str) -> dict[str, str]:
    """Return a mapping of text to text, sorted by key; null is the empty mapping.

    Raises:
        ManifestError: it is no mapping, or a key or value is no string.
    """
    return {key: text(item, f"{location}.{key}") for key, item in _entries(value, location)}


def decode_base64(value: str) -> bytes:
    r"""Decode standard base64 as Go does: padding is required, `\r` and `\n` are skipped, nothing else is.

    Non-zero bits behind the last byte are accepted. Source: Go encoding/base64, StdEncoding.

    Raises:
        ManifestError: the text is no base64.
    """
    try:
        return base64.b64decode(value.replace("\r", "").replace("\n", ""), validate=True)
    except (ValueError, binascii.Error):
        raise ManifestError("not valid base64 (standard alphabet, padded)") from None


def _values(obj: Mapping[str, object]) -> dict[str, bytes]:
    values: dict[str, bytes] = {}
    for name, decode in (("data", decode_base64), ("stringData", str.encode)):
        for key, item in _entries(obj.get(name), name):
            check_key(key, name)
            location = f"{name}.{key}"
            written = text(item, location)
            try:
                values[key] = decode(written)
            except ManifestError as error:
                raise error.at(location) from None
            if values[key].startswith(_CIPHERTEXT) and values[key].rstrip().endswith(b"]"):
                raise PlaintextError("sops ciphertext, not the secret itself", location=location, hint=_DECRYPT)
    return dict(sorted(values.items()))


_DECRYPT: Final = "decrypt the file first: secretsync decrypt FILE | secretsync seal --cert CERT -"


def _refuse_encrypted(obj: Mapping[str, object]) -> None:
    if "sops" in obj:
        raise PlaintextError("the Secret is encrypted by sops and was not decrypted", location="sops", hint=_DECRYPT)


def _refuse_misspelt(obj: Mapping[str, object]) -> None:
    """Kubernetes' JSON reader would take `StringData` for `stringData`; losing it silently would lose a secret."""
    for key in obj:
        if key not in _FIELDS:
            meant = next((name for name in _FIELDS if name.lower() == str(key).lower()), None)
            if meant:
                raise ManifestError(f"unknown field {key!r}: write {meant!r}", location=key)


def _entries(value: object, location: str) -> list[tuple[str, object]]:
    if value is None:
        return []
    if not isinstance(value, Mapping):
        raise ManifestError(f"{_kind_of(value)} where a mapping is due", location=location)
    for key in value:
        if type(key) is not str:
            raise ManifestError(f"key {str(key)!r} is {_kind_of(key)}; put it in quotes", location=location)
    return sorted(value.items())


def _finalizers(value: object) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise ManifestError("must be a list", location="metadata.finalizers")
    return [text(item, f"metadata.finalizers[{index}]") for index, item in enumerate(value)]


def _checked(name: str, check: Callable[[str], None]) -> str:
    if name:
        check(name)
    return name


_KINDS: Final = {bool: "a boolean", int: "a number", float: "a number", bytes: "binary data", list: "a list"}


def _kind_of(value: object) -> str:
    if isinstance(value, str):
        return "an unquoted word that YAML 1.1 reads as a boolean"
    if isinstance(value, Mapping):
        return "a mapping"
    return _KINDS.get(type(value), "null" if value is None else "a timestamp")
