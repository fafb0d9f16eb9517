"""The validator: nothing encrypted is left among the objects of a build, and unless allowed no Secret in the clear."""

from __future__ import annotations

from typing import Final, Literal

from secretsync.configuration import Fields
from secretsync.documents.tree import Mapping
from secretsync.errors import PolicyError
from secretsync.hooks.krm import annotations as krm_annotations
from secretsync.hooks.krm import resource_list
from secretsync.hooks.krm.context import KrmContext
from secretsync.hooks.krm.resource_list import ResourceList, leaves, result
from secretsync.rendering import ciphertext
from secretsync.rendering.objects import describe, kind_of, may_hold_ciphertext, text_of
from secretsync.rendering.pipeline import check
from secretsync.secrecy import CIPHERTEXT
from secretsync.sops import is_encrypted

_Plaintext = Literal["refuse", "allow"]
_CHOICES: Final[tuple[_Plaintext, ...]] = ("refuse", "allow")


def answer(resources: ResourceList, config: Mapping, context: KrmContext) -> bytes:
    """Return the list as it came, or nothing to kustomize.

    kustomize compares the nodes it sent with those it parses, down to their quotes, and so refuses generated objects
    that come back unchanged; it takes nothing for an answer. Source: api/internal/target/kusttarget.go at v5.8.1.

    Raises:
        ConfigError: the configuration is wrong.
        PolicyError: something must not leave; its `answer` is a list with all of it.
    """
    found = findings(resources.items, config, seals=context.is_configured and context.options.mode == "seal")
    if found:
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        error = PolicyError(f"{found[0]['message']}{more}")
        error.answer = resource_list.failed(resources, found, keep_items=False)
        raise error
    if context.is_configured:
        _judge(resources.items, context)
    if any(krm_annotations.is_from_kustomize(item) for item in resources.items):
        return b""
    return resource_list.spliced(resources, resources.items)


def _judge(items: list[Mapping], context: KrmContext) -> None:
    """Refuse an object that the operator's rules do not let out. Raises: as `pipeline.check`."""
    rendering = context.rendering("", "")
    for item in items:
        bare, _ = krm_annotations.split(item, krm_annotations.is_engines)
        check(bare, bare, describe(item), rendering)


def findings(items: list[Mapping], config: Mapping, *, seals: bool = False) -> list[dict[str, object]]:
    """Return a result for each object that must not leave; where the operator `seals`, no config allows plaintext.

    Raises:
        ConfigError: the configuration is wrong.
    """
    fields = Fields(resource_list.plain(config), kind_of(config))
    fields.only("apiVersion", "kind", "metadata", "plaintext")
    allowed = fields.one_of("plaintext", _CHOICES, "refuse") == "allow" and not seals
    found = []
    for item in items:
        if is_encrypted(item) or may_hold_ciphertext(item) or _holds_ciphertext(item):
            found.append(result(f"{describe(item)}: is encrypted still; nothing has decrypted it", item))
        elif not allowed and kind_of(item) == "Secret" and _holds_values(item):
            found.append(result(f"{describe(item)}: is a Secret in the clear", item))
    return found


def _holds_values(secret: Mapping) -> bool:
    values = (secret.get(field) for field in ("data", "stringData"))
    return any(type(value) is Mapping and any(True for _ in value.entries()) for value in values)


def _holds_ciphertext(item: Mapping) -> bool:
    """Whether a value is ciphertext, as it begins or, whole, in base64."""
    return any(text_of(leaf).startswith(CIPHERTEXT) or ciphertext.is_whole(leaf) for leaf in leaves(item))
