"""Ciphertext that nothing decrypted never leaves as if it were the value."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from secretsync.errors import CiphertextFormatError
from secretsync.rendering.ciphertext import is_ciphertext
from secretsync.rendering.objects import may_show_ciphertext
from tests.unit.render.workshop import CONFIG, certificate, encrypted, rendered, stream

VALUE = "ENC[AES256_GCM,data:AAAA,iv:AAAA,tag:AAAA,type:str]"
SPELLINGS = [VALUE, f"  {VALUE}\n", f'"{VALUE}"', f"' {VALUE} '", f'\t"{VALUE}"\n\n']
MENTIONS = [f"values look like {VALUE}", f"{VALUE} and more", f"{VALUE}{VALUE}", "ENC[AES256_GCM,data:AAAA", "ENC[", f"password: {VALUE}", f"[{VALUE}]"]  # fmt: skip


def base64_of(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def objects(leaf: str) -> list[dict[str, Any]]:
    return [
        {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "c"}, "data": {"p": leaf}},
        {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "c"}, "stringData": {"p": leaf}},
        {"kind": "Deployment", "apiVersion": "apps/v1", "metadata": {"name": "c"}, "spec": {"env": [{"value": leaf}]}},
        {
            "kind": "List",
            "apiVersion": "v1",
            "items": [{"kind": "Basket", "apiVersion": "x/v1", "spec": {"a": [leaf]}}],
        },
    ]


@pytest.mark.parametrize("leaf", [*SPELLINGS, *map(base64_of, SPELLINGS)])
@pytest.mark.parametrize("mode", ["reveal", "redact", "seal"])
def test_a_leaf_that_is_ciphertext_is_refused_wherever_it_stands(leaf: str, mode: str) -> None:
    for obj in objects(leaf):
        with pytest.raises(CiphertextFormatError) as caught:
            stream(json.dumps(obj), mode=mode)
        assert "AAAA" not in str(caught.value)
        assert "--allow-ciphertext" in str(caught.value.hint)


@pytest.mark.parametrize("leaf", [*MENTIONS, *map(base64_of, MENTIONS)])
def test_a_leaf_that_mentions_ciphertext_passes(leaf: str) -> None:
    for obj in objects(leaf):
        text = json.dumps(obj)
        assert stream(text) == text


def test_the_place_is_named() -> None:
    item = f"{{apiVersion: v1, kind: ConfigMap, metadata: {{name: c, namespace: a}}, data: {{p: '{VALUE}'}}}}"
    with pytest.raises(CiphertextFormatError, match=r"^0\.yaml#2 items\[0\]\.data\.p: ConfigMap a/c: "):
        stream(f"{CONFIG}---\napiVersion: v1\nkind: List\nitems: [{item}]\n")


@pytest.mark.parametrize("allowed", [True, frozenset({"a/ConfigMap/c"})], ids=["all", "listed"])
def test_what_is_allowed_passes(allowed: object) -> None:
    text = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c, namespace: a}}\ndata: {{p: '{VALUE}'}}\n"
    assert stream(text, allow_ciphertext=allowed) == text


def test_what_is_listed_is_no_other_object() -> None:
    text = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: d, namespace: a}}\ndata: {{p: '{VALUE}'}}\n"
    with pytest.raises(CiphertextFormatError):
        stream(text, allow_ciphertext=frozenset({"a/ConfigMap/c"}))


@pytest.mark.parametrize("mode", ["reveal", "redact", "seal"])
def test_ciphertext_that_was_encrypted_once_more_is_refused(mode: str, tmp_path: Path) -> None:
    secret = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: c, namespace: a}}\nstringData: {{p: '{VALUE}'}}\n"
    with pytest.raises(CiphertextFormatError):
        rendered(encrypted(secret), mode=mode, cert_file=certificate(tmp_path))


@pytest.mark.parametrize("blanks", ["", " ", "  ", "   ", "\n"])
@pytest.mark.parametrize("quote", ["", "'", '"'])
def test_the_cheap_search_misses_no_ciphertext(blanks: str, quote: str) -> None:
    text = f"{blanks}{quote}{VALUE}{quote}"
    assert is_ciphertext(text)
    assert may_show_ciphertext(text.encode())
    assert may_show_ciphertext(base64.b64encode(text.encode()))
    assert may_show_ciphertext(rb'"\x45NC[AES256_GCM"')
    assert not may_show_ciphertext(CONFIG.encode())


def in_lines(width: int) -> str:
    text = base64_of(VALUE)
    return "".join(f"    {text[start : start + width]}\n" for start in range(0, len(text), width))


@pytest.mark.parametrize("mode", ["reveal", "redact", "seal"])
@pytest.mark.parametrize(
    "leaf",
    [
        "|\n" + in_lines(1),
        "|\n" + in_lines(3),
        "|\n" + in_lines(76),
        '"' + r"\n".join(base64_of(VALUE)) + '"',
        '"' + r"\r\n\t".join(base64_of(VALUE)) + '"',
        f'"EN\\\x85   {VALUE[2:]}"',
        f'"EN\\\u2028   {VALUE[2:]}"',
        f'"EN\\\n   {VALUE[2:]}"',
    ],
    ids=["letters", "threes", "lines", "escapes", "more escapes", "next line", "line separator", "line feed"],
)
def test_ciphertext_that_is_drawn_over_lines_is_refused(leaf: str, mode: str) -> None:
    with pytest.raises(CiphertextFormatError):
        stream(f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c}}\nbinaryData:\n  p: {leaf}\n", mode=mode)
