"""Redaction: the same shape, nothing of the secrets, equal values recognisable only under the data key."""

from __future__ import annotations

import re
from base64 import b64decode

import pytest
import yaml

from tests.unit.render.workshop import CANARY, CONFIG, SECRET, commented_list, encrypted, stream

WHOLE = f"""\
apiVersion: example.com/v1
kind: Settings
metadata: {{name: a}}
spec:
  number: 5
  truth: true
  nothing: null
  empty: ""
  list: [{CANARY}, {CANARY}-2]
  inner: {{text: {CANARY}}}
"""


def test_every_decrypted_value_becomes_64_bits_of_a_hash() -> None:
    before, after = yaml.safe_load(WHOLE), yaml.safe_load(stream(encrypted(WHOLE, "^spec$"), mode="redact"))
    assert after["kind"] == "Settings"
    assert list(after["spec"]) == list(before["spec"])
    assert after["spec"]["nothing"] is None
    assert after["spec"]["empty"] == ""
    digests = [after["spec"]["number"], after["spec"]["truth"], *after["spec"]["list"], after["spec"]["inner"]["text"]]
    assert all(re.fullmatch("[0-9a-f]{16}", digest) for digest in digests)
    assert len(set(digests)) == len(digests)


def test_clear_values_of_an_encrypted_file_stay() -> None:
    result = stream(encrypted(SECRET), mode="redact")
    assert "name: db" in result
    assert "hunter2" not in result


@pytest.mark.parametrize("flow", [False, True])
def test_encrypted_comments_among_the_items_of_a_list_are_hidden(flow: bool) -> None:
    result = stream(encrypted(commented_list(flow=flow), "^items$"), mode="redact")
    assert CANARY not in result
    assert re.findall(r"(?m)^ *# (\S+)$", result) == re.findall(r"# ([0-9a-f]{16})$", result, re.MULTILINE) != []
    assert f"# {CANARY}" in stream(encrypted(commented_list(flow=flow)), mode="redact")


def test_the_same_file_gives_the_same_digests_and_another_key_gives_others() -> None:
    data = encrypted(SECRET)
    assert stream(data, mode="redact") == stream(data, mode="redact")
    assert stream(data, mode="redact") != stream(encrypted(SECRET), mode="redact")


def test_values_of_data_stay_valid_base64() -> None:
    secret = SECRET.replace("stringData", "data").replace("hunter2", "aHVudGVyMg==").replace("admin", "YWRtaW4=")
    values = yaml.safe_load(stream(encrypted(secret), mode="redact"))["data"].values()
    assert all(re.fullmatch(b"[0-9a-f]{16}", b64decode(value, validate=True)) for value in values)


def test_decrypted_binary_data_of_a_config_map_stays_valid_base64() -> None:
    config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\nbinaryData:\n  a: AAEC\ndata:\n  b: x\n"
    shown = yaml.safe_load(stream(encrypted(config, "^binaryData$"), mode="redact"))
    assert re.fullmatch(b"[0-9a-f]{16}", b64decode(shown["binaryData"]["a"], validate=True))
    assert shown["data"] == {"b": "x"}


@pytest.mark.parametrize("version", ["v1", "example.com/v1"])
def test_a_secret_in_the_clear_shows_stars(version: str) -> None:
    secret = SECRET.replace("apiVersion: v1", f"apiVersion: {version}") + "data:\n  p: aHVudGVyMg==\n"
    shown = yaml.safe_load(stream(secret, mode="redact"))
    assert shown["stringData"] == {"password": "***", "user": "***"}
    assert b64decode(shown["data"]["p"]) == b"***"


def test_the_copy_that_kubectl_keeps_is_hidden() -> None:
    note = '  annotations:\n    kubectl.kubernetes.io/last-applied-configuration: |\n      {"p": "hunter2"}\n'
    assert "hunter2" not in stream(SECRET.replace("stringData:", note + "stringData:"), mode="redact")


def test_a_namespace_is_filled_in() -> None:
    secret = SECRET.replace("  namespace: prod\n", "")
    assert yaml.safe_load(stream(encrypted(secret), mode="redact", namespace="x"))["metadata"]["namespace"] == "x"


def test_what_is_no_secret_stays() -> None:
    assert stream(CONFIG, mode="redact") == CONFIG
