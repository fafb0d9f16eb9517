"""Sealed Secrets: seal a Secret for a controller's certificate, and unseal one with its private keys.

Everything here works on plain dictionaries; reading files is `manifests.reading`.
"""

from __future__ import annotations

from secretsync.sealed.certificate import SealingCertificate
from secretsync.sealed.deterministic import SealKey
from secretsync.sealed.sealing import Sealer, seal
from secretsync.sealed.unsealing import unseal

__all__ = ["SealKey", "Sealer", "SealingCertificate", "seal", "unseal"]
