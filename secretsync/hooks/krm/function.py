"""The KRM function itself: the bytes of a ResourceList in, those of another out, for whoever serves it.

Nothing is read or printed here, so that several threads may call it at once, each with a context of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from secretsync.configuration import API_VERSION
from secretsync.documents.tree import Mapping
from secretsync.errors import ConfigError, LimitError, SecretsyncError
from secretsync.hooks.krm import resource_list
from secretsync.hooks.krm.context import KrmContext
from secretsync.hooks.krm.resource_list import ResourceList
from secretsync.late import LateModule, load
from secretsync.rendering import generators
from secretsync.rendering.objects import kind_of, text_of

if TYPE_CHECKING:
    from secretsync.hooks.krm import generate, transform
else:
    generate = LateModule("secretsync.hooks.krm.generate")
    transform = LateModule("secretsync.hooks.krm.transform")

FUNCTIONS: Final = {
    "SecretTransformer": "secretsync.hooks.krm.transform",
    "SecretValidator": "secretsync.hooks.krm.validate",
}
"""Kind of a functionConfig, of our own API -> module that fulfils `Function`."""
_STREAM: Final = "standard input"

Respond: TypeAlias = Callable[[ResourceList, KrmContext], bytes]


class Function(Protocol):
    """What one kind of functionConfig asks for. Every implementation is a module."""

    def answer(self, resources: ResourceList, config: Mapping, context: KrmContext) -> bytes:
        """Return the list that answers. Raises: SecretsyncError."""


def answer(data: bytes, context: KrmContext, *, respond: Respond | None = None, keep_items: bool = False) -> bytes:
    """Return the answer to the ResourceList in `data`; what a person should know goes to `context.warn`.

    `respond` says what becomes of the list, by default what its functionConfig asks for. `keep_items` says that the
    items come back as they were where that fails.

    Raises:
        SecretsyncError: something does not render. Its `answer` is a list with results, for runners that read it.
    """
    resources = _read(data, context)
    try:
        return (respond or _respond)(resources, context)
    except SecretsyncError as error:
        error.answer = error.answer or resource_list.failed(
            resources, [resource_list.result(str(error))], keep_items=keep_items
        )
        raise


def generated(configs: list[Mapping], context: KrmContext) -> list[Mapping]:
    """Return the objects of all generators. Raises: SecretsyncError."""
    return [obj for config in configs for obj in generate.objects_of(config, context)]


def _read(data: bytes, context: KrmContext) -> ResourceList:
    limits = context.options.limits
    if len(data) > limits.size:
        raise LimitError(f"is larger than {limits.size} bytes", location=_STREAM)
    try:
        return resource_list.read(data, limits)
    except SecretsyncError as error:
        raise (error if error.location == _STREAM else error.at(_STREAM)) from None


def _respond(resources: ResourceList, context: KrmContext) -> bytes:
    config = resources.config
    kind = kind_of(config) if config is not None else ""
    if config is not None and kind in FUNCTIONS:
        if text_of(config.get("apiVersion")) != API_VERSION:
            raise ConfigError(f"expected {API_VERSION!r}", location=f"{kind} apiVersion")
        function: Function = load(FUNCTIONS[kind])
        return function.answer(resources, config, context)
    own = [item for item in resources.items if generators.is_generator({"kind": kind_of(item)})]
    if not own and config is not None and generators.is_generator({"kind": kind}):
        own = [config]
    if not own:
        raise ConfigError(
            f"a functionConfig of kind {kind!r} says nothing to this function",
            hint=f"use one of ksops, {', '.join([generators.KIND, *FUNCTIONS])}",
        )
    configs = {id(item) for item in own}  # by identity: to compare a thousand with a thousand others takes long
    others = [item for item in resources.items if id(item) not in configs]
    items = [*transform.beside(others, context), *generated(own, context)]
    return context.confirmed(resource_list.written(resources, items), items)
