"""AES-GCM with the IV lengths that sops files hold."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from secretsync.crypto import gcm
from secretsync.crypto.gcm import MOST_BY_HAND, Gcm, OddIvError, WrongTagError

KEY = bytes(range(32))


@pytest.mark.parametrize("size", [8, 12, 16, 32, 128])
def test_opens_any_iv_that_pyca_makes(size: int) -> None:
    iv = bytes(size)
    assert Gcm(KEY).open(iv, AESGCM(KEY).encrypt(iv, b"text", b"a:"), b"a:") == b"text"


@pytest.mark.parametrize("size", [8, 13, 16, 32, 60])
@pytest.mark.parametrize("text", [b"", b"x", b"sixteen bytes ..", b"more than sixteen bytes of text"])
def test_own_computation_agrees_with_pyca(size: int, text: bytes) -> None:
    iv = bytes(range(size))
    assert Gcm(KEY)._open_odd(iv, AESGCM(KEY).encrypt(iv, text, b"a:b:"), b"a:b:") == text


@pytest.mark.parametrize(
    ("size", "sealed"),
    [
        (1, "cde751266e56211ffa4342b1b75058208d39e64a6c8e023614"),
        (7, "f63f3f6c27ee1dbe42ca41cfae1d52d4dac8b515f398fe0581"),
        (129, "0100c841312d7a2b3c6f1aaeceaac4433637c6298033649186"),
    ],
)
def test_opens_ivs_that_pyca_refuses(size: int, sealed: str) -> None:
    """Sealed by Go's crypto/cipher, NewGCMWithNonceSize."""
    iv = bytes(byte % 256 for byte in range(size))
    assert Gcm(KEY).open(iv, bytes.fromhex(sealed), b"a:") == b"some text"


@pytest.mark.parametrize("size", [0, 7, 32])
def test_a_wrong_tag_is_one_error_for_all(size: int) -> None:
    with pytest.raises(WrongTagError):
        Gcm(KEY).open(bytes(size), bytes(40), b"a:")


def test_less_than_a_tag_is_a_wrong_tag() -> None:
    with pytest.raises(WrongTagError):
        Gcm(KEY).open(bytes(7), b"short", b"a:")


def test_seals_under_a_fresh_iv_of_32_bytes() -> None:
    first, second = Gcm(KEY).seal(b"text", b"a:"), Gcm(KEY).seal(b"text", b"a:")
    assert first != second
    assert len(first[0]) == 32
    assert Gcm(KEY).open(*first, b"a:") == b"text"


def test_a_given_iv_gives_the_same_ciphertext() -> None:
    iv, sealed = Gcm(KEY).seal(b"text", b"a:")
    assert Gcm(KEY).seal(b"text", b"a:", reuse_iv=iv) == (iv, sealed)


@pytest.mark.parametrize("size", [7, 129])
def test_an_odd_iv_opens_up_to_a_limit(size: int) -> None:
    with pytest.raises(WrongTagError):
        Gcm(KEY).open(bytes(size), bytes(MOST_BY_HAND - size - 2), b"a:")
    with pytest.raises(OddIvError):
        Gcm(KEY).open(bytes(size), bytes(MOST_BY_HAND - size - 1), b"a:")


@pytest.mark.parametrize("blocks_before", [0, 1, 2])
def test_the_counter_of_an_odd_iv_starts_anew_and_carries_nothing(
    blocks_before: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = (7 << 32) | (0xFFFFFFFF - blocks_before)
    aes = Cipher(algorithms.AES(KEY), modes.ECB()).encryptor()  # block by block, as the standard has it
    counters = [(7 << 32) | ((start + 1 + block) & 0xFFFFFFFF) for block in range(4)]
    sealed = b"".join(aes.update(counter.to_bytes(16)) for counter in counters)
    tag = aes.update(start.to_bytes(16))
    hashes = iter([start, 0])
    monkeypatch.setattr(gcm, "_ghash", lambda _tables, _data: next(hashes))
    assert Gcm(KEY).open(b"7 bytes", sealed + tag, b"") == bytes(64)
