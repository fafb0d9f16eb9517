"""The `sops` block: read as loosely as sops reads it, and changed without touching the rest."""

from __future__ import annotations

import pytest

from secretsync.documents.tree import Entry, Mapping, Scalar, Sequence
from secretsync.errors import MetadataError
from secretsync.sops import block as blocks
from secretsync.sops import metadata
from secretsync.sops.metadata import Envelope, Metadata
from secretsync.sops.selectors import Selector
from tests.unit.sops.trees import load, outline

BASE = """\
lastmodified: "2026-01-02T03:04:05Z"
mac: ENC[x]
version: 3.13.3
"""
AGE = "age:\n  - recipient: age1one\n    enc: one\n"


def parse(text: str) -> Metadata:
    return metadata.parse(load(text).documents[0])


def test_reads_every_field() -> None:
    found = parse(BASE + AGE + "encrypted_regex: ^a$\nmac_only_encrypted: true\nshamir_threshold: 2\n")
    assert found.last_modified == "2026-01-02T03:04:05Z"
    assert (found.mac, found.version, found.shamir_threshold) == ("ENC[x]", "3.13.3", 2)
    assert (found.selector, found.stores_selector) == (Selector("encrypted_regex", "^a$"), True)
    assert found.mac_only_encrypted is True
    assert [[(one.kind, one.fields) for one in group] for group in found.groups] == [
        [("age", {"recipient": "age1one", "enc": "one"})]
    ]


def test_without_a_selector_the_default_suffix_counts() -> None:
    found = parse(BASE + AGE)
    assert (found.selector, found.stores_selector) == (Selector("unencrypted_suffix", "_unencrypted"), False)


def test_names_match_in_any_case_and_an_exact_one_wins() -> None:
    assert parse(BASE.replace("mac:", "MAC:") + AGE).mac == "ENC[x]"
    assert parse(BASE + "Mac: other\n" + AGE).mac == "ENC[x]"
    assert parse("Mac: other\n" + BASE + AGE).mac == "ENC[x]"


def test_unknown_fields_and_comments_are_ignored() -> None:
    assert parse("# note\nfuture: {a: [1]}\n" + BASE + AGE + "kms: []\npgp: null\n").version == "3.13.3"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("'2'", 2), ("2", 2), ("2.9", 2), ("'0x10'", 16), ("true", 1), ("''", 0), ("null", 0)],
)
def test_numbers_are_weakly_typed(text: str, expected: int) -> None:
    assert parse(f"{BASE}{AGE}shamir_threshold: {text}\n").shamir_threshold == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("'true'", True),
        ("T", True),
        ("1", True),
        ("0.5", True),
        ("0", False),
        ("''", False),
        ("null", False),
        ("f", False),
    ],
)
def test_flags_are_weakly_typed(text: str, expected: bool) -> None:
    assert parse(f"{BASE}{AGE}mac_only_encrypted: {text}\n").mac_only_encrypted is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("5", "5"), ("true", "1"), ("false", "0"), ("1.5", "1.5"), ("null", ""), ("'x'", "x")],
)
def test_texts_are_weakly_typed(text: str, expected: str) -> None:
    assert parse(BASE.replace("ENC[x]", text) + AGE).mac == expected


def test_a_single_mapping_counts_as_a_list_of_one() -> None:
    found = parse(BASE + "age:\n  Recipient: age1one\n  enc: one\n")
    assert found.groups[0][0].fields == {"recipient": "age1one", "enc": "one"}


def test_an_element_that_is_null_is_an_empty_envelope() -> None:
    assert [one.fields for one in parse(BASE + "age: [null, {enc: x}]\n").groups[0]] == [{}, {"enc": "x"}]


def test_kinds_come_in_the_order_sops_loads_them() -> None:
    at = "created_at: '2026-01-02T03:04:05Z'"
    text = f"{AGE}pgp: [{{fp: A, {at}}}]\nkms: [{{arn: B, {at}, context: {{k: v}}}}]\n"
    group = parse(BASE + text).groups[0]
    assert [one.kind for one in group] == ["kms", "pgp", "age"]
    assert group[0].fields["context"] == {"k": "v"}


