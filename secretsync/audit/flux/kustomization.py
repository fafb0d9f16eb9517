"""Flux's Kustomization as the controller gets it, and the sources that it may name."""

from __future__ import annotations

from typing import Final, NamedTuple

from secretsync.audit.flux.artifact import GROUP
from secretsync.audit.flux.fields import mapping, mappings, text, texts
from secretsync.manifests.objects import Object, identify

KIND: Final = "Kustomization"
NAMESPACE: Final = "flux-system"
SOURCES: Final = ("GitRepository", "OCIRepository", "Bucket", "ExternalArtifact")
"""The kinds of `spec.sourceRef`. Source: kustomize-controller api/v1 at 1.9.5."""


class SourceReference(NamedTuple):
    """Which source a Kustomization reads; no kind where it says none. An empty namespace is that of whoever applied it."""

    kind: str
    name: str
    namespace: str

    def __str__(self) -> str:
        """Return `Kind namespace/name`, as messages show it."""
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"

    def is_same(self, other: SourceReference) -> bool:
        """Whether both may be one object: namespaces that nothing is known of are no difference."""
        return self[:2] == other[:2] and (self.namespace == other.namespace or not (self.namespace and other.namespace))


class Kustomization(NamedTuple):
    """One Kustomization of Flux: the object as it is applied, and the file and place in it that it comes from."""

    obj: Object
    file: str
    place: str = ""

    @property
    def name(self) -> str:
        """Its name."""
        return text(mapping(self.obj, "metadata"), "name")

    @property
    def namespace(self) -> str:
        """Its namespace, that of the controller where it says none."""
        return text(mapping(self.obj, "metadata"), "namespace") or NAMESPACE

    @property
    def spec(self) -> Object:
        """Its spec."""
        return mapping(self.obj, "spec")

    @property
    def path(self) -> str:
        """Where in the artifact it begins, as it says it."""
        return text(self.spec, "path") or "./"

    @property
    def source(self) -> SourceReference:
        """The source that it reads."""
        reference = mapping(self.spec, "sourceRef")
        own = text(mapping(self.obj, "metadata"), "namespace")
        kind, name = text(reference, "kind"), text(reference, "name")
        return SourceReference(kind, name, text(reference, "namespace") or own)

    @property
    def decrypts(self) -> bool:
        """Whether the controller decrypts anything of it."""
        return text(mapping(self.spec, "decryption"), "provider") == "sops"

    @property
    def keys(self) -> str:
        """Where the controller takes its keys from, for people."""
        secret = text(mapping(self.spec, "decryption", "secretRef"), "name")
        return f"Secret {self.namespace}/{secret}" if secret else "the controller's own keys"

    @property
    def is_suspended(self) -> bool:
        """Whether it does nothing until somebody resumes it."""
        return self.spec.get("suspend") is True

    @property
    def components(self) -> list[str]:
        """The components that it adds to what its path holds."""
        return texts(self.spec, "components")

    @property
    def substitute(self) -> Object:
        """The variables that it says itself."""
        return mapping(self.spec, "postBuild", "substitute")

    @property
    def substitute_from(self) -> list[Object]:
        """The ConfigMaps and Secrets that it takes variables from."""
        return mappings(mapping(self.spec, "postBuild"), "substituteFrom")

    @property
    def always_substitutes(self) -> bool:
        """Whether it substitutes without a variable as well."""
        return text(mapping(self.spec, "postBuild"), "substituteStrategy") == "Always"

    @property
    def depends_on(self) -> list[tuple[str, str]]:
        """Namespace and name of the Kustomizations that it waits for."""
        found = mappings(self.spec, "dependsOn")
        return [(text(each, "namespace") or self.namespace, text(each, "name")) for each in found]

    def __str__(self) -> str:
        """Return what messages call it."""
        return f"Kustomization {self.name}"


def is_kustomization(obj: Object) -> bool:
    """Whether an object is a Kustomization of Flux, and none of kustomize."""
    own = identify(obj)
    return own.api_version.startswith(GROUP) and own.kind == KIND


def ignored_by(obj: Object, source: SourceReference) -> list[str]:
    """Return the lines of `spec.ignore` where an object is that source."""
    own = identify(obj)
    if not source.kind or not source.is_same(SourceReference(own.kind, own.name, own.namespace)):
        return []
    return text(mapping(obj, "spec"), "ignore").splitlines()


class Instance(NamedTuple):
    """What flux-operator makes a Kustomization from: the Kustomization, and the patches for it."""

    made: Kustomization
    patches: list[Object]


def instance_of(obj: Object, file: str, place: str) -> Instance | None:
    """Return what flux-operator makes of a FluxInstance, or of the values of its chart; None for any other object.

    Source: controlplaneio-fluxcd/flux-operator api/v1 `spec.sync`, and the chart flux-instance's `instance.sync`.
    """
    for path in (("spec",), ("instance",), ("spec", "values", "instance")):
        instance = mapping(obj, *path)
        sync = mapping(instance, "sync")
        if text(sync, "url") and text(sync, "path") and text(sync, "kind") in SOURCES:
            name = text(sync, "name") or NAMESPACE
            made: Object = {
                "apiVersion": f"{GROUP}v1",
                "kind": KIND,
                "metadata": {"name": name, "namespace": NAMESPACE},
                "spec": {"path": text(sync, "path"), "sourceRef": {"kind": text(sync, "kind"), "name": name}},
            }
            return Instance(Kustomization(made, file, place), mappings(mapping(instance, "kustomize"), "patches"))
    return None
