"""The certificate one seals for: an RSA public key with dates, pinned by the hash of its public key.

The first certificate of a PEM file counts, as for kubeseal; extensions and signatures are not looked at (the controller
signs its own, with a key usage that most libraries refuse). Unlike kubeseal, short keys and unborn certificates are
refused, and expiry is announced.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final, NamedTuple

import secretsync.sealed.der as der
import secretsync.sealed.pem as pem
from secretsync.errors import CertificateError, ExpiredCertificateError

_RSA: Final = bytes.fromhex("2a864886f70d010101")  # 1.2.840.113549.1.1.1, RFC 8017 A.1
_KINDS: Final = {"2a8648ce3d0201": "an elliptic curve key", "2b6570": "an Ed25519 key"}
_MIN_BITS: Final = 2048
_MAX_BITS: Final = 16384  # OpenSSL's OPENSSL_RSA_MAX_MODULUS_BITS
_MAX_EXPONENT: Final = (1 << 31) - 1  # Go crypto/rsa
_SKEW: Final = timedelta(minutes=10)
_WARN_DAYS: Final = (7, 30, 90)
_FETCH: Final = "fetch the current one: kubeseal --fetch-cert > cert.pem"


class SealingCertificate(NamedTuple):
    """An RSA public key to seal for.

    `spki_sha256` is the hex SHA-256 of the SubjectPublicKeyInfo, the same for every certificate of one key;
    `fingerprint` is the controller's own name for the key. `warnings` are for stderr.
    """

    modulus: int
    exponent: int
    spki_sha256: str
    fingerprint: str
    not_before: datetime
    not_after: datetime
    warnings: tuple[str, ...] = ()

    @classmethod
    def load(cls, data: bytes, *, now: datetime, allow_expired: bool = False) -> SealingCertificate:
        """Read the first certificate of a PEM file and check that one may seal for it at `now`.

        Dates have ten minutes of skew. `warnings` says how long it is valid where that is less than 90, 30 or 7 days,
        and that further certificates are ignored.

        Raises:
            CertificateError: there is no certificate, its key is not RSA of 2048 bits or more, or it is not valid yet.
            ExpiredCertificateError: it has expired, and `allow_expired` is not set.
        """
        found = [block for block in pem.blocks(data) if block.label == "CERTIFICATE" and not block.has_headers]
        if not found:
            raise CertificateError(_nothing_found(data), hint=_FETCH)
        certificate = _read(found[0].der)
        warnings = certificate.check_dates(now, allow_expired=allow_expired)
        if len(found) > 1:
            warnings.append(f"{len(found)} certificates in the file, only the first is used: {certificate.fingerprint}")
        return certificate._replace(warnings=tuple(warnings))

    @property
    def size(self) -> int:
        """Bytes of the modulus, which is the length of the RSA part of an item."""
        return (self.modulus.bit_length() + 7) // 8

    def check_dates(self, now: datetime, *, allow_expired: bool) -> list[str]:
        """Return the warnings of the dates at `now`.

        Raises:
            CertificateError: it is not valid yet.
            ExpiredCertificateError: it has expired, and `allow_expired` is not set.
        """
        if now + _SKEW < self.not_before:
            raise CertificateError(
                f"sealing certificate {self.fingerprint} is not valid before {self.not_before.date()}"
            )
        left = self.not_after - now
        if left < -_SKEW:
            message = f"sealing certificate {self.fingerprint} expired on {self.not_after.date()}"
            if not allow_expired:
                raise ExpiredCertificateError(message, hint=f"{_FETCH}, or seal with --allow-expired")
            return [message]
        days = next((limit for limit in _WARN_DAYS if left <= timedelta(days=limit)), None)
        if days is None:
            return []
        expiry = f"expires within {days} days, on {self.not_after.date()}"
        return [f"sealing certificate {self.fingerprint} {expiry}"]


def _read(encoding: bytes) -> SealingCertificate:
    """Source: RFC 5280, 4.1."""
    try:
        body = der.elements(der.elements(der.only(encoding, der.SEQUENCE).content)[0].content)
        if body[0].tag == der.EXPLICIT_0:
            body = body[1:]
        _serial, _algorithm, _issuer, validity, _subject, spki = body[:6]
        not_before, not_after = (_time(element) for element in der.elements(validity.content))
        modulus, exponent = _public_key(spki.content)
    except (ValueError, IndexError):
        raise CertificateError("malformed certificate: not the DER of X.509", hint=_FETCH) from None
    return SealingCertificate(
        modulus=modulus,
        exponent=exponent,
        spki_sha256=sha256(spki.encoding).hexdigest(),
        fingerprint=pem.ssh_fingerprint(modulus, exponent),
        not_before=not_before,
        not_after=not_after,
    )


def _public_key(spki: bytes) -> tuple[int, int]:
    algorithm, bits = der.elements(spki)
    identifier = der.elements(algorithm.content)[0]
    if identifier.content != _RSA:
        kind = _KINDS.get(identifier.content.hex(), "a key of another algorithm")
        raise CertificateError(f"the certificate holds {kind}; sealing needs RSA")
    if bits.tag != der.BIT_STRING or bits.content[:1] != b"\x00":
        msg = "malformed key"
        raise ValueError(msg)
    modulus, exponent = (der.unsigned(item) for item in der.elements(der.only(bits.content[1:], der.SEQUENCE).content))
    if not _MIN_BITS <= modulus.bit_length() <= _MAX_BITS:
        raise CertificateError(f"the certificate's RSA key has {modulus.bit_length()} bits; at least 2048 are needed")
    if modulus % 2 == 0 or exponent % 2 == 0 or not 3 <= exponent <= _MAX_EXPONENT:
        raise CertificateError("the certificate's RSA key is not valid: even modulus, or exponent out of range")
    return modulus, exponent


def _time(element: der.Element) -> datetime:
    """Source: RFC 5280, 4.1.2.5: seconds and `Z` are required; a two-digit year from 50 on is of the last century."""
    text = element.content.decode("ascii")
    if element.tag == der.UTC_TIME:
        text = ("19" if text[:2] >= "50" else "20") + text
    elif element.tag != der.GENERALIZED_TIME:
        text = ""
    if len(text) != 15 or text[-1] != "Z" or not text[:-1].isdigit():
        msg = "malformed time"
        raise ValueError(msg)
    year, *rest = (int(text[start:end]) for start, end in ((0, 4), (4, 6), (6, 8), (8, 10), (10, 12), (12, 14)))
    month, day, hour, minute, second = rest
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)


def _nothing_found(data: bytes) -> str:
    labels = [block.label for block in pem.blocks(data)]
    if labels:
        return f"no certificate in the file, only {', '.join(labels)}"
    if data[:1] == b"\x30":
        return "not a PEM certificate but DER: convert it with openssl x509 -inform der -in FILE -out cert.pem"
    return "no PEM certificate in the file" if data.strip() else "the certificate file is empty"
