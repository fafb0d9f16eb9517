"""Master keys: what wraps a file's data key. One module per kind behind one Protocol; strangers to each other."""

from __future__ import annotations

from secretsync.masterkeys.context import KeySource, Prompt
from secretsync.masterkeys.services import KINDS, MasterKeys

__all__ = ["KINDS", "KeySource", "MasterKeys", "Prompt"]
