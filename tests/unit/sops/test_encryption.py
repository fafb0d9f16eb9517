"""Encryption: what is selected, what is refused, what the file looks like, and that it reads back."""

from __future__ import annotations

import re

import pytest

from secretsync import sops
from secretsync.crypto.gcm import Gcm
from secretsync.errors import (
    AlreadyEncryptedError,
    ConfigError,
    ConversionError,
    EmptyFileError,
    PlaintextError,
    SecretsyncError,
    TreeError,
)
from secretsync.sops import mac
from secretsync.sops.datakey import MasterKey
from secretsync.sops.encryption import Encryption
from secretsync.sops.selectors import Selector
from tests.unit.sops import golden
from tests.unit.sops.golden import FixedKeys
from tests.unit.sops.trees import NOW, ONE, decrypt, encrypt, load, outline, tree

CONFIDENTIAL = "secret"


def encrypted_paths(text: str, kind: str, pattern: str) -> set[str]:
    """Return which of the values `s_1`, `s_2`, … are encrypted."""
    output = encrypt(text, kind, pattern, allow_plaintext=True)
    return {word for word in text.replace("#", " ").split() if word.startswith("s_") and word not in output}


@pytest.mark.parametrize(
    ("only_encrypted", "expected"), [(False, golden.MAC_HEX), (True, golden.MAC_HEX_ONLY_ENCRYPTED)]
)
def test_the_mac_of_the_golden_file(only_encrypted: bool, expected: str) -> None:
    walk = Encryption(Selector.default(), Gcm(b"f" * 32), mac_only=only_encrypted)
    walk.documents([tree(golden.PLAIN)])
    assert mac.digest(walk.hashed) == expected


def test_the_golden_file_survives() -> None:
    keys = FixedKeys()
    output = encrypt(golden.PLAIN, keys=keys)
    assert "hello" not in output
    assert decrypt(output, keys) == [outline(tree(golden.PLAIN))]


def test_the_block_of_a_new_file_is_as_sops_writes_it() -> None:
    output = encrypt("a: 1\n", "encrypted_regex", "^a$", mac_only=True)
    block = output[output.index("sops:") :]
    assert block.split("mac:")[0] == (
        "sops:\n"
        "    age:\n"
        "        - enc: |\n"
        "            wrapped for age1one\n"
        "          recipient: age1one\n"
        "    encrypted_regex: ^a$\n"
        '    lastmodified: "2026-01-02T03:04:05Z"\n'
        "    "
    )
    assert block.endswith("type:str]\n    mac_only_encrypted: true\n    version: 3.13.3\n")


@pytest.mark.parametrize(
    ("kind", "pattern", "expected"),
    [
        ("unencrypted_suffix", "_x", {"s_1", "s_4", "s_5"}),
        ("encrypted_suffix", "_x", {"s_2", "s_3"}),
        ("unencrypted_regex", "^b", {"s_1", "s_4", "s_5"}),
        ("encrypted_regex", "^(c|d)$", {"s_3", "s_4", "s_5"}),
    ],
)
def test_key_selectors_look_at_every_key_of_the_path(kind: str, pattern: str, expected: set[str]) -> None:
    text = "a: s_1\nb_x:\n  k: s_2\n  c:\n    - s_3\nd:\n  - e: s_4\n  - s_5\n"
    assert encrypted_paths(text, kind, pattern) == expected


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("encrypted_comment_regex", {"s_2", "s_3", "s_6", "s_7"}),
        ("unencrypted_comment_regex", {"s_1", "s_4", "s_5", "s_8"}),
    ],
)
def test_comment_selectors_reach_the_next_item_and_all_below_it(kind: str, expected: set[str]) -> None:
    text = (
        "a: s_1\n# MARK\nb: s_2\n"
        "# MARK\nc:\n  d: s_3\n"
        "e: s_4\nl:\n  - s_5\n  # MARK\n  - s_6\n  # other\n  # MARK\n  - k: s_7\n  - s_8\n"
    )
    assert encrypted_paths(text, kind, "MARK") == expected


