"""X25519 and post-quantum keys: their texts, what each wraps, and stanzas that are malformed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secretsync import age
from secretsync.age.header import Stanza, encode_base64
from secretsync.age.hybrid import HybridIdentity, HybridRecipient
from secretsync.age.x25519 import X25519Identity, X25519Recipient
from secretsync.crypto import bech32
from secretsync.errors import AgeHeaderError, ConfigError, FormatError, IncorrectIdentityError, NoIdentityMatchError

FILE_KEY = bytes(range(16))
CLASSIC, HYBRID = age.generate(), age.generate(post_quantum=True)
every_identity = pytest.mark.parametrize("identity", [CLASSIC, HYBRID], ids=["x25519", "hybrid"])


@every_identity
def test_both_halves_survive_being_written_and_read(identity: X25519Identity | HybridIdentity) -> None:
    recipient = age.parse_recipient(str(identity))
    read = age.parse_identity(identity.expose())
    assert str(recipient) == str(read) == str(identity.recipient())
    assert read.unwrap(recipient.wrap(FILE_KEY).stanzas) == FILE_KEY


@every_identity
def test_a_private_key_does_not_show_itself(identity: X25519Identity | HybridIdentity) -> None:
    shown = repr(identity)
    assert str(identity)[:24] in shown
    assert "SECRET" not in shown


@given(st.binary(max_size=64).filter(lambda raw: len(raw) != 32))
def test_a_key_of_another_size_is_refused(raw: bytes) -> None:
    for prefix in ("age-secret-key-", "age-secret-key-pq-"):
        with pytest.raises(FormatError, match="identity is not 32 bytes"):
            age.parse_identity(bech32.encode(prefix, raw).upper())
    with pytest.raises(FormatError, match="recipient is not 32 bytes"):
        age.parse_recipient(bech32.encode("age", raw))
    with pytest.raises(FormatError, match="recipient is not 1216 bytes"):
        age.parse_recipient(bech32.encode("age1pq", raw))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (bech32.encode("age1pq1", bytes(32)), "is not the prefix of a post-quantum recipient"),
        (bech32.encode("ag", bytes(32)), "is not an age recipient"),
        ("x" * 100, "'xxxxxxxx…' is not an age recipient"),
        ("age-secret-key-1qqq", "a private key is not an age recipient"),
        ("two\nlines", "a private key is not an age recipient"),
        (bech32.encode("age1pq", b"\xff" * 1216), "not a valid public key"),
    ],
    ids=["nearly post-quantum", "another prefix", "long", "an identity", "a file", "no lattice key"],
)
def test_what_is_no_recipient_is_refused(text: str, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        age.parse_recipient(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "AGE-SECRET-KEY-",
        "AGE-SECRET-KEY-2QQ",
        bech32.encode("age-secret-key-1", bytes(32)).upper(),
        bech32.encode("age-secret-key-pq-1", bytes(32)).upper(),
        bech32.encode("age-plugin-", b"").upper(),
        bech32.encode("age-plugin-a1b", b"").upper(),
    ],
)
def test_what_is_no_identity_is_refused_and_never_shown(text: str) -> None:
    with pytest.raises(FormatError) as caught:
        age.parse_identity(text)
    assert not text or text not in str(caught.value)


def test_prefixes_are_told_apart_by_each_kind_itself() -> None:
    classic = bech32.encode("age", bytes(32))
    with pytest.raises(FormatError, match="not the prefix of a post-quantum recipient"):
        HybridRecipient.parse(classic)
    with pytest.raises(FormatError, match="not the prefix of an X25519 recipient"):
        X25519Recipient.parse(str(HYBRID))
    with pytest.raises(FormatError, match="not that of a post-quantum identity"):
        HybridIdentity.parse(CLASSIC.expose())
    with pytest.raises(FormatError, match="not that of an X25519 identity"):
        X25519Identity.parse(HYBRID.expose())


def test_a_key_file_holds_one_identity_a_line() -> None:
    text = f"# a comment\r\n\r\n{CLASSIC.expose()}\r\n{HYBRID.expose()}\n"
    assert [str(one) for one in age.parse_identities(text)] == [str(CLASSIC), str(HYBRID)]
    with pytest.raises(FormatError, match="unknown identity type") as caught:
        age.parse_identities(f"{CLASSIC.expose()}\n{CLASSIC.expose()[:9]}")
    assert caught.value.location == "line 2"


def test_a_variable_may_hold_several_identities_on_a_line() -> None:
    text = f"{CLASSIC.expose()} \t{HYBRID.expose()}"
    assert len(age.parse_identities(text, several_per_line=True)) == 2
    with pytest.raises(FormatError):
        age.parse_identities(text)


@settings(max_examples=20)
@given(st.binary(max_size=200), st.sampled_from([CLASSIC, HYBRID]))
def test_what_is_encrypted_for_a_key_opens_with_it_alone(
    text: bytes, identity: X25519Identity | HybridIdentity
) -> None:
    data = age.encrypt(text, [identity.recipient()])
    assert age.decrypt(data, [identity]) == text
    with pytest.raises(NoIdentityMatchError):
        age.decrypt(data, [age.generate()])


def test_post_quantum_and_classic_recipients_do_not_mix() -> None:
    with pytest.raises(ConfigError, match="post-quantum and classic"):
        age.encrypt(b"", [CLASSIC.recipient(), HYBRID.recipient()])


def test_a_file_is_for_somebody() -> None:
    with pytest.raises(ConfigError, match="no age recipients were given"):
        age.encrypt(b"", [])


def test_a_recipient_that_is_a_low_order_point_protects_nothing() -> None:
    with pytest.raises(FormatError, match="low-order point"):
        X25519Recipient(bytes(32)).wrap(FILE_KEY)


def body(size: int = 32) -> bytes:
    return bytes(size)


POINT = encode_base64(bytes(32))
SHARE = encode_base64(bytes(1088) + b"\x09" + bytes(31))


@pytest.mark.parametrize(
    ("args", "size", "message"),
    [
        ((), 32, "does not have one argument"),
        ((POINT, "more"), 32, "does not have one argument"),
        ((encode_base64(bytes(31)),), 32, "is not 32 bytes"),
        ((POINT,), 32, "low-order point"),
        ((encode_base64(b"\x09" + bytes(31)),), 31, "wrong size"),
        (("A",), 32, "base64"),
        (("AB",), 32, "not canonical"),
    ],
)
def test_a_malformed_x25519_stanza_is_an_error(args: tuple[str, ...], size: int, message: str) -> None:
    with pytest.raises(AgeHeaderError, match=message):
        CLASSIC.unwrap([Stanza("X25519", args, body(size))])


@pytest.mark.parametrize(
    ("args", "size", "message"),
    [
        ((), 32, "does not have one argument"),
        ((POINT,), 32, "is not 1120 bytes"),
        ((SHARE,), 31, "wrong size"),
        ((encode_base64(bytes(1120)),), 32, "low-order point"),
    ],
)
def test_a_malformed_hybrid_stanza_is_an_error(args: tuple[str, ...], size: int, message: str) -> None:
    with pytest.raises(AgeHeaderError, match=message):
        HYBRID.unwrap([Stanza("mlkem768x25519", args, body(size))])


@every_identity
def test_a_stanza_for_another_key_is_passed_over(identity: X25519Identity | HybridIdentity) -> None:
    (own,) = identity.recipient().wrap(FILE_KEY).stanzas
    strange = own._replace(body=body())
    assert identity.unwrap([Stanza("other", (), b""), strange, own]) == FILE_KEY
    with pytest.raises(IncorrectIdentityError, match=f"no {own.type} stanza is for it"):
        identity.unwrap([strange])