def test_key_groups_count_only_without_a_flat_list() -> None:
    groups = "key_groups:\n  - age: [{recipient: age1two}]\n    hc_vault: []\n  - age: [{recipient: age1three}]\n"
    assert [[one.fields["recipient"] for one in group] for group in parse(BASE + groups).groups] == [
        ["age1two"],
        ["age1three"],
    ]
    assert len(parse(BASE + groups + AGE).groups) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (BASE, "no keys"),
        (BASE + "age: {}\nkey_groups: []\n", "no keys"),
        (BASE + AGE + "encrypted_regex: a\nencrypted_suffix: b\n", "more than one selector"),
        (BASE.replace("2026-", "026-") + AGE, "not a point in time"),
        (BASE.replace('"', "") + AGE, "unquoted point in time"),
        (BASE.replace("3.13.3", "3"), "not a version"),
        (BASE.replace("3.13.3", "''"), "not a version"),
        (BASE.replace("3.13.3", "3.x.1"), "not a version"),
        (BASE.replace("3.13.3", "03.1.1"), "not a version"),
        (BASE + "age: text\n", "expected a mapping"),
        (BASE + "age:\n  - enc: [1]\n", "is not a string"),
        (BASE + "unencrypted_suffix: [a]\n" + AGE, "is not a string"),
        (BASE + AGE + "shamir_threshold: many\n", "is not a number"),
        (BASE + AGE + "shamir_threshold: [2]\n", "is not a number"),
        (BASE + AGE + "shamir_threshold: .inf\n", "is not a number"),
        (BASE + AGE + "mac_only_encrypted: perhaps\n", "neither true nor false"),
        (BASE + AGE + "mac_only_encrypted: [true]\n", "neither true nor false"),
        (BASE + "pgp: [{fp: A}]\n", "created_at"),
        (BASE + AGE + "5: x\n", "is not a string"),
    ],
)
def test_a_damaged_block_is_refused(text: str, words: str) -> None:
    with pytest.raises(MetadataError, match=words):
        parse(text)


@pytest.mark.parametrize("version", ["1.17", "3.0.0", "v3.13.2", "99.0.0", "3.13.3-rc.1", "3.13.3+build"])
def test_versions_that_sops_can_compare(version: str) -> None:
    assert parse(BASE.replace("3.13.3", version) + AGE).version == version


@pytest.mark.parametrize(
    ("text", "words"),
    [("a: 1\n", "not found"), ("sops: null\n", "not a mapping"), ("sops: text\n", "not a mapping"), ("", "not found")],
)
def test_a_file_without_a_block_is_refused(text: str, words: str) -> None:
    with pytest.raises(MetadataError, match=words):
        metadata.split(load(text).documents)


def test_two_blocks_are_refused() -> None:
    document = load('{"sops": {}, "sops": {}}', "json").documents
    with pytest.raises(MetadataError, match="more than one"):
        metadata.split(document)


def test_only_the_block_of_document_1_is_read() -> None:
    block = "".join(f"  {line}\n" for line in (BASE + AGE).splitlines())
    documents, _ = metadata.split(load(f"a: 1\nsops:\n{block}---\nb: 2\nsops: nonsense\n").documents)
    assert [outline(document) for document in documents] == [[("a", 1)], [("b", 2)]]


@pytest.mark.parametrize(("text", "expected"), [("a: 1\n", False), ("sops: 5\n", True), ("sops_: 5\n", False)])
def test_a_document_with_a_block_is_encrypted(text: str, expected: bool) -> None:
    assert metadata.is_encrypted(load(text).documents[0]) is expected


# --- changing a block ---------------------------------------------------------------------------------------------

FOUND = "future: x\nMAC: old\nversion: 3.9.0\nage:\n  # who\n  - recipient: age1one\n    enc: one\n    note: kept\n"


def block(text: str = FOUND) -> Mapping:
    return load(text).documents[0]


def names(mapping: Mapping) -> list[object]:
    return [entry.key.value for entry in mapping.entries()]


def test_a_changed_field_stays_where_it_is_under_its_own_spelling() -> None:
    changed = blocks.with_fields(block(), mac="new", version="3.9.0")
    assert names(changed) == ["future", "MAC", "version", "age"]
    assert outline(changed) == [("future", "x"), ("MAC", "new"), *outline(block())[2:]]  # type: ignore[index]


def test_an_equal_field_keeps_its_node() -> None:
    old = block()
    assert blocks.with_fields(old, version="3.9.0") is old


def test_a_new_field_goes_to_its_place_in_an_alphabetical_block_and_to_the_end_of_any_other() -> None:
    alphabetical = block("age: []\nversion: 3.9.0\n")
    assert names(blocks.with_field(alphabetical, "mac", Scalar("x"))) == ["age", "mac", "version"]
    assert names(blocks.with_field(block(), "lastmodified", Scalar("x")))[-1] == "lastmodified"


