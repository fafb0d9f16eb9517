"""secretsync: the secrets-aware stage of a GitOps pipeline.

As a library: `secretsync.render(…)`, loaded when it is first named, and the classes of `secretsync.errors`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from secretsync.late import load

if TYPE_CHECKING:
    from secretsync.rendering.api import render

__all__ = ["__version__", "render"]

__version__: Final = "0.1.0"


def __getattr__(name: str) -> Any:
    """Load `render`, which whoever only asks for the version need not pay for."""
    if name != "render":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return load("secretsync.rendering.api:render")
