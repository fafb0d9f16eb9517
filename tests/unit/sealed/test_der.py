"""Certificates built by hand, each wrong in one place."""

from __future__ import annotations

import base64

import pytest

from secretsync.errors import CertificateError
from secretsync.sealed import der
from secretsync.sealed.certificate import SealingCertificate
from tests.unit.sealed.keys import NOW, certificate

RSA = bytes.fromhex("06092a864886f70d0101010500")


def tlv(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    size = len(content)
    length = bytes([size]) if size < 0x80 else bytes([0x82]) + size.to_bytes(2, "big")
    return bytes([tag]) + length + content


def integer(number: int) -> bytes:
    return tlv(der.INTEGER, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def key(modulus: int, exponent: int = 65537, unused: int = 0) -> bytes:
    bits = tlv(der.BIT_STRING, bytes([unused]), tlv(der.SEQUENCE, integer(modulus), integer(exponent)))
    return tlv(der.SEQUENCE, tlv(der.SEQUENCE, RSA), bits)


def dates(first: bytes = b"260101000000Z", last: bytes = b"460101000000Z", tag: int = der.UTC_TIME) -> bytes:
    return tlv(der.SEQUENCE, tlv(tag, first), tlv(tag, last))


def built(*, validity: bytes = dates(), spki: bytes = key(certificate().modulus), version: bool = True) -> bytes:
    empty = tlv(der.SEQUENCE)
    fields = [integer(1), empty, empty, validity, empty, spki]
    if version:
        fields.insert(0, tlv(der.EXPLICIT_0, integer(2)))
    return tlv(der.SEQUENCE, tlv(der.SEQUENCE, *fields), empty, tlv(der.BIT_STRING, b"\x00"))


def load(encoding: bytes) -> SealingCertificate:
    text = base64.encodebytes(encoding)
    return SealingCertificate.load(b"-----BEGIN CERTIFICATE-----\n" + text + b"-----END CERTIFICATE-----\n", now=NOW)


@pytest.mark.parametrize("version", [True, False], ids=["v3", "v1"])
def test_a_certificate_of_either_version_is_read(version: bool) -> None:
    assert load(built(version=version)).spki_sha256 == certificate().spki_sha256


ODD = certificate().modulus
WRONG: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "malformed"),
    "a byte more": (built() + b"\x00", "malformed"),
    "a byte less": (built()[:-1], "malformed"),
    "an indefinite length": (b"\x30\x80\x00\x00", "malformed"),
    "a length that is not minimal": (b"\x30\x81\x02\x05\x00", "malformed"),
    "a length with a zero in front": (b"\x30\x82\x00\x80" + bytes(128), "malformed"),
    "a long tag": (b"\x3f\x01\x00", "malformed"),
    "a set in place of the sequence": (tlv(0x31, built()), "malformed"),
    "a time without seconds": (built(validity=dates(first=b"2601010000Z")), "malformed"),
    "a month thirteen": (built(validity=dates(first=b"261301000000Z")), "malformed"),
    "a time that is text": (built(validity=dates(tag=0x0C)), "malformed"),
    "a time that is not ASCII": (built(validity=dates(first=b"\xff" * 13)), "malformed"),
    "unused bits in the key": (built(spki=key(ODD, unused=1)), "malformed"),
    "an even modulus": (built(spki=key(ODD + 1)), "not valid"),
    "exponent one": (built(spki=key(ODD, exponent=1)), "not valid"),
    "an even exponent": (built(spki=key(ODD, exponent=4)), "not valid"),
    "an exponent of 33 bits": (built(spki=key(ODD, exponent=(1 << 32) + 1)), "not valid"),
    "a modulus of 20000 bits": (built(spki=key((1 << 20000) + 1)), "20001 bits"),
    "another algorithm": (
        built(spki=tlv(0x30, tlv(0x30, tlv(0x06, b"\x2a\x03")), tlv(0x03, b"\x00"))),
        "another algorithm",
    ),
    "a negative modulus": (
        built(spki=tlv(0x30, tlv(0x30, RSA), tlv(0x03, b"\x00", tlv(0x30, tlv(0x02, b"\xff" * 256), integer(3))))),
        "malformed",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_certificate_that_is_wrong_in_one_place_is_refused(case: str) -> None:
    encoding, words = WRONG[case]
    with pytest.raises(CertificateError, match=words):
        load(encoding)


def test_base64_that_is_damaged_makes_no_block() -> None:
    with pytest.raises(CertificateError, match="no PEM certificate"):
        SealingCertificate.load(b"-----BEGIN CERTIFICATE-----\n%%%\n-----END CERTIFICATE-----\n", now=NOW)


def test_only_the_one_element_of_the_right_tag_will_do() -> None:
    with pytest.raises(ValueError, match="malformed"):
        der.only(tlv(der.INTEGER, b"\x01"), der.SEQUENCE)
