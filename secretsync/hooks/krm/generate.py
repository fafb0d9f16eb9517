"""The generator: objects made from encrypted files, with KSOPS' configuration or our own."""

from __future__ import annotations

from secretsync.documents.tree import Mapping
from secretsync.hooks.krm import sealing
from secretsync.hooks.krm.context import KrmContext
from secretsync.hooks.krm.resource_list import check_carried, plain
from secretsync.rendering import generators
from secretsync.rendering.generate import generate
from secretsync.rendering.objects import is_sealed_secret


def objects_of(config: Mapping, context: KrmContext) -> list[Mapping]:
    """Return the objects of one generator.

    Raises:
        ConfigError: the configuration is wrong.
        PolicyError: it asks for what the operator does not allow, or for a seal that kustomize may break.
        SecretsyncError: a file cannot be read or decrypted, or an object cannot be made.
    """
    generator = generators.read(plain(config))
    rendering = context.rendering(generator.mode, generator.scope)
    objects = generate(generator, context.folder, rendering)
    for warning in rendering.warnings:
        context.warn(warning)
    check_carried(objects)
    if rendering.options.mode != "seal":
        return objects
    return [
        sealing.with_own_options(obj, final=bool(generator.scope)) if is_sealed_secret(obj) else obj for obj in objects
    ]
