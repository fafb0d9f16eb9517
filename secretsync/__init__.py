"""secretsync: the secrets-aware stage of a GitOps pipeline.

As a library: `secretsync.render(…)`, loaded when it is first named, and the classes of `secretsync.errors`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import ModuleType

    from secretsync.render.python import render

__all__ = ["__version__", "render"]

__version__: Final = "0.1.0"


def __getattr__(name: str) -> ModuleType:
    """Load the package `secretsync.render`, which can be called."""
    if name != "render":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return import_module("secretsync.render")
