"""The 143 age vectors, four ways: decryption with the right class of failure, and three round trips."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from io import BytesIO

import pytest

from secretsync import age
from secretsync.age import armor, filekey, header, stream
from secretsync.errors import (
    AgeArmorError,
    AgeHeaderError,
    AgeHeaderMacError,
    AgePayloadError,
    NoIdentityMatchError,
    SecretsyncError,
)
from tests.vectors import age_vectors

FAILURES: dict[str, type[SecretsyncError]] = {
    "armor failure": AgeArmorError,
    "header failure": AgeHeaderError,
    "HMAC failure": AgeHeaderMacError,
    "no match": NoIdentityMatchError,
    "payload failure": AgePayloadError,
}


def vectors(wanted: Callable[[age_vectors.Vector], bool] = lambda _: True) -> pytest.MarkDecorator:
    """Parametrise with the names of the vectors that are `wanted`."""
    return pytest.mark.parametrize("name", [name for name in age_vectors.names() if wanted(age_vectors.load(name))])


def test_every_vector_of_the_collection_is_here() -> None:
    assert len(age_vectors.names()) == 143


@vectors()
def test_decrypting_gives_the_payload_or_the_right_failure(name: str) -> None:
    vector = age_vectors.load(name)
    if vector.expect == "success":
        plaintext = age.decrypt(vector.file, vector.identities, armored=vector.armored)
        assert sha256(plaintext).hexdigest() == vector.payload
        return
    with pytest.raises(SecretsyncError) as caught:
        age.decrypt(vector.file, vector.identities, armored=vector.armored)
    assert type(caught.value) is FAILURES[vector.expect]


@vectors(lambda vector: not vector.armored)
def test_decrypting_as_a_stream_gives_the_same_and_only_authentic_text(name: str) -> None:
    vector = age_vectors.load(name)
    released = b""
    failure = None
    try:
        for chunk in age.decrypt_stream(BytesIO(vector.file), vector.identities):
            released += chunk
    except SecretsyncError as error:
        failure = error
    assert type(failure) is FAILURES.get(vector.expect, type(None))
    if vector.payload is not None:
        assert sha256(released).hexdigest() == vector.payload


@vectors(lambda vector: vector.armored and vector.expect != "armor failure")
def test_the_armor_round_trips(name: str) -> None:
    vector = age_vectors.load(name)
    plain = vector.file.replace(b"\r\n", b"\n").strip() + b"\n"
    assert armor.encode(armor.decode(vector.file)) == plain


@vectors(lambda vector: not vector.armored and vector.expect != "header failure")
def test_the_header_round_trips(name: str) -> None:
    vector = age_vectors.load(name)
    source = BytesIO(vector.file)
    parsed = header.parse(source.readline)
    rebuilt = header.Header(parsed.stanzas, header.authenticated_part(parsed.stanzas), parsed.mac)
    assert rebuilt.encode() + source.read() == vector.file


@vectors(lambda vector: not vector.armored and vector.expect == "success")
def test_the_stream_round_trips(name: str) -> None:
    vector = age_vectors.load(name)
    source = BytesIO(vector.file)
    header.parse(source.readline)
    assert vector.file_key is not None
    key = filekey.payload_key(vector.file_key, source.read(filekey.NONCE_SIZE))
    payload = source.read()
    plaintext = stream.decrypt(key, payload)
    assert b"".join(stream.encrypt_chunks(key, BytesIO(plaintext).read)) == payload
