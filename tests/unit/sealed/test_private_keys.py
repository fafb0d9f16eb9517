"""Private keys: every form a backup may have, and an error that names what the file holds instead."""

from __future__ import annotations

import json
import pickle

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from secretsync.crypto.rsa_private import PrivateKey
from secretsync.errors import ManifestError, PrivateKeyError
from secretsync.sealed.privatekeys import load
from tests.unit.sealed.keys import certificate, key_file, private_keys


@pytest.mark.parametrize(
    ("file", "names"),
    [
        ("a.key", ["a"]),
        ("a-pkcs8.key", ["a"]),
        ("b.key", ["b"]),
        ("a-key-then-cert.pem", ["a"]),
        ("two-keys.pem", ["b", "a"]),
        ("backup-a.yaml", ["a"]),
        ("backup-a.json", ["a"]),
        ("backup-b-then-a.yaml", ["b", "a"]),
        ("backup-list.yaml", ["b", "a"]),
    ],
)
def test_every_form_of_private_key_is_read_in_order(file: str, names: list[str]) -> None:
    published = json.loads(key_file("keys.json"))["keys"]
    assert [key.fingerprint for key in load(key_file(file))] == [
        published[name]["controller_fingerprint"] for name in names
    ]


def test_a_key_and_its_certificate_have_the_same_names() -> None:
    (key,) = private_keys()
    assert (key.spki_sha256, key.fingerprint, key.size) == (
        certificate().spki_sha256,
        certificate().fingerprint,
        certificate().size,
    )


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("a-encrypted.key", "encrypted with a passphrase"),
        ("a.crt", "only CERTIFICATE"),
        ("ec.key", "not an RSA key"),
        ("junk.crt", "neither a PEM key nor a manifest"),
        ("empty.crt", "no object"),
        ("a-public.pem", "only PUBLIC KEY"),
    ],
)
def test_a_file_without_a_usable_key_is_refused_by_what_it_holds(file: str, words: str) -> None:
    with pytest.raises(PrivateKeyError, match=words):
        load(key_file(file))


def test_a_legacy_encrypted_key_is_refused_as_encrypted() -> None:
    text = b"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n"
    with pytest.raises(PrivateKeyError, match="passphrase"):
        load(text + b"-----END RSA PRIVATE KEY-----\n")


def test_a_damaged_key_is_refused() -> None:
    text = key_file("rsa2048.key").decode().splitlines()
    text[5] = text[5][::-1]
    with pytest.raises(PrivateKeyError, match="malformed"):
        load("\n".join(text).encode())


def test_a_key_secret_without_its_item_is_refused_by_the_name_of_the_item() -> None:
    with pytest.raises(ManifestError, match=r"tls\.key"):
        load(key_file("backup-no-tls-key.yaml"))


def test_a_private_key_never_shows_or_pickles_itself() -> None:
    (key,) = private_keys()
    assert repr(key) == f"UnsealingKey({key.fingerprint})"
    assert repr(key._key) == "PrivateKey(…)"
    with pytest.raises(TypeError):
        pickle.dumps(key._key)


def test_a_key_in_the_dsa_form_is_refused_by_its_label() -> None:
    with pytest.raises(PrivateKeyError, match="DSA PRIVATE KEY"):
        load(b"-----BEGIN DSA PRIVATE KEY-----\nAAAA\n-----END DSA PRIVATE KEY-----\n")


def test_a_key_whose_numbers_do_not_belong_together_is_refused() -> None:
    one = PrivateKey.from_pem(key_file("rsa2048.key"))._key.private_numbers()
    p, q, d = one.p, one.q, one.d - 2
    numbers = rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), one.iqmp, one.public_numbers)
    mixed = numbers.private_key(unsafe_skip_rsa_key_validation=True)
    text = mixed.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    with pytest.raises(PrivateKeyError, match="malformed"):
        load(text)


def test_an_encrypted_key_read_as_plain_pem_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="encrypted"):
        PrivateKey.from_pem(key_file("a-encrypted.key"))
