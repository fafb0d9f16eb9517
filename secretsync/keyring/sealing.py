"""Sealing certificates of the ring: each is pinned by the hash of its public key, so that a swapped file is refused.

A certificate lies at `keys/sealing/CLUSTER/SPKI.pem`, SPKI being the first 16 hex digits of its pin.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from typing import Final

import secretsync.keyring.ruleset as ruleset
from secretsync.errors import CertificateError, PolicyError, SecretsyncError
from secretsync.findings import Finding
from secretsync.keyring.model import KeyRing
from secretsync.keyring.policy import SealingPin
from secretsync.keyring.reading import POLICY
from secretsync.keyring.sources import FOLDER, RingSource
from secretsync.letters import argument
from secretsync.sealed.certificate import SealingCertificate

SEALING: Final = f"{FOLDER}/sealing"
_SHORT: Final = 16


def path_of(cluster: str, certificate: SealingCertificate) -> str:
    """Return where a cluster's certificate lies, below `keys/`."""
    return f"sealing/{cluster}/{certificate.spki_sha256[:_SHORT]}.pem"


def certificate_of(
    source: RingSource, pin: SealingPin, *, now: datetime, allow_expired: bool = False
) -> SealingCertificate:
    """Return the certificate that a pin names, once it is the pinned one.

    Raises:
        PolicyError: its public key is not the pinned one.
        CertificateError, ExpiredCertificateError: it is missing or cannot be used.
    """
    path = f"{FOLDER}/{pin.certificate}"
    data = source.read(path)
    if data is None:
        raise CertificateError(f"the sealing certificate of {pin.cluster} is missing", location=path)
    certificate = SealingCertificate.load(data, now=now, allow_expired=allow_expired)
    if certificate.spki_sha256 != pin.spki_sha256:
        raise PolicyError(
            f"is not the certificate that the policy pins for {pin.cluster}: "
            f"its key is {certificate.spki_sha256[:_SHORT]}…, and the pin {pin.spki_sha256[:_SHORT]}…",
            location=path,
            hint=f"compare with the controller's: secretsync sealing-keys fetch; then: secretsync keys pin {pin.cluster} FILE",
        )
    return certificate


def require_pinned(ring: KeyRing, data: bytes, path: str) -> None:
    """Refuse a certificate that a policy with pins does not pin.

    Raises:
        PolicyError: no pin is for it.
        CertificateError: it is no certificate.
    """
    if not ring.policy.sealing:
        return
    certificate = SealingCertificate.load(data, now=datetime.now(UTC), allow_expired=True)
    if certificate.spki_sha256 not in {pin.spki_sha256 for pin in ring.policy.sealing}:
        raise PolicyError(
            f"no pin of {POLICY} is for this certificate ({certificate.spki_sha256[:_SHORT]}…)",
            location=path,
            hint=f"if it is the controller's: secretsync keys pin CLUSTER {argument(path)}",
        )


def end_of(day: date) -> datetime:
    """Return the moment to judge a certificate by where only the day is known: one that was made that day is valid."""
    return datetime.combine(day, time.max, UTC)


def pin_findings(ring: KeyRing, source: RingSource, today: date) -> Iterator[Finding]:
    """Yield what is wrong with the pinned certificates, and certificates that nothing pins."""
    now = end_of(today)
    for pin in ring.policy.sealing:
        path = f"{FOLDER}/{pin.certificate}"
        try:
            certificate = certificate_of(source, pin, now=now)
        except SecretsyncError as error:
            yield ruleset.WRONG_PIN.finding(path, "", error.message, error.hint)
            continue
        for warning in certificate.warnings:
            yield ruleset.EXPIRING_KEY.finding(path, "", warning)
    pinned = {f"{FOLDER}/{pin.certificate}" for pin in ring.policy.sealing}
    for path in source.names(SEALING):
        if path not in pinned and b"-----BEGIN CERTIFICATE-----" in (source.read(path) or b""):
            hint = f"secretsync keys pin CLUSTER {argument(path)}, or: git rm {argument(path)}"
            yield ruleset.UNPINNED.finding(path, "", "no pin of the policy is for it", hint)
