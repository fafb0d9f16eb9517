"""A SealedSecret read strictly, as what it is: items, a template, and the place its label is made of.

Old files carry nulls (`creationTimestamp`, `template.data`, `status: {}`); they read as absent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from secretsync.errors import ManifestError
from secretsync.manifests.names import check_key, check_name, check_namespace
from secretsync.manifests.objects import Object, is_sealed_secret
from secretsync.manifests.secret import text, texts
from secretsync.sealed.scope import Scope, label, scope_of


class SealedSecret(NamedTuple):
    """A SealedSecret. `items` are as written, not decoded: an item that is no string is None.

    `blob` is the legacy `spec.data`, None where there is none; `template_data` values of None take a key away.
    """

    name: str
    namespace: str
    uid: str
    scope: Scope
    items: dict[str, str | None]
    blob: str | None
    template_metadata: Object
    template_annotations: dict[str, str]
    template_type: str
    immutable: bool | None
    template_data: dict[str, str | None]

    @property
    def label(self) -> bytes:
        """The OAEP label that its own metadata asks for."""
        return label(self.scope, namespace=self.namespace, name=self.name)


def parse(obj: Mapping[str, object]) -> SealedSecret:
    """Read a plain dictionary as a SealedSecret.

    Raises:
        ManifestError: it is none, or a field is not of its type, or a name or key is illegal.
    """
    if not is_sealed_secret(obj):
        raise ManifestError(
            f"not a SealedSecret of bitnami.com/v1alpha1 but {obj.get('kind')!r} of {obj.get('apiVersion')!r}"
        )
    metadata = mapping(obj.get("metadata"), "metadata")
    spec = mapping(obj.get("spec"), "spec")
    template = mapping(spec.get("template"), "spec.template")
    inner = mapping(template.get("metadata"), "spec.template.metadata")
    immutable = template.get("immutable")
    if immutable is not None and type(immutable) is not bool:
        raise ManifestError("must be true or false", location="spec.template.immutable")
    scope = scope_of(texts(metadata.get("annotations"), "metadata.annotations"))
    return SealedSecret(
        name=_name(metadata),
        namespace=_namespace(metadata, scope),
        uid=text(metadata.get("uid"), "metadata.uid"),
        scope=scope,
        items=_items(spec),
        blob=_blob(spec),
        template_metadata=inner,
        template_annotations=texts(inner.get("annotations"), "spec.template.metadata.annotations"),
        template_type=text(template.get("type"), "spec.template.type"),
        immutable=immutable,
        template_data=_template_data(template),
    )


def mapping(value: object, location: str) -> Object:
    """Return a mapping; null is an empty one.

    Raises:
        ManifestError: it is something else.
    """
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ManifestError("must be a mapping", location=location)
    return value


def _name(metadata: Object) -> str:
    name = text(metadata.get("name"), "metadata.name")
    if not name:
        raise ManifestError("no name: the controller would look for a Secret without one", location="metadata.name")
    check_name(name)
    return name


def _namespace(metadata: Object, scope: Scope) -> str:
    namespace = text(metadata.get("namespace"), "metadata.namespace")
    if namespace:
        check_namespace(namespace)
    elif scope != "cluster-wide":
        raise ManifestError(f"no namespace, which scope {scope} binds to", location="metadata.namespace")
    return namespace


def _items(spec: Object) -> dict[str, str | None]:
    encrypted = mapping(spec.get("encryptedData"), "spec.encryptedData")
    for key in encrypted:
        check_key(str(key), "spec.encryptedData")
    return {str(key): item if type(item) is str else None for key, item in sorted(encrypted.items(), key=_by_key)}


def _by_key(entry: tuple[object, object]) -> str:
    return str(entry[0])


def _blob(spec: Object) -> str | None:
    blob = spec.get("data")
    if blob is None:
        return None
    if spec.get("encryptedData"):
        raise ManifestError("encryptedData and the legacy data cannot stand together", location="spec.data")
    return text(blob, "spec.data")


def _template_data(template: Object) -> dict[str, str | None]:
    data = mapping(template.get("data"), "spec.template.data")
    for key in data:
        check_key(str(key), "spec.template.data")
    return {
        key: None if value is None else text(value, f"spec.template.data.{key}") for key, value in sorted(data.items())
    }
