"""Sealed items: what goes in comes out, and any changed bit of item or label is refused."""

from __future__ import annotations

import base64
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st

from secretsync.crypto import oaep
from secretsync.errors import SecretsyncError
from secretsync.manifests.reading import read
from secretsync.manifests.secret import decode_base64
from secretsync.sealed import SealingCertificate, SealKey, items, privatekeys, seal, unseal
from secretsync.sealed.output import dump
from secretsync.secrecy import SecretBytes
from tests.unit.sealed.keys import NOW, certificate, key_file, private_keys

labels = st.binary(max_size=80)
keys = st.from_regex(r"[-._a-zA-Z0-9]{1,30}", fullmatch=True).filter(
    lambda key: not key.startswith("..") and key != "."
)
names = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?", fullmatch=True)
scopes = st.sampled_from(["strict", "namespace-wide", "cluster-wide"])


@given(value=st.binary(max_size=200), label=labels, bit=st.integers(0), random=st.booleans())
def test_an_item_opens_under_its_label_and_no_changed_bit_does(
    value: bytes, label: bytes, bit: int, random: bool
) -> None:
    if random:
        text = items.seal(value, certificate(), label)
    else:
        text = items.seal_derived(value, certificate(), label, session_key=bytes(range(32)), seed=bytes(range(32)))
    item = base64.b64decode(text)
    assert items.unseal(item, private_keys(), label) == value
    assert items.unseal(item, private_keys(), label + b"/") is None
    place = bit % (len(item) * 8)
    changed = bytearray(item)
    changed[place // 8] ^= 1 << place % 8
    assert items.unseal(bytes(changed), private_keys(), label) is None
    assert items.unseal(item[:-1], private_keys(), label) is None


@given(message=st.binary(max_size=190), label=labels, seed=st.binary(min_size=32, max_size=32))
def test_oaep_with_a_seed_decrypts_in_openssl(message: bytes, label: bytes, seed: bytes) -> None:
    (key,) = private_keys()
    cert = certificate()
    wrapped = oaep.encrypt(message, label=label, seed=seed, modulus=cert.modulus, exponent=cert.exponent)
    assert len(wrapped) == cert.size
    padding = OAEP(mgf=MGF1(SHA256()), algorithm=SHA256(), label=label)
    assert key._key._key.decrypt(wrapped, padding) == message


@given(
    values=st.dictionaries(keys, st.binary(max_size=60), min_size=1, max_size=5),
    name=names,
    namespace=names,
    scope=scopes,
    labels=st.dictionaries(names, st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20), max_size=3),
    data_key=st.none() | st.binary(min_size=32, max_size=32),
    form=st.sampled_from(["yaml", "json"]),
)
def test_a_secret_survives_sealing_writing_reading_and_unsealing(
    values: dict[str, bytes],
    name: str,
    namespace: str,
    scope: str,
    labels: dict[str, str],
    data_key: bytes | None,
    form: Any,
) -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "data": {key: base64.b64encode(value).decode() for key, value in values.items()},
    }
    seal_key = None if data_key is None else SealKey.from_data_key(SecretBytes(data_key))
    sealed = seal(secret, certificate(), scope=scope, seal_key=seal_key)
    ((_, back),) = read(dump([sealed], form))
    assert back == sealed
    opened: Any = unseal(back, private_keys())
    assert opened["data"] == secret["data"]
    assert opened["metadata"].get("labels", {}) == labels
    if seal_key:
        assert seal(secret, certificate(), scope=scope, seal_key=seal_key) == sealed


@given(place=st.integers(0, 1500), byte=st.integers(0, 255), cut=st.booleans())
def test_a_damaged_certificate_or_key_ends_in_an_error_of_ours_or_not_at_all(place: int, byte: int, cut: bool) -> None:
    for name, load in (
        ("rsa2048.crt", lambda data: SealingCertificate.load(data, now=NOW)),
        ("rsa2048.key", privatekeys.load),
    ):
        data = key_file(name)
        at = place % len(data)
        damaged = data[:at] if cut else data[:at] + bytes([byte]) + data[at + 1 :]
        try:
            load(damaged)
        except SecretsyncError:
            continue


@given(text=st.text(max_size=60))
def test_base64_is_decoded_strictly_or_refused(text: str) -> None:
    try:
        decoded = decode_base64(text)
    except SecretsyncError:
        return
    assert len(base64.b64encode(decoded)) == len(text.replace("\r", "").replace("\n", ""))
