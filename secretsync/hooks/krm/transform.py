"""The transformer: secrets among the objects of a build are revealed, sealed or redacted where they stand.

A MAC holds only while nothing was changed, so what the engine has added is taken off first. Where more was changed the
answer is a refusal: the generator reads the file itself.
"""

from __future__ import annotations

from typing import Final

from secretsync.configuration import Fields
from secretsync.documents.tree import Mapping
from secretsync.errors import ConfigError, IntegrityError
from secretsync.hooks.krm import annotations as krm_annotations
from secretsync.hooks.krm import resource_list, sealing
from secretsync.hooks.krm.context import KrmContext
from secretsync.hooks.krm.resource_list import ResourceList, check_carried
from secretsync.rendering.objects import describe, is_sealed_secret, kind_of
from secretsync.rendering.options import MODES, RenderContext
from secretsync.rendering.pipeline import transform
from secretsync.sealed.scope import SCOPES

_REMEDY: Final = (
    "kustomize has changed what was encrypted: read the file with a generator of kind SecretGenerator, "
    "or encrypt it again with --mac-only-encrypted"
)


def answer(resources: ResourceList, config: Mapping, context: KrmContext) -> bytes:
    """Return the list with its items as `transformed` makes them.

    Raises:
        ConfigError: there is nothing to transform.
        ManifestError: kustomize would read other objects than those that were judged.
        SecretsyncError: as `transformed`.
    """
    if not resources.items:
        raise ConfigError("nothing to transform", location=kind_of(config))
    items = transformed(resources.items, config, context)
    return context.confirmed(resource_list.spliced(resources, items), items)


def transformed(items: list[Mapping], config: Mapping, context: KrmContext) -> list[Mapping]:
    """Return the items, those that hold no secret being the same objects.

    Raises:
        ConfigError: the configuration is wrong.
        IntegrityError: the engine changed an encrypted object, or somebody did.
        PolicyError, PlaintextError: a Secret in the clear has no seal key, or kustomize would break its seal.
        SecretsyncError: as `pipeline.transform`.
    """
    fields = Fields(resource_list.plain(config), kind_of(config))
    fields.only("apiVersion", "kind", "metadata", "mode", "scope")
    mode = fields.one_of("mode", MODES) if "mode" in fields.names() else ""
    scope = fields.one_of("scope", SCOPES) if "scope" in fields.names() else ""
    return rendered(items, context.rendering(mode, scope), context)


def beside(items: list[Mapping], context: KrmContext) -> list[Mapping]:
    """Return what stands beside a generator in its list: as it came, or rendered where the operator has a say.

    Raises:
        SecretsyncError: as `rendered`.
    """
    if not items or not context.is_configured:
        return items
    return rendered(items, context.rendering("", ""), context)


def rendered(items: list[Mapping], rendering: RenderContext, context: KrmContext) -> list[Mapping]:
    """Return the items after their mode, judged by the operator's rules; raises as `transformed`."""
    bare, taken = zip(*(krm_annotations.split(item, krm_annotations.is_engines) for item in items), strict=True)
    try:
        finished, _ = transform(list(bare), rendering, lambda index: describe(items[index]))
    except IntegrityError as error:
        error.hint = _REMEDY
        raise
    check_carried(after for before, after in zip(bare, finished, strict=True) if after is not before)
    for warning in rendering.warnings:
        context.warn(warning)
    result = []
    for item, before, after, entries in zip(items, bare, finished, taken, strict=True):
        if after is before:
            result.append(item)
            continue
        made = is_sealed_secret(after) and not is_sealed_secret(before)
        moved = (
            sealing.with_own_options(after, final=True, hashed=krm_annotations.is_hashed(entries)) if made else after
        )
        result.append(krm_annotations.joined(moved, entries))
    return result
