"""The four golden items of the sealed-item format, made with a key, a session key and an OAEP seed that anyone can derive."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from hashlib import sha256, sha512

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa as pyca
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from secretsync.crypto.rsa_private import PrivateKey
from secretsync.sealed import items, pem
from secretsync.sealed.certificate import SealingCertificate

SESSION_KEY = bytes(range(0x20))
SEED = bytes(range(0x20, 0x40))
STRICT = (
    "AQANM6CygBLRjMgG1fAn/rzwwejruu7VGGLVBzmhl1fvecF1uimG56P3877ukd0c/Z219gSfK+qN1G1cRxLwC+Fpmp7vxtCp9f7uHbgIpZjXttPu"
    "c3Db+PQVYK+Nkzuq4TpMCrAbh0RVGUomeTOeS+SG0NwHZQuq27tnJ40eOFNMeOyPDHUztALBrrl8edpylMhozEKAs2HJJb8xccJZeEtFe8MwOYwR"
    "3vAasSTHlCtsjRN1oCO0qHa2+S+1OTM+YKfydaI3Lj88RdcdhKUSluxswXNbN4lxAmocbM0lcRQW2a4ft6IFM90jKMzsQzFI78mSsi1buJ65IrDc"
    "+X6iEoD2fdnWrNBYsk3hD/V8GtPZpQaHaUM+3ks="
)
GOLDEN = {
    "strict": (b"myns/mysecret", b"secret1", "040586eb444bbcb09189a7c145655027fd67bbb841dd6c19385119d9414f1241"),
    "namespace-wide": (b"myns", b"secret1", "7c9e9b79bcb8349572e9a8db63039944a38267e6f773a50c8338b4930dc6d631"),
    "cluster-wide": (b"", b"secret1", "108819291bfcf7bc0fafa19e3a127e14c4db8d3fd2c0fff0443cb7b8332b1410"),
    "strict-empty": (b"myns/mysecret", b"", "70e5e6cdd016441c47dfc3486d89eca06767c771a8ab443a398b6f76f96c700c"),
}


def _prime(tag: bytes, offset: int) -> int:
    number = int.from_bytes(sha512(tag + b"\x00").digest() + sha512(tag + b"\x01").digest(), "big")
    return (number | 3 << 1022 | 1) + offset


@pytest.fixture(scope="module")
def key() -> PrivateKey:
    p, q = _prime(b"secretsync-golden-p", 144), _prime(b"secretsync-golden-q", 1064)
    d = pow(65537, -1, (p - 1) * (q - 1))
    numbers = pyca.RSAPrivateNumbers(
        p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), pyca.RSAPublicNumbers(65537, p * q)
    )
    text = numbers.private_key().private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return PrivateKey.from_pem(text)


@pytest.fixture
def certificate(key: PrivateKey) -> SealingCertificate:
    when = datetime(2026, 1, 1, tzinfo=UTC)
    return SealingCertificate(key.modulus, key.exponent, sha256(key.spki()).hexdigest(), "", when, when)


def test_the_golden_key_is_the_published_one(key: PrivateKey) -> None:
    digest = sha256(key.modulus.to_bytes(256, "big")).hexdigest()
    assert digest == "e3677264bb1628ab69941d28db56191c175ebc2ea0a98d0380030782c114ebd5"
    assert pem.ssh_fingerprint(key.modulus, key.exponent) == "SHA256:W9tKZo21GO2XpKSiJJgtoQJJugVbJNh4g1Pvoja2Yv4"


@pytest.mark.parametrize("name", GOLDEN)
def test_sealing_with_the_golden_session_key_and_seed_gives_the_golden_item(
    name: str, certificate: SealingCertificate
) -> None:
    label, plaintext, digest = GOLDEN[name]
    item = items.seal_derived(plaintext, certificate, label, session_key=SESSION_KEY, seed=SEED)
    assert sha256(item.encode()).hexdigest() == digest
    if name == "strict":
        assert item == STRICT


@pytest.mark.parametrize("name", GOLDEN)
def test_a_golden_item_opens_under_its_own_label_only(
    name: str, key: PrivateKey, certificate: SealingCertificate
) -> None:
    label, plaintext, _ = GOLDEN[name]
    text = items.seal_derived(plaintext, certificate, label, session_key=SESSION_KEY, seed=SEED)
    item = base64.b64decode(text)
    assert items.unseal(item, [key], label) == plaintext
    assert items.unseal(item, [key], label + b"x") is None
