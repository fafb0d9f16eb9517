"""Master keys: what wraps a file's data key. One module per kind behind one Protocol; strangers to each other."""

from __future__ import annotations

from secretsync.masterkeys.services import KINDS, MasterKeys
from secretsync.masterkeys.surroundings import KeySource, Prompt

__all__ = ["KINDS", "KeySource", "MasterKeys", "Prompt"]
