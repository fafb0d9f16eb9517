"""From a Secret to a SealedSecret, in the field order kubeseal writes, with its losses and silent skips turned into errors.

What kubeseal 0.40.0 does and this does not is listed in docs/reference/differences.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import secretsync.sealed.items as items
from secretsync.errors import ConflictingOptionsError, ManifestError
from secretsync.manifests import names
from secretsync.manifests.objects import SEALED_GROUP, Object
from secretsync.manifests.secret import Secret, parse, texts
from secretsync.sealed.certificate import SealingCertificate
from secretsync.sealed.deterministic import Binding, SealKey
from secretsync.sealed.scope import ANNOTATIONS, Scope, annotated, label, scope_named, scope_of

CARRIED_ANNOTATIONS: Final = ("argocd.argoproj.io/", "kustomize.toolkit.fluxcd.io/", "helm.sh/")
"""Annotations that an engine reads on the object it applies: these stand on the SealedSecret too."""

# These hold the whole Secret in the clear. Source: StripLastAppliedAnnotations, sealedsecret_expansion.go at v0.36.6.
_LAST_APPLIED: Final = (
    "kubectl.kubernetes.io/last-applied-configuration",
    "kubecfg.ksonnet.io/last-applied-configuration",
)


class Sealer(NamedTuple):
    """Whom to seal for: a certificate, and for deterministic ciphertext the key to derive from."""

    certificate: SealingCertificate
    seal_key: SealKey | None = None

    def item(self, value: bytes, *, scope: Scope, namespace: str, name: str, key: str) -> str:
        """Return the text of one sealed item, bound to its place as the scope says."""
        oaep_label = label(scope, namespace=namespace, name=name)
        if self.seal_key is None:
            return items.seal(value, self.certificate, oaep_label)
        place = Binding(self.certificate.spki_sha256, scope, namespace, name, key)
        session_key, seed = self.seal_key.session(place, value)
        return items.seal_derived(value, self.certificate, oaep_label, session_key=session_key, seed=seed)


def seal(  # noqa: PLR0913  # one parameter per flag of kubeseal
    secret: Mapping[str, object],
    certificate: SealingCertificate,
    *,
    scope: str | None = None,
    name: str | None = None,
    namespace: str | None = None,
    default_namespace: str | None = None,
    seal_key: SealKey | None = None,
    allow_empty_data: bool = False,
    template_data: Mapping[str, object] | None = None,
) -> Object:
    """Return the SealedSecret for a plain dictionary that holds a Secret.

    `scope` None takes the Secret's annotation. `name` overrides the Secret's; `namespace` must not differ from it
    (`default_namespace` may), and neither is filled in for a cluster-wide Secret. With `seal_key` the same input gives
    the same bytes. `template_data` becomes `spec.template.data`, Go template actions included.

    Raises:
        ManifestError: the Secret is not valid, or has no name, namespace or data; or a template widens its scope.
        PlaintextError: it is encrypted by sops.
        ConflictingOptionsError: `scope` or `namespace` contradict the Secret.
    """
    parsed = parse(secret)
    if not parsed.values and not template_data and not allow_empty_data:
        raise ManifestError("the Secret has no data", hint="if this is meant: seal with --allow-empty-data")
    chosen = _scope(parsed, scope)
    if scope is None and chosen != "strict":
        _refuse_from_template(secret, chosen)
    sealed_name = _name(parsed, secret, name)
    sealed_namespace = _namespace(parsed, chosen, namespace, default_namespace)
    sealer = Sealer(certificate, seal_key)
    return _resource(
        parsed,
        name=sealed_name,
        namespace=sealed_namespace,
        annotations=_annotations(parsed, scope),
        template_data=texts(template_data, "spec.template.data"),
        item=lambda key, value: sealer.item(value, scope=chosen, namespace=sealed_namespace, name=sealed_name, key=key),
    )


def kept_annotations(secret: Secret) -> dict[str, str]:
    """Return the Secret's annotations without those that hold a copy of it in the clear."""
    return {key: value for key, value in secret.annotations.items() if key not in _LAST_APPLIED}


