"""Verdicts on what one build holds: its sources, its objects, and what substitution makes of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import cast

import secretsync.audit.flux.decryption as decryption
import secretsync.audit.flux.postbuild as postbuild
import secretsync.audit.flux.sources as sources
from secretsync.audit.flux.artifact import Artifact
from secretsync.audit.flux.build import Build
from secretsync.audit.flux.generators import Use
from secretsync.audit.flux.kustomization import Kustomization
from secretsync.audit.flux.opening import DoesNotOpenError, Opener
from secretsync.audit.flux.patches import Resource
from secretsync.audit.flux.scopes import is_namespaced
from secretsync.audit.flux.substitution import Variables
from secretsync.audit.flux.verdicts import FluxVerdict, Verdicts
from secretsync.audit.ruleset import FLUX_DECRYPTS, FLUX_FAILS, FLUX_MISSED, FLUX_NOT_JUDGED
from secretsync.documents.stores import store_for_path
from secretsync.errors import SecretsyncError
from secretsync.manifests.objects import Object, identify, is_sealed_secret
from secretsync.secrecy import CIPHERTEXT


class BuildJudge:
    """All verdicts of one run, and every file of the repository that a build has read."""

    def __init__(self, artifact: Artifact, opener: Opener) -> None:
        self.verdicts = Verdicts()
        self.reached: set[str] = set()
        self._artifact = artifact
        self._opener = opener

    def build(self, artifact: Artifact, sync: Kustomization, built: Build, known: Variables | None) -> None:
        """BuildJudge what one Kustomization applies; `known` are the variables that it substitutes, None where it does not."""
        if artifact is self._artifact:
            self.reached |= built.read | {each.path for each in built.uses}
        if sync.is_suspended:
            message = f"{sync} is suspended: nothing of it is applied until somebody resumes it"
            self.say(sync, FluxVerdict(FLUX_NOT_JUDGED, sync.place, message))
        for what in sorted(set(built.unfollowed)):
            self.say(sync, FluxVerdict(FLUX_NOT_JUDGED, sync.place, f"{sync}: {what}, which is not judged"))
        for file, verdict in sources.of_uses(artifact, sync, built):
            if verdict.rule is FLUX_DECRYPTS:
                self._opener.verify_file(artifact, file)
            self._note(artifact, sync, file, verdict)
        if built.error:
            self._failed(artifact, sync, built.error)
        self._of_resources(artifact, sync, built, known)

    def _failed(self, artifact: Artifact, sync: Kustomization, error: SecretsyncError) -> None:
        file, _, place = (error.location or "").partition(" ")
        name, _, number = file.partition("#")
        where = f"{f'#{number}' if number else ''} {place}".strip()
        if artifact.is_file(name):
            self._note(
                artifact, sync, name, FluxVerdict(FLUX_FAILS, where, f"{error.message}: {sync} fails", error.hint)
            )
        else:
            message = f"{sync} fails: {file or sync.path}: {error.message}"
            self.say(sync, FluxVerdict(FLUX_FAILS, sync.place, message, error.hint))

    def _of_resources(self, artifact: Artifact, sync: Kustomization, built: Build, known: Variables | None) -> None:
        unopened = False
        for each in built.resources:
            verdicts = [*_of_names(sync, each)]
            if not verdicts and each.is_whole:
                verdicts = [*self._of_object(artifact, sync, each)]
                unopened |= self._substitute(sync, each, known, verdicts)
            for verdict in verdicts:
                self._note(artifact, sync, each.origin, verdict)
        for use in built.uses if known else ():
            unopened |= self._substitute_patch(artifact, sync, use, known)
        if unopened:
            message = f"{sync}: values are substituted after decryption; not checked without a key"
            self.say(sync, FluxVerdict(FLUX_NOT_JUDGED, sync.place, message))

    def _of_object(self, artifact: Artifact, sync: Kustomization, resource: Resource) -> Iterator[FluxVerdict]:
        obj = resource.obj
        if decryption.is_encrypted(obj):
            verdict = decryption.of_encrypted(sync, resource)
            if verdict.rule is FLUX_DECRYPTS:
                self._opener.verify(artifact, resource.origin)
            yield verdict
        elif obj.get("kind") == "Secret":
            for verdict in decryption.of_secret(sync, resource):
                if verdict.rule is FLUX_DECRYPTS:
                    self._opener.pass_over(artifact, resource.origin)
                yield verdict
        elif is_sealed_secret(obj):
            yield from decryption.of_sealed(sync, resource)
        elif CIPHERTEXT in str(obj):
            message = f"{identify(obj)} holds ciphertext without a sops block that has a mac: Flux takes it for plain"
            yield FluxVerdict(FLUX_MISSED, resource.place, message, "encrypt the whole document: secretsync encrypt")

    def _substitute(
        self, sync: Kustomization, resource: Resource, known: Variables | None, verdicts: list[FluxVerdict]
    ) -> bool:
        """Add what substitution does to an object, and return whether a key is missing to tell it."""
        obj = resource.obj
        if known is None:
            return False
        plain: Object | None = obj
        if decryption.is_encrypted(obj):
            if not any(each.rule is FLUX_DECRYPTS for each in verdicts):
                return False
            try:
                plain = self._opener.opened(obj)
            except DoesNotOpenError:
                message = f"{sync} cannot decrypt a value where it stands: the build fails"
                verdicts.append(FluxVerdict(FLUX_FAILS, resource.place, message, "decrypt it, and encrypt it anew"))
                return False
        if plain is not None:
            verdicts += postbuild.of_object(sync, resource.place, obj, plain, known)
        return plain is None

    def _substitute_patch(self, artifact: Artifact, sync: Kustomization, use: Use, known: Variables | None) -> bool:
        """Note what substitution does to the values of an encrypted patch; return whether a key is missing to tell it."""
        if use.role != "patch" or known is None or not sync.decrypts or not artifact.is_sops(use.path):
            return False
        store = store_for_path(use.path)
        plain = self._opener.opened_file(artifact.data(use.path), store)
        if plain is None:
            return True
        everything = cast("Object", _replaced_by(plain, f"{CIPHERTEXT}…]"))
        for verdict in postbuild.of_object(sync, "", everything, plain, known):
            self._note(artifact, sync, use.path, verdict)
        return False

    def _note(self, artifact: Artifact, sync: Kustomization, file: str, verdict: FluxVerdict) -> None:
        if sync.is_suspended:
            verdict = verdict._replace(level="note")
        if artifact is not self._artifact:
            file = os.path.relpath(os.path.join(artifact.root, file), self._artifact.root)
        self.verdicts.add(file, verdict, sync.name)

    def say(self, sync: Kustomization, verdict: FluxVerdict) -> None:
        """Note a verdict about a Kustomization itself."""
        if sync.is_suspended:
            verdict = verdict._replace(level="note")
        self.verdicts.add(sync.file, verdict, sync.name, about=f"{sync.place} {sync.namespace}/{sync.name}")


def _replaced_by(value: object, mark: str) -> object:
    """Return an object with a mark in place of every text."""
    if isinstance(value, dict):
        return {key: _replaced_by(item, mark) for key, item in value.items()}
    if isinstance(value, list):
        return [_replaced_by(item, mark) for item in value]
    return mark if isinstance(value, str) else value


def _of_names(sync: Kustomization, resource: Resource) -> Iterator[FluxVerdict]:
    """Yield what is wrong with what an object is called: it has no name, or no namespace from anywhere."""
    own = identify(resource.obj)
    if not (own.api_version and own.kind and own.name):
        message = f"{_shown(resource)} has no readable apiVersion, kind and metadata.name: {sync} fails"
        yield FluxVerdict(FLUX_FAILS, resource.place, message, "keep it out of the folder")
    elif not own.namespace and is_namespaced(resource.obj):
        message = f"{own} gets no namespace from anywhere: {sync} fails"
        hint = f"set metadata.namespace, or spec.targetNamespace in {sync.file}"
        yield FluxVerdict(FLUX_FAILS, resource.place, message, hint)


def _shown(resource: Resource) -> str:
    own = identify(resource.obj)
    return "an object" if str(own).find(CIPHERTEXT) >= 0 else str(own)
