"""SSH keys as age keys: both kinds, in both forms of file, protected or not; and everything that is malformed."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from hashlib import sha512

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from secretsync import age
from secretsync.age import edwards, header, sshfile
from secretsync.age.header import Stanza
from secretsync.age.interaction import NOBODY, Interaction
from secretsync.age.ssh import Ed25519Identity, PrivateKey, RsaIdentity, SshRecipient, fingerprint, identity_of
from secretsync.age.sshfile import EncryptedSshIdentity, parse_private_key
from secretsync.errors import (
    AgeHeaderError,
    FormatError,
    IncorrectIdentityError,
    MissingDependencyError,
    SecretsyncError,
)

ED25519 = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
KEYS: dict[str, PrivateKey] = {"ssh-ed25519": ED25519, "ssh-rsa": RSA}
every_key = pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
FILE_KEY = bytes(range(16))


def public_text(key: PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def openssh(key: PrivateKey | ec.EllipticCurvePrivateKey, passphrase: bytes = b"") -> bytes:
    protection = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, protection)


def pem(key: PrivateKey, passphrase: bytes = b"") -> bytes:
    protection = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection)


def asking(answer: str, asked: list[str]) -> Interaction:
    def prompt(question: str) -> str:
        asked.append(question)
        return answer

    return Interaction(prompt=prompt)


@every_key
@pytest.mark.parametrize("written", [openssh, pem], ids=["openssh", "pem"])
def test_what_is_encrypted_for_a_public_key_opens_with_the_private_one(
    key: PrivateKey, written: Callable[[PrivateKey], bytes]
) -> None:
    recipient = age.parse_recipient(public_text(key) + " ann@example.com")
    identity = parse_private_key(written(key), "id", NOBODY)
    assert age.decrypt(age.encrypt(b"text", [recipient]), [identity]) == b"text"
    assert str(recipient) == f"{identity} ann@example.com"


@every_key
@pytest.mark.parametrize("written", [openssh, pem], ids=["openssh", "pem"])
def test_a_protected_key_asks_once_and_for_its_own_stanzas_only(
    key: PrivateKey, written: Callable[[PrivateKey, bytes], bytes]
) -> None:
    asked: list[str] = []
    raw = written(key, b"open sesame")
    identity = parse_private_key(
        raw, "id", asking("open sesame", asked), public_half=lambda: public_text(key).encode() + b"\n"
    )
    assert str(identity).startswith(public_text(key)[:40])
    with pytest.raises(SecretsyncError, match="no identity opens"):
        age.decrypt(age.encrypt(b"", [age.generate().recipient()]), [identity])
    assert asked == []
    data = age.encrypt(b"text", [age.parse_recipient(public_text(key))])
    assert age.decrypt(data, [identity]) == age.decrypt(data, [identity]) == b"text"
    assert asked == ["Passphrase of id: "]


@every_key
def test_a_wrong_passphrase_and_a_malformed_key_are_one_answer(key: PrivateKey) -> None:
    identity = parse_private_key(openssh(key, b"right"), "id", asking("wrong", []), public_half=lambda: b"")
    stanzas = SshRecipient(key.public_key()).wrap(FILE_KEY).stanzas
    with pytest.raises(FormatError, match="the passphrase is wrong, or the key malformed"):
        identity.unwrap(stanzas)


def test_a_protected_key_that_only_a_command_gives_is_refused() -> None:
    with pytest.raises(FormatError, match="which only key files may be"):
        parse_private_key(openssh(ED25519, b"x"), "id", NOBODY)


def test_the_public_half_beside_a_protected_key_must_be_its_own() -> None:
    other = SshRecipient(RSA.public_key())
    identity = EncryptedSshIdentity(openssh(ED25519, b"x"), other, "id", asking("x", []))
    with pytest.raises(FormatError, match="does not belong to its public key"):
        identity.unwrap(other.wrap(FILE_KEY).stanzas)


def test_a_cipher_that_is_not_built_in_is_a_missing_dependency(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_bcrypt(_raw: bytes, _passphrase: bytes | None) -> None:
        raise UnsupportedAlgorithm("bcrypt is not there")

    monkeypatch.setattr(sshfile, "load_ssh_private_key", without_bcrypt)
    with pytest.raises(MissingDependencyError, match="bcrypt is not there"):
        parse_private_key(openssh(ED25519), "id", NOBODY)


def blob(*fields: bytes) -> bytes:
    """Return a private key in OpenSSH's form, of which only the public part is there."""
    cipher, kind, options, wire = fields
    parts = [len(one).to_bytes(4, "big") + one for one in (cipher, kind, options)]
    raw = b"openssh-key-v1\0" + b"".join(parts) + b"\0\0\0\1" + len(wire).to_bytes(4, "big") + wire
    return b"-----BEGIN OPENSSH PRIVATE KEY-----\n" + b64encode(raw) + b"\n-----END OPENSSH PRIVATE KEY-----\n"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"not a key",
        b"-----BEGIN OPENSSH PRIVATE KEY-----\n****\n-----END OPENSSH PRIVATE KEY-----\n",
        b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
        b"-----BEGIN OPENSSH PRIVATE KEY-----\n",
        b"-----END OPENSSH PRIVATE KEY-----\n-----BEGIN OPENSSH PRIVATE KEY-----\n",
        blob(b"none", b"none", b"", b"\0\0\0\x0bssh-ed25519"),
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    ],
    ids=["empty", "prose", "no base64", "cut off", "no end", "end before begin", "no private part", "no DER"],
)
def test_a_malformed_private_key_is_refused(raw: bytes) -> None:
    with pytest.raises(FormatError, match="malformed SSH private key"):
        parse_private_key(raw, "id", NOBODY)


