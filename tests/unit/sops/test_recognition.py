"""Which files are SOPS files: every form of every store, and the neighbours that only speak of it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from secretsync.documents.stores import STORES, store_for_path, store_named
from secretsync.sops.recognition import (
    MARKS,
    carried_store,
    ciphertexts,
    may_be_encrypted,
    mentions,
    spellings,
    store_of,
    store_of_content,
)

VECTORS = Path(__file__).parents[2] / "vectors" / "sops"

VALUE = "ENC[AES256_GCM,data:eA==,iv:AAAA,tag:AAAA,type:str]"
YAML = f"a: {VALUE}\nsops:\n    age: []\n    mac: {VALUE}\n"
JSON = json.dumps({"a": VALUE, "sops": {"age": [], "mac": VALUE}}, indent=2)
BINARY = json.dumps({"data": VALUE, "sops": {"age": [], "mac": VALUE}}, indent="\t")
DOTENV = f"A={VALUE}\nsops_mac={VALUE}\nsops_version=3.13.3\n"
INI = f"[one]\na = {VALUE}\n\n[sops]\nmac     = {VALUE}\nversion = 3.13.3\n"
TEXTS = {"yaml": YAML, "json": JSON, "binary": BINARY, "dotenv": DOTENV, "ini": INI}
NAMES = {"yaml": "a.yaml", "json": "a.json", "binary": "a.p12", "dotenv": "a.env", "ini": "a.ini"}

README = f"""# Secrets

An encrypted file looks so:

```yaml
{YAML}```

