"""Who may read what: the repository's `keys/` folder as a model, and the `.sops.yaml` that follows from it."""

from __future__ import annotations

from secretsync.keyring.generation import generate_sops_yaml
from secretsync.keyring.model import KeyRing, Principal, PublicKey, Reader, Retired
from secretsync.keyring.policy import Policy, PolicyRule, SealingPin
from secretsync.keyring.reading import load, load_from
from secretsync.keyring.sources import Changed, Changes, Checkout, RingSource, Snapshot

__all__ = [
    "Changed",
    "Changes",
    "Checkout",
    "KeyRing",
    "Policy",
    "PolicyRule",
    "Principal",
    "PublicKey",
    "Reader",
    "Retired",
    "RingSource",
    "SealingPin",
    "Snapshot",
    "generate_sops_yaml",
    "load",
    "load_from",
]
