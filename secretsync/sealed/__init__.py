"""Sealed Secrets: seal a Secret for a controller's certificate, and unseal one with its private keys.

Everything here works on plain dictionaries; reading files is `manifests.reading`. A hook's configuration, which only names
scopes, loads none of the cryptography.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from secretsync.late import names

if TYPE_CHECKING:
    from secretsync.sealed.certificate import SealingCertificate
    from secretsync.sealed.deterministic import SealKey
    from secretsync.sealed.sealing import Sealer, seal
    from secretsync.sealed.unsealing import unseal

__all__ = ["SealKey", "Sealer", "SealingCertificate", "seal", "unseal"]

__getattr__ = names(
    __name__,
    {
        "SealKey": "secretsync.sealed.deterministic:SealKey",
        "Sealer": "secretsync.sealed.sealing:Sealer",
        "SealingCertificate": "secretsync.sealed.certificate:SealingCertificate",
        "seal": "secretsync.sealed.sealing:seal",
        "unseal": "secretsync.sealed.unsealing:unseal",
    },
)
