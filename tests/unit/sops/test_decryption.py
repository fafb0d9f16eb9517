"""Decryption of the golden file, and what it refuses."""

from __future__ import annotations

from base64 import b64encode

import pytest

from secretsync import sops
from secretsync.crypto.gcm import MOST_BY_HAND
from secretsync.documents import stores
from secretsync.documents.tree import Comment, Mapping, Scalar, Sequence, Source, Timestamp
from secretsync.errors import (
    AuthenticationTagError,
    CiphertextFormatError,
    MacMismatchError,
    MetadataError,
    SecretsyncError,
    TreeError,
)
from secretsync.secrecy import SecretBytes
from secretsync.sops import MacPolicy
from tests.unit.sops.golden import ENCRYPTED, FixedKeys
from tests.unit.sops.trees import encrypt


def load(text: str) -> Source:
    return stores.store_named("yaml").load(text.encode())


def decrypt(text: str, policy: MacPolicy = MacPolicy.VERIFY) -> Mapping:
    return sops.decrypt(load(text), FixedKeys(), mac_policy=policy).documents[0]


def value(document: Mapping, key: str) -> object:
    node = document.get(key)
    assert isinstance(node, Scalar)
    return node.value


def test_every_type_of_the_golden_file_comes_back() -> None:
    document = decrypt(ENCRYPTED)
    found = {key: value(document, key) for key in ("s", "i", "f", "t", "d", "n", "e", "u_unencrypted")}
    expected = {"s": "hello", "i": 42, "f": 3.5, "t": True, "n": None, "e": "", "u_unencrypted": 7}
    assert found == {**expected, "d": Timestamp("2024-01-01T00:00:00Z")}
    assert document.get("sops") is None


def test_comments_of_the_golden_file_come_back() -> None:
    document = decrypt(ENCRYPTED)
    inner = document.get("m")
    assert isinstance(inner, Mapping)
    first, nested = document.items[0], inner.items[0]
    assert isinstance(first, Comment)
    assert isinstance(nested, Comment)
    assert (first.text, nested.text) == (" note", " why")


def test_list_items_share_their_path() -> None:
    inner = decrypt(ENCRYPTED).get("m")
    assert isinstance(inner, Mapping)
    items = inner.get("l")
    assert isinstance(items, Sequence)
    assert [item.value for item in items.items if isinstance(item, Scalar)] == ["x", "x", 1]


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("data:CflO3CQ=", "data:CflO3CU=", AuthenticationTagError),
        ("iv:M6EmYo5f", "iv:M6EmYo5g", AuthenticationTagError),
        ("tag:pZPt9arH", "tag:pZPt9arI", AuthenticationTagError),
        ("\ns: ENC", "\nS: ENC", AuthenticationTagError),
        ("type:str]\ni", "type:string]\ni", CiphertextFormatError),
        ("s: ENC[AES256_GCM", "s: ENC[AES128_GCM", CiphertextFormatError),
        ("data:CflO3CQ=", "data:CflO3CQ", CiphertextFormatError),
        ("t: ENC[", "t2: 5\nt: ENC[", CiphertextFormatError),
        ("t: ENC[", "t2: plain\nt: ENC[", CiphertextFormatError),
        ("u_unencrypted: 7", "u_unencrypted: 8", MacMismatchError),
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:06Z", MacMismatchError),
        ("2026-01-02T03:04:05Z", "2026-01-02T04:04:05+01:00", MacMismatchError),
        ("mac: ENC[", "mac: ENX[", MacMismatchError),
        ("    mac: ", "    mack: ", MacMismatchError),
        ("version: 3.13.2", "version: three", MetadataError),
        ("version: 3.13.2", "encrypted_regex: x", MetadataError),
        ("    age:", "    aged:", MetadataError),
        ('"n": null', "1: null", TreeError),
    ],
)
def test_a_changed_file_is_refused(old: str, new: str, error: type[SecretsyncError]) -> None:
    assert old in ENCRYPTED
    with pytest.raises(error):
        decrypt(ENCRYPTED.replace(old, new))


