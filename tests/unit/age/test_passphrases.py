"""Passphrases: a file for one, and an identity file under one; what a stranger's header may not ask."""

from __future__ import annotations

import pytest

from secretsync import age
from secretsync.age import protected
from secretsync.age.header import Stanza, encode_base64
from secretsync.age.interaction import Interaction
from secretsync.age.scrypt import ScryptIdentity, ScryptRecipient
from secretsync.errors import (
    AgeHeaderError,
    ConfigError,
    FormatError,
    IncorrectIdentityError,
    KeyServiceError,
    NoIdentityMatchError,
)
from secretsync.secrecy import SecretBytes

RIGHT, WRONG = SecretBytes(b"open sesame"), SecretBytes(b"open barley")
QUICK = 2
"""A work factor for tests, a sixty-thousandth of what is written by default."""


def locked(text: bytes, passphrase: SecretBytes = RIGHT) -> bytes:
    return age.encrypt(text, [ScryptRecipient(passphrase, work_factor=QUICK)])


def identities(raw: bytes, *answers: str) -> tuple[protected.ProtectedIdentities, list[str]]:
    waiting, asked = list(answers), []

    def prompt(question: str) -> str:
        asked.append(question)
        return waiting.pop(0)

    return protected.ProtectedIdentities(raw, "keys.age", Interaction(prompt=prompt)), asked


def test_a_passphrase_opens_what_it_locked_and_no_other_does() -> None:
    assert age.decrypt(locked(b"text"), [ScryptIdentity(RIGHT)]) == b"text"
    with pytest.raises(NoIdentityMatchError, match="a passphrase: the passphrase is wrong"):
        age.decrypt(locked(b"text"), [ScryptIdentity(WRONG)])


def test_a_passphrase_stands_alone() -> None:
    with pytest.raises(ConfigError, match="a passphrase stands alone"):
        age.encrypt(b"", [ScryptRecipient(RIGHT, work_factor=QUICK), ScryptRecipient(WRONG, work_factor=QUICK)])
    (own,) = ScryptRecipient(RIGHT, work_factor=QUICK).wrap(bytes(16)).stanzas
    with pytest.raises(AgeHeaderError, match="mixes a passphrase with other recipients"):
        ScryptIdentity(RIGHT).unwrap([own, Stanza("X25519", (), b"")])


def test_a_file_for_keys_is_not_for_a_passphrase() -> None:
    with pytest.raises(IncorrectIdentityError, match="not encrypted with a passphrase"):
        ScryptIdentity(RIGHT).unwrap([Stanza("X25519", (), b"")])


def test_an_empty_passphrase_protects_nothing() -> None:
    for refused in (ScryptRecipient, ScryptIdentity):
        with pytest.raises(ConfigError, match="cannot be empty"):
            refused(SecretBytes(b""))


def test_a_passphrase_is_never_shown() -> None:
    assert str(ScryptRecipient(RIGHT)) == str(ScryptIdentity(RIGHT)) == "a passphrase"


SALT = encode_base64(bytes(16))


@pytest.mark.parametrize(
    ("args", "body", "message"),
    [
        ((SALT,), bytes(32), "does not have two arguments"),
        ((SALT, "2", "more"), bytes(32), "does not have two arguments"),
        ((encode_base64(bytes(15)), "2"), bytes(32), "is not 16 bytes"),
        ((SALT, "2"), bytes(31), "has the wrong size"),
        ((SALT, "02"), bytes(32), "not a small decimal number"),
        ((SALT, "x"), bytes(32), "not a small decimal number"),
        ((SALT, "100"), bytes(32), "not a small decimal number"),
        ((SALT, "23"), bytes(32), "above 22"),
    ],
)
def test_a_malformed_or_greedy_stanza_is_an_error(args: tuple[str, ...], body: bytes, message: str) -> None:
    with pytest.raises(AgeHeaderError, match=message):
        ScryptIdentity(RIGHT).unwrap([Stanza("scrypt", args, body)])


def test_a_protected_file_asks_once_and_tries_its_keys_in_order() -> None:
    first, second = age.generate(), age.generate()
    keys, asked = identities(locked(f"# two keys\n{first.expose()}\n{second.expose()}\n".encode()), "open sesame")
    for recipient in (second.recipient(), first.recipient()):
        assert age.decrypt(age.encrypt(b"text", [recipient]), [keys]) == b"text"
    with pytest.raises(NoIdentityMatchError, match=r"the protected keys of keys\.age: none of its keys matches"):
        age.decrypt(age.encrypt(b"", [age.generate().recipient()]), [keys])
    assert asked == ["Passphrase of keys.age: "]


def test_a_wrong_passphrase_is_asked_for_again_at_the_next_use() -> None:
    identity = age.generate()
    keys, asked = identities(locked(identity.expose().encode()), "open barley", "", "open sesame")
    data = age.encrypt(b"text", [identity.recipient()])
    for _ in range(2):
        with pytest.raises(NoIdentityMatchError, match="the passphrase is wrong"):
            age.decrypt(data, [keys])
    assert age.decrypt(data, [keys]) == b"text"
    assert len(asked) == 3


@pytest.mark.parametrize(
    ("raw", "message"),
    [(locked(b"\xff"), "not valid UTF-8 inside its protection"), (locked(b"AGE-SECRET-KEY-1X"), "line 1")],
    ids=["no text", "no key"],
)
def test_what_is_locked_up_must_be_a_key_file(raw: bytes, message: str) -> None:
    keys, _ = identities(raw, "open sesame")
    with pytest.raises(FormatError, match=message) as caught:
        keys.unwrap([])
    assert "keys.age" in str(caught.value.location)


def test_without_a_person_a_protected_file_opens_nothing() -> None:
    keys = protected.ProtectedIdentities(locked(b""), "keys.age", Interaction())
    with pytest.raises(KeyServiceError, match="no terminal"):
        keys.unwrap([])
