"""Rendering: a set of manifests in, the same manifests with their secrets revealed, sealed or redacted out.

All or nothing: the result exists only once every document of every file has rendered. Python programs call it as
`secretsync.render(…)`; see `api.render`.
"""

from __future__ import annotations

from secretsync.rendering.discover import Input
from secretsync.rendering.formats import FORMATS, Format
from secretsync.rendering.options import MODES, Mode, Options
from secretsync.rendering.rendering import Rendered, render

__all__ = ["FORMATS", "MODES", "Format", "Input", "Mode", "Options", "Rendered", "render"]