@pytest.mark.parametrize("spelling", ["2026-01-02T03:04:05+00:00", "2026-01-02T03:04:05.5Z"])
def test_lastmodified_is_read_as_an_instant_in_whole_seconds(spelling: str) -> None:
    assert value(decrypt(ENCRYPTED.replace("2026-01-02T03:04:05Z", spelling)), "s") == "hello"


def test_a_wrong_mac_can_be_ignored_by_name() -> None:
    document = decrypt(ENCRYPTED.replace("u_unencrypted: 7", "u_unencrypted: 8"), MacPolicy.IGNORE_UNSAFE)
    assert value(document, "u_unencrypted") == 8


def test_errors_say_where() -> None:
    with pytest.raises(AuthenticationTagError) as caught:
        decrypt(ENCRYPTED.replace("data:Ng==", "data:Nw=="))
    assert caught.value.location == "#1 m.l[0]"


def test_field_names_match_in_any_case_and_junk_after_the_bracket_is_dropped() -> None:
    changed = ENCRYPTED.replace("    mac: ", "    MAC: ").replace("type:str]\ni", "type:str] junk\ni")
    assert value(decrypt(changed), "s") == "hello"


def reread(text: str, keys: FixedKeys) -> sops.Decrypted:
    return sops.decrypt(load(text), keys)


def test_an_invalid_stored_pattern_matches_nothing_and_is_a_warning() -> None:
    keys = FixedKeys()
    text = encrypt("a: 1\n", "encrypted_regex", "^never$", keys=keys, allow_plaintext=True)
    found = reread(text.replace("^never$", "'(?!x)'"), keys)
    assert [warning.split(" and ")[0] for warning in found.warnings] == [
        "the stored encrypted_regex '(?!x)' is not valid RE2"
    ]


def test_a_clear_comment_where_ciphertext_is_due_is_a_warning_with_its_place() -> None:
    keys = FixedKeys()
    text = encrypt("m:\n  k: v\n", keys=keys).replace("  k:", "  # open\n  # more\n  k:")
    found = reread(text, keys)
    assert found.warnings == ["#1 m: this and 1 other comments are not encrypted, although the selector covers it"]


def test_a_comment_of_another_file_stays_as_it_is_with_a_warning() -> None:
    foreign = encrypt("# other\na: 1\n", keys=FixedKeys(SecretBytes(bytes(32)))).splitlines()[0]
    keys = FixedKeys()
    found = reread(foreign + "\n" + encrypt("a: 1\n", keys=keys), keys)
    assert isinstance(found.documents[0].items[0], Comment)
    assert found.documents[0].items[0].text == foreign[1:]
    assert found.warnings == ["#1: a comment is encrypted, but not for this place; kept as it is"]


@pytest.mark.parametrize("before", ["m2:\n", "sops:\n"])
def test_a_comment_moved_near_by_still_decrypts(before: str) -> None:
    keys = FixedKeys()
    text = encrypt("m:\n  # note\n  k: v\nm2:\n  k: w\n", keys=keys)
    line = next(line for line in text.splitlines() if line.strip().startswith("#")) + "\n"
    rest = text.replace(line, "")
    place = rest.index(before)
    assert not reread(rest[:place] + line + rest[place:], keys).warnings


def test_a_map_value_labelled_a_comment_is_refused_by_the_mac() -> None:
    keys = FixedKeys()
    text = encrypt("a: text\n", keys=keys)
    with pytest.raises(MacMismatchError):
        sops.decrypt(load(text.replace("type:str", "type:comment", 1)), keys)
    ignored = sops.decrypt(load(text.replace("type:str", "type:comment", 1)), keys, mac_policy=MacPolicy.IGNORE_UNSAFE)
    assert value(ignored.documents[0], "a") == "text"


def test_a_large_value_under_an_iv_that_sops_never_writes_is_refused() -> None:
    """It would have to be computed by hand, and anybody may write one: not even the tag is looked at."""
    large = b64encode(bytes(MOST_BY_HAND)).decode()
    odd = f"ENC[AES256_GCM,data:{large},iv:AAAA,tag:AAAAAAAAAAAAAAAAAAAAAA==,type:str]"
    text = ENCRYPTED.replace("s: ENC[", f"odd: {odd}\ns: ENC[", 1)
    with pytest.raises(CiphertextFormatError, match="IV"):
        sops.decrypt(load(text), FixedKeys())
