"""Rendering: a set of manifests in, the same manifests with their secrets revealed, sealed or redacted out.

All or nothing: the result exists only once every document of every file has rendered. The package itself can be
called, so that Python programs write `secretsync.render(…)`; see `python.render`.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from secretsync.render.discover import Input
from secretsync.render.options import FORMATS, MODES, Format, Mode, Options
from secretsync.render.rendering import Rendered, render

__all__ = ["FORMATS", "MODES", "Format", "Input", "Mode", "Options", "Rendered", "render"]


class _CallablePackage(ModuleType):
    """A package that renders when it is called: `secretsync.render` is both its name and its verb."""

    def __call__(self, *inputs: Any, **options: Any) -> Rendered:
        """Render; parameters are those of `python.render`, which type checkers see."""
        from secretsync.render.python import render as render_paths

        return render_paths(*inputs, **options)


sys.modules[__name__].__class__ = _CallablePackage
