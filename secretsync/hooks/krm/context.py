"""What a KRM function works with: the caller's request, the hook's configuration, and keys that are read once."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, cast

from secretsync.documents.tree import Mapping
from secretsync.errors import ConflictingOptionsError, PolicyError
from secretsync.hooks import Call
from secretsync.hooks.argv import Request
from secretsync.hooks.context import keys, resolved_options
from secretsync.hooks.krm import resource_list
from secretsync.masterkeys import MasterKeys
from secretsync.rendering.generate import Folder
from secretsync.rendering.options import Mode, Options, RenderContext
from secretsync.sealed.scope import Scope

if TYPE_CHECKING:
    from secretsync.hooks.hook_configuration import HookConfiguration


class KrmContext:
    """Shared by all configs of one call."""

    def __init__(self, request: Request, configuration: HookConfiguration | None, call: Call) -> None:
        self._request = request
        self._configuration = configuration
        self._environ = call.environ
        self.warn = call.warn
        self.options: Options = resolved_options(request, configuration, call.environ)
        self.is_judged = False  # until a context promises something

    @property
    def is_configured(self) -> bool:
        """Whether the operator has said what may leave, so that no object may leave unjudged."""
        return self._configuration is not None

    def rendering(self, mode: str, scope: str) -> RenderContext:
        """Return what a rendering shares, with the mode and scope of a function's config; empty ones say nothing.

        Raises:
            ConflictingOptionsError: the command line says another mode.
            PolicyError: the hook's configuration allows another mode only, or not this scope.
            FileAccessError, FormatError: an identity file the configuration names cannot be read.
        """
        if mode and self._request.mode not in {None, mode}:
            raise ConflictingOptionsError(f"mode {mode!r} in the config, {self._request.mode!r} on the command line")
        request = self._request._replace(mode=cast("Mode", mode)) if mode else self._request
        options = resolved_options(request, self._configuration, self._environ)._replace(
            scope=cast("Scope | None", scope or None)
        )
        if scope and options.mode == "seal" and options.scopes is not None and scope not in options.scopes:
            raise PolicyError(
                f"the hook's configuration does not allow to seal {scope}",
                location="functionConfig scope",
                hint=f"name it there, `sealing: {{scopes: [{scope}]}}`, or leave it out here",
            )
        self.is_judged = self.is_judged or options.is_judged
        return RenderContext(options, self._keys, None)

    def confirmed(self, data: bytes, items: list[Mapping]) -> bytes:
        """Return a written list once its items read as those that were judged; where nothing was judged, unread.

        Raises:
            ManifestError: kustomize would read others.
        """
        if self.is_judged:
            resource_list.confirm(data, items)
        return data

    @cached_property
    def folder(self) -> Folder:
        """Where the paths of all generators of this call start."""
        return Folder(confined=self._configuration is None or self._configuration.confined)

    @cached_property
    def _keys(self) -> MasterKeys:
        return keys(self._configuration, self.options.environ)
