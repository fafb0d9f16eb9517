"""Sealing certificates: which are taken, which are refused, and what is said about their dates."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from secretsync.errors import CertificateError, ExpiredCertificateError
from secretsync.sealed.certificate import SealingCertificate
from tests.unit.sealed.keys import NOW, key_file

BORN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
DIES = datetime(2076, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize("name", ["a", "b", "rsa2048", "rsa3072"])
def test_names_of_the_key_are_those_the_vectors_publish(name: str) -> None:
    published = json.loads(key_file("keys.json"))["keys"][name]
    found = SealingCertificate.load(key_file(f"{name}.crt"), now=NOW)
    assert found.spki_sha256 == published["spki_sha256"]
    assert found.fingerprint == published["controller_fingerprint"]
    assert found.modulus.bit_length() == published["bits"]
    assert found.not_after.isoformat() == published["not_after"]


def test_a_renewed_certificate_of_the_same_key_has_the_same_names() -> None:
    first, renewed = (SealingCertificate.load(key_file(name), now=NOW) for name in ("a.crt", "a-renewed.crt"))
    assert (first.spki_sha256, first.fingerprint) == (renewed.spki_sha256, renewed.fingerprint)


def test_the_certificate_reads_as_pyca_reads_it_without_its_extensions() -> None:
    theirs = x509.load_pem_x509_certificate(key_file("a.crt"))
    ours = SealingCertificate.load(key_file("a.crt"), now=NOW)
    public = theirs.public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    assert (ours.modulus, ours.exponent) == (public.public_numbers().n, public.public_numbers().e)
    assert ours.spki_sha256 == sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()
    assert (ours.not_before, ours.not_after) == (theirs.not_valid_before_utc, theirs.not_valid_after_utc)
    with pytest.raises(ValueError, match="encipher_only"):
        _ = theirs.extensions


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("a.der", "DER"),
        ("a-public.pem", "PUBLIC KEY"),
        ("empty.crt", "empty"),
        ("junk.crt", "no PEM certificate"),
        ("two-keys.pem", "RSA PRIVATE KEY"),
        ("ec.crt", "elliptic curve"),
        ("rsa1024.crt", "1024 bits"),
    ],
)
def test_what_is_no_rsa_certificate_of_2048_bits_is_refused_by_name(file: str, words: str) -> None:
    with pytest.raises(CertificateError, match=words):
        SealingCertificate.load(key_file(file), now=NOW)


@pytest.mark.parametrize("file", ["a-crlf.crt", "a-with-text.crt", "a-key-then-cert.pem"])
def test_text_around_the_block_and_crlf_do_not_matter(file: str) -> None:
    assert SealingCertificate.load(key_file(file), now=NOW).warnings == ()


def test_the_first_certificate_of_a_bundle_is_used_with_a_warning() -> None:
    found = SealingCertificate.load(key_file("bundle-a-b.crt"), now=NOW)
    assert found.fingerprint == SealingCertificate.load(key_file("a.crt"), now=NOW).fingerprint
    assert "2 certificates" in found.warnings[0]


@pytest.mark.parametrize(("early", "accepted"), [(timedelta(minutes=9), True), (timedelta(minutes=11), False)])
def test_a_certificate_may_be_ten_minutes_early(early: timedelta, accepted: bool) -> None:
    if accepted:
        SealingCertificate.load(key_file("a.crt"), now=BORN - early)
    else:
        with pytest.raises(CertificateError, match="not valid before 2026-01-02"):
            SealingCertificate.load(key_file("a.crt"), now=BORN - early, allow_expired=True)


@pytest.mark.parametrize(("late", "accepted"), [(timedelta(minutes=9), True), (timedelta(minutes=11), False)])
def test_a_certificate_may_be_ten_minutes_late(late: timedelta, accepted: bool) -> None:
    if accepted:
        assert "within 7 days" in SealingCertificate.load(key_file("a.crt"), now=DIES + late).warnings[0]
    else:
        with pytest.raises(ExpiredCertificateError, match="expired on 2076-01-02"):
            SealingCertificate.load(key_file("a.crt"), now=DIES + late)


def test_an_expired_certificate_can_be_allowed_and_is_still_warned_about() -> None:
    found = SealingCertificate.load(key_file("expired.crt"), now=NOW, allow_expired=True)
    assert "expired on 2020-02-01" in found.warnings[0]


@pytest.mark.parametrize(
    ("days", "warned"), [(91, None), (90, "90 days"), (31, "90 days"), (30, "30 days"), (8, "30 days"), (7, "7 days")]
)
def test_expiry_is_announced_at_90_30_and_7_days(days: int, warned: str | None) -> None:
    warnings = SealingCertificate.load(key_file("a.crt"), now=DIES - timedelta(days=days)).warnings
    assert [warned is not None and warned in warning for warning in warnings] == ([True] if warned else [])


def test_an_ed25519_certificate_is_refused_by_name() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = builder.serial_number(1).not_valid_before(BORN).not_valid_after(DIES).sign(key, None)
    with pytest.raises(CertificateError, match="Ed25519"):
        SealingCertificate.load(made.public_bytes(Encoding.PEM), now=NOW)


def test_dates_before_and_after_2050_are_read_in_both_encodings() -> None:
    key = rsa.generate_private_key(public_exponent=3, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x" * 60)])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    born, dies = datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    made = builder.serial_number(1 << 120).not_valid_before(born).not_valid_after(dies).sign(key, hashes.SHA256())
    found = SealingCertificate.load(made.public_bytes(Encoding.PEM), now=NOW)
    assert (found.not_before, found.not_after, found.exponent) == (born, dies, 3)