```ini
{INI}```
"""


def _escaped(text: str, word: str) -> str:
    return text.replace(word, "".join(f"\\u{ord(char):04x}" for char in word))


@pytest.mark.parametrize("store", TEXTS)
def test_a_file_is_known_by_its_name_and_its_marks(store: str) -> None:
    data = TEXTS[store].encode()
    assert may_be_encrypted(data, store)
    assert store_of(NAMES[store], data) == store


@pytest.mark.parametrize("name", ["secrets", "secrets.enc", "dir.d/secrets.txt", "a.conf", ".env.prod", "a.YAML"])
@pytest.mark.parametrize("store", TEXTS)
def test_content_tells_where_the_name_does_not(name: str, store: str) -> None:
    assert store_of(name, TEXTS[store].encode()) == store


FORMS = {
    "UTF-16, as PowerShell writes it": YAML.encode("utf-16"),
    "big-endian UTF-16": b"\xfe\xff" + YAML.encode("utf-16-be"),
    "a byte order mark": b"\xef\xbb\xbf" + YAML.encode(),
    "an escaped word": _escaped(JSON, "sops").encode(),
    "an escaped mark": _escaped(JSON, "ENC[AES256_GCM").encode(),
    "one escaped letter": JSON.replace('"sops"', '"\\u0073ops"').encode(),
    "YAML's short escapes": YAML.replace("sops:", '"\\x73op\\U00000073":').encode(),
    "quotes": YAML.replace("sops:", "'sops':").replace("mac:", '"mac":').encode(),
    "blanks before the colon": YAML.replace("sops:", "sops :").encode(),
    "one line of JSON": json.dumps(json.loads(JSON), separators=(",", ":")).encode(),
    "much space": json.dumps(json.loads(JSON), separators=("\n , ", "\n  : \r\n ")).encode(),
    "flow style": f"{{a: '{VALUE}', sops: {{mac: '{VALUE}'}}}}".encode(),
    "escapes in UTF-16": YAML.replace("sops:", '"\\x73ops":').encode("utf-16"),
    "CRLF": YAML.replace("\n", "\r\n").encode(),
    "several documents": (YAML + "---\n" + YAML).encode(),
    "nothing in it but the MAC": f"a: ''\nsops:\n  mac: {VALUE}\n".encode(),
}


@pytest.mark.parametrize("form", FORMS)
def test_no_spelling_hides_a_file(form: str) -> None:
    assert may_be_encrypted(FORMS[form], "yaml")
    assert store_of("a.yaml", FORMS[form]) == "yaml"
    assert store_of("secrets.txt", FORMS[form]) in {"yaml", "json"}


NEIGHBOURS = {
    "README.md": README,
    "docs/sops.txt": f"`sops` writes {VALUE} for each value.\n",
    "test_files.py": f"TEXT = '''\n{YAML}'''\n",
    "flake.lock": '{"nodes": {"sops": {"locked": {"rev": "1"}}}, "version": 7}',
    "policy.yaml": "apiVersion: v1\nsops:\n  destination_rules: []\n",
    "values.yaml": "sops:\n  enabled: true\n",
    "values.json": '{"sops": {}}',
    ".env": "SOPS_AGE_KEY_FILE=keys.txt\nNOTE=sops\n",
    "settings.ini": "[tools]\nsops = 3.13.3\n",
    "quoted.ini": f"[tools]\nsops = {VALUE}\n",
    "quoted.json": json.dumps({"cases": [YAML, json.loads(JSON)]}),
    "nested.yaml": "cases:\n  - " + YAML.replace("\n", "\n    ").strip() + "\n",
    "block.yaml": "text: |\n  " + YAML.replace("\n", "\n  ").strip() + "\n",
    "commented.ini": f"# [sops]\n[a]\nb = {VALUE}\n",
    "quoted.env": f"NOTE=sops {VALUE}\n",
    "_helpers.tpl": '{{- define "sops" }}\n' + JSON + "\n{{- end }}\n",
    "empty": "",
    "binary": "\0\1\2sops",
}


@pytest.mark.parametrize("name", NEIGHBOURS)
def test_a_file_that_only_speaks_of_sops_is_none(name: str) -> None:
    assert store_of(name, NEIGHBOURS[name].encode()) is None


def test_json_that_quotes_a_file_is_none_where_its_name_says_nothing() -> None:
    assert store_of("cases.lock", json.dumps({"cases": [YAML]}).encode()) is None
    assert store_of("cases.jsonc", json.dumps({"cases": [JSON]}).encode() + b"// as sops writes it") is None
    assert store_of("deep.txt", json.dumps({"cases": [json.loads(JSON)]}).encode()) is None


@pytest.mark.parametrize("store", TEXTS)
def test_what_is_damaged_is_still_recognised_by_its_name(store: str) -> None:
    data = TEXTS[store].encode()
    assert store_of(NAMES[store], data[:-3]) == store
    assert store_of("a.yaml", YAML.replace("a:", "a: [").encode()) == "yaml"


DAMAGED = {
    "a.yaml": "a: clear\nsops:\n  age: []\n  lastmodified: '2026-01-01T00:00:00Z'\n  mac: ''\n",
    "a.json": '{"a": "clear", "sops": {"lastmodified": "", "mac": null}}',
    "a.env": "A=clear\nsops_mac=nothing\n",
    "a.ini": "[sops]\nlastmodified = 1\nmac =\n",
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_block_without_ciphertext_is_still_a_block(name: str) -> None:
    assert store_of(name, DAMAGED[name].encode()) is not None


def test_json_that_is_damaged_is_told_as_binary_whatever_its_name() -> None:
    assert store_of("a.p12", BINARY.encode()[:-9]) == "binary"


def test_every_file_of_the_real_sops_is_recognised_by_name_and_by_content() -> None:
    found = sorted(path for path in VECTORS.rglob("encrypted.*") if "failures" not in path.parts)
    assert len(found) > 150
    for path in found:
        data, store = path.read_bytes(), store_for_path(path.name)
        assert may_be_encrypted(data, store), path
        assert store_of(path.name, data) == store, path


def test_no_plain_file_of_the_vectors_is_taken_for_one() -> None:
    for path in sorted(VECTORS.rglob("plain.*")):
        assert store_of("secrets.enc", path.read_bytes()) is None, path


CARRIED = {
    '{"mac" : \n"ENC[x"}': "json",
    "x: 1\n  mac: ENC[x\n": "yaml",
    '\t"mac":\'ENC[x': "yaml",
    'mac:   "ENC[x': "yaml",
    "A=b\nsops_mac=ENC[x\n": "dotenv",
    "[sops]\nmac \t= \tENC[x": "ini",
    "mac : ENC[x": None,
    " sops_mac=ENC[x": None,
    " mac = ENC[x": None,
    "hmac: ENC[x": None,
    '"mac": ENC[x "mac"': "yaml",
    "": None,
}


@pytest.mark.parametrize("text", CARRIED)
def test_a_value_of_a_secret_is_told_by_its_mac(text: str) -> None:
    assert carried_store(text.encode()) == CARRIED[text]


def test_ciphertexts_are_found_as_a_pattern_would() -> None:
    data = f"a: {VALUE}\nb: {VALUE[:-1]}, {VALUE} ENC[AES256_GCM,]] ENC[AES256_GCM,x".encode()
    assert ciphertexts(data) == set(re.findall(rb"ENC\[AES256_GCM,[^\]]*\]", data))


def test_words_are_found_behind_utf_16_and_escapes() -> None:
    assert mentions("kind: Secret".encode("utf-16"), b"Secret")
    assert mentions(b'kind: "\\x53ecret"', b"Secret")
    assert not mentions(b"kind: ConfigMap", b"Secret")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be"])
def test_the_marks_stand_in_files_of_every_encoding(encoding: str) -> None:
    assert any(mark in f"a: {VALUE}".encode(encoding) for mark in MARKS)


def test_the_marks_of_flux_are_its_own() -> None:
    assert {name: mark for name in STORES if (mark := store_named(name).MAC_MARK)} == {
        "dotenv": b"sops_mac=ENC[", "ini": b"[sops]", "json": b'"mac": "ENC[', "yaml": b"mac: ENC[",
    }  # fmt: skip


def test_content_of_another_store_than_its_name_is_told_by_its_content() -> None:
    assert store_of_content(DOTENV.encode()) == "dotenv"
    assert store_of("a.yaml", README.encode()) == "yaml"


@pytest.mark.parametrize(
    "escaped", [b"EN\\\n    C[x", b"EN\\\r\n\tC[x", b"\\x45NC[x", b"\\u0045NC[x", b"\\U00000045NC[x"]
)
def test_words_are_found_behind_every_escape_that_can_hide_one(escaped: bytes) -> None:
    assert mentions(b'a: "%s"' % escaped, b"nothing", b"ENC[x")
    for encoding in ("utf-16-le", "utf-16-be"):
        pieces = spellings(f'a: "{escaped.decode()}"'.encode(encoding))
        assert any(b"ENC[x" in piece for piece in pieces), "in the middle of a file, too"


def test_a_slash_of_json_may_have_a_backslash() -> None:
    assert mentions(rb'{"arn": "arn:aws:kms:x:1:key\/abc"}', b"key/abc")


def test_what_is_no_escape_stays_as_it_is() -> None:
    assert list(spellings(b"a: b\\n\n")) == [b"a: b\\n\n"]
    assert not mentions(rb"a: \\u0045NC[x", b"ENC[x")
