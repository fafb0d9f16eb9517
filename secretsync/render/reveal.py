"""Secrets in the clear: the decrypted object is the result."""

from __future__ import annotations

from secretsync.documents.tree import Mapping
from secretsync.render.context import Context
from secretsync.render.objects import is_secret, with_namespace
from secretsync.render.units import Opened


def finish(opened: Opened, context: Context) -> Mapping:
    """Return the decrypted object; a Secret gets the namespace it lacks."""
    namespace = context.options.namespace
    return with_namespace(opened.after, namespace) if namespace and is_secret(opened.after) else opened.after