def test_a_protected_key_of_another_type_is_refused_before_anybody_is_asked() -> None:
    with pytest.raises(FormatError, match="malformed SSH public key"):
        parse_private_key(blob(b"aes256-ctr", b"bcrypt", b"", b"\0\0\0\x07ssh-xyz"), "id", NOBODY, public_half=bytes)


def test_private_keys_of_other_types_cannot_be_identities() -> None:
    with pytest.raises(FormatError, match="only ed25519 and RSA keys"):
        parse_private_key(openssh(ec.generate_private_key(ec.SECP256R1())), "id", NOBODY)


def test_public_keys_of_other_types_cannot_be_recipients() -> None:
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    with pytest.raises(FormatError, match="only ssh-ed25519 and ssh-rsa"):
        SshRecipient.parse(public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode())


@pytest.mark.parametrize("text", ["ssh-rsa", "ssh-rsa AAAA", "ssh-ed25519 !!", "ssh-dss AAAA", "ssh-rsa \udcff"])
def test_a_malformed_public_key_is_refused(text: str) -> None:
    with pytest.raises(FormatError, match="malformed SSH public key"):
        age.parse_recipient(text)


def test_a_short_rsa_key_is_refused() -> None:
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # it is the case
    with pytest.raises(FormatError, match="1024 bits is too short; age takes 2048"):
        SshRecipient(short.public_key())


def encoded(raw: bytes) -> str:
    return header.encode_base64(raw)


OWN = SshRecipient(ED25519.public_key()).fingerprint
OWN_RSA = SshRecipient(RSA.public_key()).fingerprint


@pytest.mark.parametrize(
    ("key", "args", "message"),
    [
        (ED25519, (OWN,), "does not have two arguments"),
        (ED25519, (OWN, encoded(bytes(32)), "more"), "does not have two arguments"),
        (ED25519, (OWN, encoded(bytes(31))), "is not 32 bytes"),
        (ED25519, (OWN, "=="), "base64"),
        (ED25519, (OWN, encoded(bytes(32))), "low-order point"),
        (RSA, (), "does not have one argument"),
        (RSA, (OWN_RSA, "more"), "does not have one argument"),
    ],
)
def test_a_malformed_stanza_is_an_error(key: PrivateKey, args: tuple[str, ...], message: str) -> None:
    kind = "ssh-rsa" if key is RSA else "ssh-ed25519"
    with pytest.raises(AgeHeaderError, match=message):
        identity_of(key).unwrap([Stanza(kind, args, bytes(32))])


@every_key
def test_a_stanza_of_another_key_is_passed_over(key: PrivateKey) -> None:
    other = (
        rsa.generate_private_key(public_exponent=65537, key_size=2048) if key is RSA else Ed25519PrivateKey.generate()
    )
    (own,) = SshRecipient(key.public_key()).wrap(FILE_KEY).stanzas
    (strange,) = SshRecipient(other.public_key()).wrap(FILE_KEY).stanzas
    identity = identity_of(key)
    assert identity.unwrap([strange, own]) == FILE_KEY
    with pytest.raises(IncorrectIdentityError):
        identity.unwrap([strange])


@every_key
def test_a_stanza_whose_hint_collides_is_passed_over(key: PrivateKey) -> None:
    """The hint is 4 bytes: another key can have the same, and then what it wrapped does not open."""
    (own,) = SshRecipient(key.public_key()).wrap(FILE_KEY).stanzas
    collides = own._replace(body=bytes(len(own.body)))
    with pytest.raises(IncorrectIdentityError):
        identity_of(key).unwrap([collides])
    assert identity_of(key).unwrap([collides, own]) == FILE_KEY


def test_identities_are_named_by_their_public_half() -> None:
    assert isinstance(identity_of(ED25519), Ed25519Identity)
    assert isinstance(identity_of(RSA), RsaIdentity)
    assert [str(identity_of(key)) for key in KEYS.values()] == [public_text(key) for key in KEYS.values()]


def test_a_fingerprint_is_the_beginning_of_the_hash_of_the_key() -> None:
    assert fingerprint(b"") == "47DEQg"  # SHA-256 of nothing begins with e3b0c442


@given(st.binary(min_size=32, max_size=32))
def test_the_montgomery_form_is_the_public_half_of_the_scalar(seed: bytes) -> None:
    """Two ways to one point: by the map of RFC 7748, and by the scalar that RFC 8032 derives from the seed."""
    signing = Ed25519PrivateKey.from_private_bytes(seed)
    scalar = X25519PrivateKey.from_private_bytes(sha512(seed).digest()[:32])
    point = edwards.to_montgomery(signing.public_key().public_bytes_raw())
    assert point == scalar.public_key().public_bytes_raw()


@pytest.mark.parametrize(
    "point",
    [bytes(31), b"\1" + bytes(31), (2**255 - 20).to_bytes(32, "little"), b"\2" + bytes(31)],
    ids=["31 bytes", "y = 1", "y = -1", "not on the curve"],
)
def test_what_is_no_usable_point_is_refused(point: bytes) -> None:
    with pytest.raises(FormatError, match="not a usable point"):
        edwards.to_montgomery(point)
