"""secretsync: the secrets-aware stage of a GitOps pipeline.

As a library: `secretsync.render(…)`, loaded when it is first named, and the classes of `secretsync.errors`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from secretsync.late import names as _names

if TYPE_CHECKING:
    from secretsync.rendering.api import render

__all__ = ["__version__", "render"]

__version__: Final = "0.1.0"

__getattr__ = _names(
    __name__, {"render": "secretsync.rendering.api:render"}
)  # whoever asks for the version need not pay