def test_a_comment_between_does_not_end_a_marked_item_in_a_list() -> None:
    """getsops/sops issue 2281: sops encrypts such a file and cannot decrypt it."""
    keys = FixedKeys()
    text = "l:\n  # MARK\n  # secret note\n  - x\n  - y\n"
    output = encrypt(text, "encrypted_comment_regex", "MARK", keys=keys)
    assert "secret note" not in output
    assert "# MARK" in output
    assert "- y" in output
    assert decrypt(output, keys) == [outline(tree(text))]


def test_comments_are_encrypted_for_the_container_they_are_read_in() -> None:
    keys = FixedKeys()
    text = "# at head\na: 1 # in line\nm: # of m\n  # in m\n  k: v\n  # foot of m\n# at foot\nl:\n- # x\n  a: 1\n# y\n- 2\n"
    output = encrypt(text, keys=keys)
    assert not any(word in output for word in ("at head", "in line", "of m", "in m", "at foot"))
    assert decrypt(output, keys) == [outline(tree(text))]


def test_comments_outside_of_what_is_selected_stay_readable() -> None:
    output = encrypt("# about\ndata:\n  # why so\n  k: v\n", "encrypted_regex", "^data$")
    assert "# about" in output
    assert "why so" not in output  # a space: no ciphertext can hold it


def test_an_encrypted_comment_must_not_match_the_pattern_that_keeps_clear() -> None:
    with pytest.raises(TreeError, match="also matches encrypted comments"):
        encrypt("# note\na: 1\n", "unencrypted_comment_regex", "ENC")


def test_null_and_empty_values_are_left_as_they_are() -> None:
    keys = FixedKeys()
    text = 'a: null\nb: ""\nc: {}\nd: []\ne: x\n'
    output = encrypt(text, keys=keys)
    assert output.startswith('a: null\nb: ""\nc: {}\nd: []\ne: ENC[')
    assert decrypt(output, keys) == [outline(tree(text))]


def test_every_other_byte_of_the_text_stays() -> None:
    text = "# kept_unencrypted\r\na_unencrypted:   'x'\r\n\r\nb:   {c_unencrypted: 1,  d_unencrypted: [2]}\r\n"
    output = encrypt(text, "encrypted_regex", "never", allow_plaintext=True)
    assert output.startswith(text)


def test_aliases_of_an_encrypted_anchor_are_expanded() -> None:
    keys = FixedKeys()
    text = "secret: &s\n  k: v\nopen_unencrypted: *s\nlist: [*s]\n"
    assert decrypt(encrypt(text, keys=keys), keys) == [outline(tree(text))]


def test_several_documents_share_one_block() -> None:
    keys = FixedKeys()
    output = encrypt("a: 1\n---\na: 2\n---\n{}\n", keys=keys)
    blocks = output.split("sops:")[1:]
    assert [block.split("---")[0].strip() for block in blocks] == [blocks[0].split("---")[0].strip()] * 3
    assert decrypt(output, keys) == [[("a", 1)], [("a", 2)], []]


def test_the_default_suffix_is_stored() -> None:
    assert "unencrypted_suffix: _unencrypted" in encrypt("a: 1\n")


@pytest.mark.parametrize(
    ("text", "error", "code"),
    [
        ("", EmptyFileError, 92),
        ("sops: 1\n", AlreadyEncryptedError, 203),
        ("a: 1\n---\nsops: 1\n", ConversionError, 4),
        ("1: a\n", TreeError, 23),
        ("a:\n  true: b\n", TreeError, 23),
        ("a_unencrypted:\n  2024-01-01: b\n", TreeError, 23),
        ("a: 9223372036854775808\n", TreeError, 23),
        ("a_unencrypted: 9223372036854775808\n", TreeError, 23),
    ],
)
def test_what_cannot_be_encrypted_is_refused(text: str, error: type[SecretsyncError], code: int) -> None:
    with pytest.raises(error) as caught:
        encrypt(text)
    assert caught.value.sops_exit_code == code


def test_a_refused_key_is_named_with_its_place() -> None:
    with pytest.raises(TreeError) as caught:
        encrypt("a:\n  l:\n    - 5: x\n")
    assert str(caught.value) == "#1 a.l[0]: the key 5 is not a string; only string keys are supported"


def test_a_selector_that_selects_nothing_is_refused() -> None:
    with pytest.raises(PlaintextError, match="selects nothing"):
        encrypt("a: 1\n", "encrypted_regex", "^nothing$")