def test_unchanged_envelopes_stay_the_same_nodes() -> None:
    old = block()
    envelope = Envelope("age", {}, old.get("age").items[1])  # type: ignore[union-attr,arg-type]
    assert blocks.with_groups(old, [[envelope]]) is old


def test_a_new_envelope_stands_behind_the_kept_one_and_the_comment() -> None:
    old = block()
    kept = Envelope("age", {}, old.get("age").items[1])  # type: ignore[union-attr,arg-type]
    changed = blocks.with_groups(old, [[kept, Envelope("age", {"recipient": "age1two", "enc": "two"})]])
    assert outline(changed.get("age")) == [  # type: ignore[arg-type]
        "# who",
        [("recipient", "age1one"), ("enc", "one"), ("note", "kept")],
        [("enc", "two"), ("recipient", "age1two")],
    ]


def test_groups_and_a_flat_list_take_each_others_place() -> None:
    one, two = Envelope("age", {"enc": "1"}), Envelope("kms", {"arn": "2", "context": {"k": "v"}})
    several = blocks.with_groups(block(), [[one], [two]], threshold=2)
    assert names(several) == ["future", "MAC", "version", "shamir_threshold", "key_groups"]
    assert outline(several.get("key_groups")) == [  # type: ignore[arg-type]
        [("age", [[("enc", "1")]]), ("hc_vault", [])],
        [("age", []), ("hc_vault", []), ("kms", [[("arn", "2"), ("context", [("k", "v")])]])],
    ]
    again = blocks.with_groups(several, [[one]])
    assert names(again) == ["future", "MAC", "version", "age"]


def test_an_unchanged_group_keeps_its_node() -> None:
    old = block("key_groups:\n  - age: [{enc: '1'}]\n    hc_vault: []\n  - age: [{enc: '2'}]\n    hc_vault: []\n")
    members = old.get("key_groups").items  # type: ignore[union-attr]
    first = Envelope("age", {}, members[0].get("age").items[0])  # type: ignore[union-attr,arg-type]
    changed = blocks.with_groups(old, [[first], [Envelope("age", {"enc": "3"})]])
    assert changed.get("key_groups").items[0] is members[0]  # type: ignore[union-attr]


def test_an_empty_list_of_an_old_file_stays() -> None:
    old = block("kms: []\nage:\n  - enc: one\n")
    envelope = Envelope("age", {}, old.get("age").items[0])  # type: ignore[union-attr,arg-type]
    assert blocks.with_groups(old, [[envelope]]) is old


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nsops: {}\n", ["a", "b", "sops"]),
        ("sops: {}\na: 1\n", ["sops", "a", "b"]),
        ("x: 0\nsops: {}\na: 1\n", ["sops", "a", "b"]),
    ],
)
def test_the_block_goes_where_it_was(text: str, expected: list[str]) -> None:
    found = load(text).documents
    new = Mapping([item for item in found[0].items if isinstance(item, Entry) and item.key.value == "a"])
    new.items.append(Entry(Scalar("b"), Scalar(2)))
    assert names(blocks.attach([new], Mapping(), found)[0]) == expected


def test_a_block_without_a_place_goes_to_the_end() -> None:
    documents = [Mapping([Entry(Scalar("a"), Sequence())]), Mapping()]
    assert [names(document) for document in blocks.attach(documents, Mapping())] == [["a", "sops"], ["sops"]]


@pytest.mark.parametrize(
    ("found", "stored"),
    [("3.9.0", "3.13.3"), ("1.17", "3.13.3"), ("v3.13.2", "3.13.3"), ("3.13.3", "3.13.3"), ("99.0.0", "99.0.0"),
     ("3.14.0-rc1", "3.14.0-rc1")],
)  # fmt: skip
def test_an_edit_raises_the_version(found: str, stored: str) -> None:
    assert blocks.newer_version(found) == stored


def test_a_list_under_a_field_of_nobodys_is_passed_over() -> None:
    found = parse(BASE + AGE.rstrip() + "\n    remarks: [of, somebody]\n")
    assert [[one.fields for one in group] for group in found.groups] == [[{"recipient": "age1one", "enc": "one"}]]


@pytest.mark.parametrize("value", ["!!binary /w==", "[x]"])
def test_a_field_that_is_no_text_is_refused(value: str) -> None:
    with pytest.raises(MetadataError, match="is not a string"):
        parse(BASE.replace("ENC[x]", value) + AGE)
