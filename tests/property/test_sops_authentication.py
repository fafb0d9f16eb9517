"""What SOPS authenticates cannot change unnoticed; what it does not is docs/reference/authenticated.md, line by line."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secretsync import sops
from secretsync.errors import IntegrityError, SecretsyncError
from secretsync.sops.timestamps import timestamp
from tests.unit.sops.golden import FixedKeys
from tests.unit.sops.trees import NOW, encrypt, load, outline

PLAIN = """\
# note
text: some words
number: 42
float: 1.5
flag: true
time: 2024-01-01T00:00:00Z
nested:
  key: value
  list:
  - one
  - inner: two
open_unencrypted:
  text: clear
  number: 7
  flag: true
"""
KEYS = FixedKeys()
FILE = encrypt(PLAIN, keys=KEYS)
OTHER_KEYS = FixedKeys()
ONLY_ENCRYPTED = encrypt(PLAIN, keys=OTHER_KEYS, mac_only=True)
BODY = FILE[: FILE.index("sops:")]
LEAVES = [line for line in BODY.splitlines() if "ENC[" in line and "type:comment" not in line]
MAC = next(line for line in FILE.splitlines() if line.strip().startswith("mac:"))
DOCUMENT = Path(__file__).parents[2] / "docs/reference/authenticated.md"


def decrypted(text: str, keys: FixedKeys = KEYS) -> object:
    return outline(sops.decrypt(load(text), keys).documents[0])


def flipped(line: str, part: str, bit: int) -> str:
    """Return a line with one bit of its decoded data, iv or tag turned."""
    match = re.search(rf"{part}:([^,]+)", line)
    assert match is not None
    raw = bytearray(b64decode(match[1]))
    bit %= len(raw) * 8
    raw[bit // 8] ^= 1 << (bit % 8)
    return line.replace(match[1], b64encode(bytes(raw)).decode(), 1)


PARTS = st.sampled_from(["data", "iv", "tag"])
BITS = st.integers(0, 10_000)


@given(line=st.sampled_from([*LEAVES, MAC]), part=PARTS, bit=BITS)
def test_any_changed_bit_of_a_leaf_or_of_the_mac_is_refused(line: str, part: str, bit: int) -> None:
    with pytest.raises(IntegrityError):
        decrypted(FILE.replace(line, flipped(line, part, bit), 1))


@given(line=st.sampled_from(LEAVES), letter=st.sampled_from("XYZ_0"), place=st.integers(0, 20))
def test_a_changed_key_on_an_encrypted_path_is_refused(line: str, letter: str, place: int) -> None:
    key = line.split(":", maxsplit=1)[0].strip("- ")
    place %= len(key) + 1
    renamed = f"{key[:place]}{letter}{key[place:]}"
    if "ENC" in key:
        return
    with pytest.raises(IntegrityError):
        decrypted(FILE.replace(f"{key}: ENC", f"{renamed}: ENC", 1))


@pytest.mark.parametrize("key", ["nested", "list"])
def test_a_changed_key_above_an_encrypted_leaf_is_refused(key: str) -> None:
    with pytest.raises(IntegrityError):
        decrypted(FILE.replace(f"{key}:\n", f"{key}2:\n", 1))


@given(seconds=st.integers(-(10**9), 10**9).filter(bool))
def test_another_instant_of_lastmodified_is_refused(seconds: int) -> None:
    with pytest.raises(IntegrityError):
        decrypted(FILE.replace(timestamp(NOW), timestamp(NOW + timedelta(seconds=seconds)), 1))


@given(
    change=st.sampled_from(
        [
            ("text: clear", "text: clear2"),
            ("number: 7", "number: 8"),
            ("flag: true", "flag: false"),
            ("text: clear", "text: ''"),
        ]
    )
)
def test_changed_bytes_of_a_clear_leaf_are_refused(change: tuple[str, str]) -> None:
    assert change[0] in FILE
    with pytest.raises(IntegrityError):
        decrypted(FILE.replace(*change, 1))


@given(old=st.sampled_from(LEAVES), new=st.sampled_from(LEAVES))
def test_ciphertext_of_another_place_is_refused(old: str, new: str) -> None:
    if old == new:
        return
    here, there = (line[line.index("ENC[") :] for line in (old, new))
    with pytest.raises(IntegrityError):
        decrypted(FILE.replace(here, there, 1))


@given(line=st.sampled_from(LEAVES))
def test_a_removed_leaf_is_refused(line: str) -> None:
    with pytest.raises(SecretsyncError):
        decrypted(FILE.replace(line + "\n", "", 1))


# --- what is not authenticated: one test for each line of the document ---------------------------------------------

DECRYPTED = decrypted(FILE)

NOT_AUTHENTICATED = {
    "the type label of a value": ("type:int]", "type:str]"),
    "text behind the closing bracket of a value": ("type:int]", "type:int] more"),
    "the recipient's text": ("recipient: age1one", "recipient: age1other"),
    "the version": ("version: 3.13.3", "version: 3.9.0"),
    "unknown metadata fields": ("  version: 3.13.3", "  version: 3.13.3\n  note: anything"),
    "the spelling of metadata names": ("  version:", "  VERSION:"),
    "a selector that selects the same leaves": ("unencrypted_suffix: _unencrypted", "unencrypted_suffix: encrypted"),
    "the spelling of lastmodified": ('03:04:05Z"', '03:04:05.9+00:00"'),
    "the threshold of a file with one group": ("  version:", "  shamir_threshold: 5\n  version:"),
    "nulls": ("nested:\n", "added: null\nnested:\n"),
    "empty strings": ("nested:\n", 'added: ""\nnested:\n'),
    "empty mappings and lists": ("nested:\n", "added: {}\nmore: []\nnested:\n"),
    "clear comments": ("nested:\n", "# added_unencrypted\nnested:\n"),
    "the presence of encrypted comments": (BODY.splitlines()[0] + "\n", ""),
    "keys above clear leaves": ("  number: 7", "  another: 7"),
    "the type of a clear leaf whose bytes agree": ("number: 7", "number: '7'"),
    "the border between neighbouring clear leaves": ("  text: clear\n  number: 7", "  text: cle\n  number: ar7"),
    "formatting": ("nested:\n", "\n\nnested: # x_unencrypted\n"),
}


@pytest.mark.parametrize("name", NOT_AUTHENTICATED)
def test_what_sops_does_not_authenticate_changes_unnoticed(name: str) -> None:
    old, new = NOT_AUTHENTICATED[name]
    assert old in FILE
    decrypted(FILE.replace(old, new, 1))


def test_clear_leaves_under_mac_only_encrypted_change_unnoticed() -> None:
    assert "number: 7" in ONLY_ENCRYPTED
    decrypted(ONLY_ENCRYPTED.replace("number: 7", "number: 8", 1), OTHER_KEYS)


def test_the_block_of_later_documents_changes_unnoticed() -> None:
    keys = FixedKeys()
    text = encrypt("a: 1\n---\nb: 2\n", keys=keys)
    first, second = text.split("---\n")
    decrypted(first + "---\n" + re.sub("mac: .*", "mac: nonsense", second), keys)


def test_a_path_cut_into_other_keys_changes_unnoticed() -> None:
    keys = FixedKeys()
    text = encrypt("stringData:\n  password: a\n", keys=keys)
    old, new = "stringData:\n  password: ", "stringData:password: "
    assert old in text
    decrypted(text.replace(old, new, 1), keys)


def test_the_document_names_just_these() -> None:
    listed = set(re.findall(r"^- \*\*(.+?)\*\*", DOCUMENT.read_text("utf-8"), re.MULTILINE))
    others = {
        "clear leaves under `mac_only_encrypted`",
        "the block of document 2 and later ones",
        "how a path is cut into keys",
    }
    assert listed == {*NOT_AUTHENTICATED, *others}
