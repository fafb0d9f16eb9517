"""Sealed Secrets: seal a Secret for a controller's certificate, and unseal one with its private keys.

Everything here works on plain dictionaries; reading files is `manifests.reading`. A hook's configuration, which only names
scopes, loads none of the cryptography.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from secretsync.sealed.certificate import SealingCertificate
    from secretsync.sealed.deterministic import SealKey
    from secretsync.sealed.sealing import Sealer, seal
    from secretsync.sealed.unsealing import unseal

__all__ = ["SealKey", "Sealer", "SealingCertificate", "seal", "unseal"]

_LAZY = {
    "SealKey": "secretsync.sealed.deterministic",
    "Sealer": "secretsync.sealed.sealing",
    "SealingCertificate": "secretsync.sealed.certificate",
    "seal": "secretsync.sealed.sealing",
    "unseal": "secretsync.sealed.unsealing",
}


def __getattr__(name: str) -> Any:
    module = _LAZY.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(__import__(module, fromlist=[name]), name)
