"""SOPS files carried in the `data` of a Secret, as Flux decrypts them."""

from __future__ import annotations

from base64 import b64decode, b64encode

import pytest
import yaml

from secretsync.errors import CiphertextFormatError, IntegrityError
from tests.unit.render.workshop import CANARY, certificate, encrypted, rendered, stream

JSON = '{\n\t"password": "' + CANARY + '"\n}\n'
YAML = f"password: {CANARY}\n"
ENV = f"PASSWORD={CANARY}\n"
INI = f"[db]\npassword = {CANARY}\n"


def carrier(**values: bytes) -> str:
    lines = [f"  {name.replace('__', '.')}: {b64encode(value).decode()}\n" for name, value in values.items()]
    return "apiVersion: v1\nkind: Secret\nmetadata: {name: c, namespace: prod}\ndata:\n" + "".join(lines)


def data_of(text: str) -> dict[str, bytes]:
    return {key: b64decode(value) for key, value in yaml.safe_load(text)["data"].items()}


@pytest.mark.parametrize(
    ("name", "store", "plain"),
    [
        ("a__yaml", "yaml", YAML),
        ("a__json", "json", JSON),
        ("__dockerconfigjson", "json", JSON),
        ("a__env", "dotenv", ENV),
        ("a__ini", "ini", INI),
        ("certificate", "binary", "\x00\x01" + CANARY),
        ("nosuffix", "yaml", YAML),
    ],
)
def test_a_carried_file_becomes_what_sops_decrypt_prints(name: str, store: str, plain: str) -> None:
    inner = encrypted(plain, None, store=store)
    result = stream(carrier(**{name: inner, "other": b"untouched"}))
    found = data_of(result)
    assert found == {name.replace("__", "."): found.get(name.replace("__", ".")), "other": b"untouched"}
    assert found[name.replace("__", ".")].replace(b" = ", b"=").split() == plain.replace(" = ", "=").encode().split()


def test_everything_around_a_carried_file_stays() -> None:
    text = carrier(a__yaml=encrypted(YAML, None)).replace("metadata: {", "metadata:   {") + "# end\n"
    lines = stream(text).splitlines()
    assert [old for old, new in zip(text.splitlines(), lines, strict=True) if old != new] == [text.splitlines()[4]]


def test_a_carried_file_is_sealed_without_a_seal_key(tmp_path: object) -> None:
    text = carrier(a__yaml=encrypted(YAML, None))
    result = stream(text, mode="seal", cert_file=certificate(tmp_path))  # type: ignore[arg-type]
    assert "SealedSecret" in result
    assert result == stream(text, mode="seal", cert_file=certificate(tmp_path))  # type: ignore[arg-type]


def test_a_carried_file_is_redacted_under_its_own_key() -> None:
    found = data_of(stream(carrier(a__yaml=encrypted(YAML, None), other=b"plain"), mode="redact"))
    assert len(found["a.yaml"]) == 16
    assert found["other"] == b"***"


def test_a_carried_file_that_does_not_verify_is_named() -> None:
    inner = encrypted(YAML + "clear_unencrypted: 1\n", "^password$").replace(
        b"clear_unencrypted: 1", b"clear_unencrypted: 2"
    )
    with pytest.raises(IntegrityError, match=r"^0\.yaml data\.a\.yaml") as caught:
        rendered(carrier(a__yaml=inner))
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("value", [b"[sops]\nreadme about sops\n", b"mac: none", b"ENC[AES256_GCM,", b"\xff\xfe"])
def test_bytes_that_only_look_like_sops_stay(value: bytes) -> None:
    text = carrier(a__yaml=value)
    assert stream(text) == text


@pytest.mark.parametrize("field", ["data", "stringData"])
def test_ciphertext_without_a_block_is_refused(field: str) -> None:
    text = (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n"
        + field
        + ":\n  p: ENC[AES256_GCM,data:AA==,iv:AA==,tag:AA==,type:str]\n"
    )
    with pytest.raises(CiphertextFormatError, match=rf"^0\.yaml {field}\.p: "):
        rendered(text)