def test_a_selector_that_selects_nothing_can_be_accepted() -> None:
    keys = FixedKeys()
    output = encrypt("a: 1\n", "encrypted_regex", "^nothing$", allow_plaintext=True, keys=keys)
    assert decrypt(output, keys) == [[("a", 1)]]


@pytest.mark.parametrize("text", ["{}\n", "a: null\n", 'a: ""\n'])
def test_nothing_to_select_is_no_mistake(text: str) -> None:
    assert "sops:" in encrypt(text, "encrypted_regex", "^nothing$")


def test_an_invalid_pattern_is_refused() -> None:
    with pytest.raises(ConfigError, match="RE2"):
        encrypt("a: 1\n", "encrypted_regex", "(?!x)")


@pytest.mark.parametrize(
    ("groups", "words"), [([], "no key groups"), ([[]], "empty key group"), ([*ONE, []], "empty key group")]
)
def test_a_file_without_keys_is_refused(groups: list[list[MasterKey]], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        sops.encrypt(load("a: 1\n"), groups=groups, keys=FixedKeys(), now=NOW)


def test_several_groups_get_a_share_each_and_the_threshold_is_stored() -> None:
    output = sops.encrypt(load("a: 1\n"), groups=ONE * 3, keys=FixedKeys(), now=NOW, threshold=2).decode()
    assert output.count("hc_vault: []") == 3
    assert "shamir_threshold: 2" in output


def test_a_threshold_above_the_number_of_groups_is_refused() -> None:
    with pytest.raises(ConfigError, match="cannot share"):
        sops.encrypt(load("a: 1\n"), groups=ONE * 2, keys=FixedKeys(), now=NOW, threshold=3)


def test_binary_input_takes_no_selector_and_says_so() -> None:
    keys, warnings = FixedKeys(), list[str]()
    output = encrypt("any bytes", "encrypted_regex", "x", store="binary", mac_only=True, keys=keys, warnings=warnings)
    assert "any bytes" not in output
    assert "regex" not in output
    assert "mac_only" not in output
    assert warnings == ["a binary file has one value: selectors and mac_only_encrypted are ignored"]
    assert decrypt(output, keys, store="binary") == [[("data", "any bytes")]]


def test_timestamps_and_post_quantum_recipients_are_said_to_need_a_later_sops() -> None:
    warnings: list[str] = []
    sops.encrypt(
        load("a: 2024-01-01\n"), groups=[[MasterKey("age", "age1pq1abc")]], keys=FixedKeys(), now=NOW, warnings=warnings
    )
    assert [warning.split(" from ")[1][:4] for warning in warnings] == ["3.12", "3.10"]


@pytest.mark.parametrize(
    ("text", "store", "words"),
    [
        ("a: 1\n---\nb: 2\n", "json", "holds one document"),
        ("a: null\n", "dotenv", "has no null"),
        ("a: {b: [null]}\n", "ini", "has no null"),
        ("a: {b: 1}\n", "dotenv", None),
        ("a: 1\n", "ini", None),
        ("a_unencrypted: .nan\n", "json", None),
    ],
)
def test_what_another_format_cannot_hold_is_refused(text: str, store: str, words: str | None) -> None:
    with pytest.raises(ConversionError, match=words):
        encrypt(text, output_store=store)


def test_comments_lost_to_json_are_a_warning() -> None:
    keys, warnings = FixedKeys(), list[str]()
    output = encrypt("# c\na: 1\nl: # d\n  - 2 # e\n", output_store="json", keys=keys, warnings=warnings)
    assert warnings == ["json has no comments: 3 lost"]
    assert decrypt(output, keys, store="json") == [[("a", 1), ("l", [2])]]


def test_types_become_text_where_the_format_has_only_text() -> None:
    keys = FixedKeys()
    output = encrypt("a: 1\nb_unencrypted: true\nc: 2.0\n", output_store="dotenv", keys=keys)
    assert decrypt(output, keys, store="dotenv") == [[("a", "1"), ("b_unencrypted", "true"), ("c", "2.0")]]


def test_reuse_keeps_the_ciphertext_of_what_did_not_change() -> None:
    keys = FixedKeys()
    first = encrypt("a: 1\n# c\nb: 2\nl: [x, x, y]\n", keys=keys)
    earlier = sops.decrypt(load(first), keys)
    second = encrypt("# c\nb: 3\na: 1\nl: [x, x, z]\n", keys=keys, reuse=earlier)
    before, after = lines(first), lines(second)
    assert {line for line in before if line.startswith(("a:", "#"))} <= set(after)
    assert decrypt(second, keys) == [outline(tree("# c\nb: 3\na: 1\nl: [x, x, z]\n"))]


def test_reuse_keeps_the_envelopes_of_recipients_that_stay() -> None:
    keys = FixedKeys()
    first = encrypt("a: 1\n", keys=keys).replace("wrapped for age1one", "an envelope of old")
    earlier = sops.decrypt(load(first), keys)
    groups = [[MasterKey("age", "age1two"), *ONE[0]]]
    second = sops.encrypt(load("a: 2\n"), groups=groups, keys=keys, now=NOW, reuse=earlier).decode()
    assert "an envelope of old" in second
    assert "wrapped for age1two" in second
    shared = sops.encrypt(load("a: 2\n"), groups=ONE * 2, keys=keys, now=NOW, reuse=earlier).decode()
    assert "an envelope of old" not in shared


def lines(text: str) -> list[str]:
    return text[: text.index("sops:")].splitlines()


@pytest.mark.parametrize(
    "text",
    [
        "a: [ # hidden\n 1 ]\n",
        "a: |\n  x\n\nb: 0\n# hidden\n---\n# z\n\nc: 1\n",
        "a: | # hidden\n  text\n",
        "a: !!str # hidden\n  text\n",
        "a: &x # hidden\n  k: v\nb: *x\n",
        "? # hidden\n  a\n: # hidden\n  b\n",
        "--- # hidden\na: 1\n... # hidden\n# hidden\n---\nb: 2\n",
        "a: {} # hidden\nb: [] # hidden\n# hidden\n",
        "a: >- # hidden\n  x\n  y\n# hidden\n",
        "a: null # hidden\nb: # hidden\n",
        "a:\n- # hidden\n  b: 1\n-\n  # hidden\n  c: 2\n",
    ],
)
def test_no_comment_that_the_selector_covers_stays_readable(text: str) -> None:
    keys = FixedKeys()
    output = encrypt(text, keys=keys)
    assert "hidden" not in output
    sops.decrypt(load(output), keys)


def test_a_comment_that_sops_would_lose_is_a_warning() -> None:
    warnings: list[str] = []
    encrypt("a: [ # hidden\n 1 ]\nb_unencrypted: { # kept\n k: 1 }\n", warnings=warnings)
    assert warnings == ["line 1: a comment that sops does not read is left out"]


@pytest.mark.parametrize(
    ("kind", "pattern", "kept"),
    [
        ("encrypted_regex", "^a$", True),
        ("encrypted_regex", "^b$", False),
        ("unencrypted_regex", "^b$", True),
        ("unencrypted_comment_regex", "note", True),
        ("encrypted_comment_regex", "MARK", False),
    ],
)
def test_a_comment_that_sops_would_lose_stays_where_it_may_be_read(kind: str, pattern: str, kept: bool) -> None:
    output = encrypt("a: s\nb: [ # a note\n  t ]\n", kind, pattern, allow_plaintext=True)
    assert ("# a note" in output) is kept


def test_a_comment_that_would_stray_out_of_the_selection_is_moved_back() -> None:
    """The comment is the root's in the plain text, and the list's once the block follows it."""
    keys = FixedKeys()
    text = "name:\n  - |\n    xy\n\n  # hidden\n"
    output = encrypt(text, "unencrypted_regex", "^name$", keys=keys, allow_plaintext=True)
    assert "\n#ENC[" in output
    assert decrypt(output, keys) == [outline(tree(text))]


def test_a_comment_that_ends_a_list_in_its_own_column_stays_in_the_list() -> None:
    """Right above the block it would be the block's; a blank line keeps it with the list."""
    keys = FixedKeys()
    text = "double:\n- x\n# hidden\n"
    output = encrypt(text, "encrypted_suffix", "e", keys=keys)
    assert re.search(r"\n#ENC\[.*\n\nsops:", output)
    assert decrypt(output, keys) == [outline(tree(text))]
