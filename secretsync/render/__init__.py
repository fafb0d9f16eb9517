"""Rendering: a set of manifests in, the same manifests with their secrets revealed, sealed or redacted out.

All or nothing: the result exists only once every document of every file has rendered.
"""

from __future__ import annotations

from secretsync.render.discover import Input, discover
from secretsync.render.options import FORMATS, MODES, Format, Mode, Options
from secretsync.render.rendering import Rendered, render

__all__ = ["FORMATS", "MODES", "Format", "Input", "Mode", "Options", "Rendered", "discover", "render"]
