"""Master keys: what wraps a file's data key. One module per kind behind one Protocol; strangers to each other."""

from __future__ import annotations

from secretsync.masterkeys.context import KeyContext, KeySource, Prompt
from secretsync.masterkeys.services import MasterKeys

__all__ = ["KeyContext", "KeySource", "MasterKeys", "Prompt"]