def _annotations(secret: Secret, wanted: str | None) -> dict[str, str]:
    """Return the template's annotations: the ones for scopes are rewritten only if a wider scope was asked for."""
    kept = kept_annotations(secret)
    scope = scope_named(wanted or "strict")
    return kept if scope == "strict" else annotated(kept, scope)


def object_annotations(annotations: Mapping[str, str]) -> dict[str, str]:
    """Return the annotations that stand on the SealedSecret itself: the engines' own, and the scope."""
    carried = {key: value for key, value in annotations.items() if key.startswith(CARRIED_ANNOTATIONS)}
    return annotated(carried, scope_of(annotations))


def _scope(secret: Secret, wanted: str | None) -> Scope:
    own = scope_of(secret.annotations)
    if wanted is None:
        return own
    scope = scope_named(wanted)
    if scope == "strict" and own != "strict":
        raise ConflictingOptionsError(
            f"scope strict was asked for, and the Secret's annotation says {own}",
            hint=f"remove the annotation, or seal with --scope {own}",
        )
    return scope


def _refuse_from_template(obj: Mapping[str, object], scope: Scope) -> None:
    """Refuse the annotation of a live Secret that a SealedSecret owns: the controller copied it from the template.

    Raises:
        ManifestError: it is one. What `unseal` writes has no uid, and the scope of what opened.
    """
    metadata = obj.get("metadata")
    assert isinstance(metadata, Mapping)  # as it has annotations
    owners = metadata.get("ownerReferences")
    owners = owners if isinstance(owners, list) else []
    owned = any(isinstance(each, Mapping) and each.get("kind") == "SealedSecret" for each in owners)
    if metadata.get("uid") and owned:
        raise ManifestError(
            f"its annotation says {scope}, and comes from the template of a SealedSecret, which nothing authenticates",
            location=f"metadata.annotations.{ANNOTATIONS[scope]}",
            hint=f"secretsync unseal the SealedSecret instead, or seal with --scope {scope} if that is meant",
        )


def _name(secret: Secret, obj: Mapping[str, object], wanted: str | None) -> str:
    if wanted:
        names.check_name(wanted)
    name = wanted or secret.name
    if not name:
        metadata = obj.get("metadata")
        generated = isinstance(metadata, Mapping) and "generateName" in metadata
        reason = "generateName does not count: the name is part of what is sealed" if generated else "no name"
        raise ManifestError(reason, location="metadata.name", hint="add metadata.name, or seal with --name NAME")
    return name


def _namespace(secret: Secret, scope: Scope, wanted: str | None, default: str | None) -> str:
    if scope == "cluster-wide":
        return secret.namespace
    if wanted and secret.namespace and wanted != secret.namespace:
        raise ConflictingOptionsError(
            f"the Secret is in namespace {secret.namespace!r}, and {wanted!r} was asked for",
            location="metadata.namespace",
        )
    namespace = secret.namespace or wanted or default or ""
    if not namespace:
        raise ManifestError(
            f"no namespace, which scope {scope} binds to",
            location="metadata.namespace",
            hint="add metadata.namespace, or seal with --namespace NAMESPACE",
        )
    names.check_namespace(namespace)
    return namespace


def _resource(
    secret: Secret,
    *,
    name: str,
    namespace: str,
    annotations: dict[str, str],
    template_data: dict[str, str],
    item: Callable[[str, bytes], str],
) -> Object:
    """Return the object with every mapping sorted by key, as kubeseal's YAML is."""
    template = _filled(
        data=template_data,
        immutable=secret.immutable,
        metadata=_filled(
            annotations=annotations,
            finalizers=secret.finalizers,
            labels=secret.labels,
            name=name,
            namespace=namespace,
        ),
        type=secret.type,
    )
    return {
        "apiVersion": SEALED_GROUP,
        "kind": "SealedSecret",
        "metadata": _filled(annotations=object_annotations(annotations), name=name, namespace=namespace),
        "spec": {
            "encryptedData": {key: item(key, value) for key, value in secret.values.items()},
            "template": template,
        },
    }


def _filled(**fields: object) -> Object:
    """Return the fields that hold something; `immutable: false` does."""
    return {key: value for key, value in fields.items() if value is False or value}
