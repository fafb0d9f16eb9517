"""age files under change: every text comes back, and no changed, cut or foreign byte goes unnoticed."""

from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secretsync import age
from secretsync.age import armor
from secretsync.age.header import parse
from secretsync.errors import SecretsyncError

IDENTITY = age.generate()
HYBRID = age.generate(post_quantum=True)
plaintexts = st.one_of(st.binary(max_size=200), st.integers(65_530, 65_545).map(bytes), st.just(bytes(131_072)))


@given(plaintexts, st.booleans(), st.booleans())
def test_every_text_comes_back(plaintext: bytes, armored: bool, post_quantum: bool) -> None:
    identity = HYBRID if post_quantum else IDENTITY
    data = age.encrypt(plaintext, [identity.recipient(), identity.recipient()], armored=armored)
    assert age.decrypt(data, [identity]) == plaintext
    if not armored:
        assert b"".join(age.decrypt_stream(BytesIO(data), [identity])) == plaintext


@given(st.binary(max_size=100), st.data())
def test_no_changed_bit_goes_unnoticed(plaintext: bytes, data: st.DataObject) -> None:
    whole = bytearray(age.encrypt(plaintext, [IDENTITY.recipient()]))
    position = data.draw(st.integers(0, len(whole) - 1))
    whole[position] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(SecretsyncError):
        age.decrypt(bytes(whole), [IDENTITY])


@given(st.binary(max_size=100), st.data())
def test_no_cut_goes_unnoticed(plaintext: bytes, data: st.DataObject) -> None:
    whole = age.encrypt(plaintext, [IDENTITY.recipient()], armored=data.draw(st.booleans()))
    end = data.draw(st.integers(0, len(whole) - 2))
    with pytest.raises(SecretsyncError):
        age.decrypt(whole[:end], [IDENTITY])


@given(st.binary(max_size=300))
def test_foreign_bytes_fail_only_in_our_own_way(foreign: bytes) -> None:
    for data in (foreign, b"age-encryption.org/v1\n-> " + foreign, b"age-encryption.org/v1\n-> X25519 " + foreign):
        with pytest.raises(SecretsyncError):
            parse(BytesIO(data).readline)
    for data in (foreign, armor.BEGIN + b"\n" + foreign + armor.END):
        with pytest.raises(SecretsyncError):
            age.decrypt(data, [IDENTITY], armored=True)


@given(st.binary(max_size=1000))
def test_armor_comes_back(raw: bytes) -> None:
    text = armor.encode(raw)
    assert armor.decode(text) == raw
    assert all(len(line) <= 64 for line in text.splitlines())
    assert armor.decode(b" \n\t\n" + text.replace(b"\n", b"\r\n") + b"\n \n") == raw
