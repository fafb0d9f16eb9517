"""What stands where a public key is due and is a private one, or most of one."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from secretsync import age
from secretsync.errors import PrivateKeyGivenError
from secretsync.masterkeys.publichalf import require_public

IDENTITY = age.generate()
RSA = rsa.generate_private_key(65537, 2048)
SSH = ed25519.Ed25519PrivateKey.generate()


def body(key: ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey, form: PrivateFormat) -> str:
    return "".join(key.private_bytes(Encoding.PEM, form, NoEncryption()).decode().splitlines()[1:-1])


@pytest.mark.parametrize(
    "text",
    [
        IDENTITY.expose().removeprefix("AGE-SECRET-KEY-1"),
        IDENTITY.expose().lower().removeprefix("age-secret-key-1"),
        IDENTITY.expose().replace("-", "_"),
        IDENTITY.expose().replace("SECRET-KEY", "SECRETKEY"),
        body(SSH, PrivateFormat.OpenSSH),
        body(SSH, PrivateFormat.PKCS8),
        body(RSA, PrivateFormat.PKCS8),
        body(RSA, PrivateFormat.TraditionalOpenSSL),
    ],
    ids=["letters", "small letters", "underscores", "mistyped", "openssh", "pkcs8", "rsa in pkcs8", "rsa"],
)
def test_most_of_a_private_key_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(PrivateKeyGivenError) as refused:
        require_public(text, "--age")
    assert text[:20] not in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        str(IDENTITY),
        str(IDENTITY).upper(),
        str(age.generate(post_quantum=True)),
        "0123456789ABCDEF0123456789ABCDEF01234567",
        "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        base64.b64encode(SSH.public_key().public_bytes_raw()).decode(),
    ],
    ids=["age", "capitals", "post-quantum", "pgp", "kms", "base64"],
)
def test_public_keys_pass(text: str) -> None:
    assert require_public(text) == text
