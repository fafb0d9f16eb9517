"""Our HMAC and HKDF agree with the standard library and pyca."""

from __future__ import annotations

import hashlib
import hmac

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from secretsync.crypto import digests


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_digests_are_those_of_the_standard_library(key: bytes, message: bytes) -> None:
    assert digests.hmac_sha256(key, message) == hmac.digest(key, message, "sha256")
    assert digests.sha256(message).digest() == hashlib.sha256(message).digest()
    assert digests.sha512(message).digest() == hashlib.sha512(message).digest()


@given(st.binary(min_size=1, max_size=80), st.binary(max_size=80), st.binary(max_size=80), st.integers(1, 100))
def test_keys_are_derived_as_pyca_derives_them(key: bytes, salt: bytes, info: bytes, length: int) -> None:
    assert digests.hkdf_sha256(key, salt=salt, info=info, length=length) == _pyca(key, salt, info, length)


def _pyca(key: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt, info).derive(key)


def test_comparison_tells_equal_from_different() -> None:
    assert digests.compare_digest(b"a", b"a")
    assert not digests.compare_digest(b"a", b"b")
