"""Who may read what: the repository's `keys/` folder as a model, and the `.sops.yaml` that follows from it."""

from __future__ import annotations

from secretsync.keyring.model import KeyRing, Policy, Principal, PublicKey, Reader, Retired, Rule, SealingPin
from secretsync.keyring.reading import load

__all__ = ["KeyRing", "Policy", "Principal", "PublicKey", "Reader", "Retired", "Rule", "SealingPin", "load"]
