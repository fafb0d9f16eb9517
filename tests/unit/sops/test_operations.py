"""Operations on an encrypted file: what changes, and that nothing else does."""

from __future__ import annotations

import base64
import os
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from secretsync.errors import (
    AlreadyEncryptedError,
    EmptyFileError,
    MacMismatchError,
    ParseError,
    PathNotFoundError,
    ValueFormatError,
)
from secretsync.sops import MacPolicy, operations
from secretsync.sops.datakey import MasterKey
from secretsync.sops.paths import parse_path
from secretsync.sops.strangers import Named, RotationRequest
from tests.unit.sops.golden import FixedKeys
from tests.unit.sops.trees import NOW, decrypt, encrypt, outline, tree

PLAIN = """\
# head
a: alpha   # inline
list:
  # first
  - x
  - x
  - k: x
open_unencrypted: 1.0
t: 2024-01-01
nan: .nan
"""
LATER = NOW + timedelta(days=1)


@pytest.fixture
def keys() -> FixedKeys:
    return FixedKeys()


def options(keys: FixedKeys, **more: object) -> operations.OpenOptions:
    return operations.OpenOptions("yaml", keys, **more)  # type: ignore[arg-type]


def changed_lines(before: str, after: str) -> set[str]:
    """Return the beginnings of the lines that are in one text only."""
    difference = set(before.splitlines()) ^ set(after.splitlines())
    return {line.split(":")[0].strip() for line in difference}


def test_set_changes_one_line_and_the_block(keys: FixedKeys) -> None:
    before = encrypt(PLAIN, keys=keys)
    change = operations.set_value(
        before.encode(), parse_path('["a"]'), operations.json_value('"new"'), options(keys), now=LATER
    )
    assert change.changed
    assert changed_lines(before, change.data.decode()) == {"a", "lastmodified", "mac"}
    assert decrypt(change.data.decode(), keys) == [outline(tree(PLAIN.replace("alpha", "new")))]


def test_set_to_the_same_value_is_known_and_changes_the_block_only(keys: FixedKeys) -> None:
    before = encrypt(PLAIN, keys=keys)
    change = operations.set_value(
        before.encode(), parse_path('["a"]'), operations.json_value('"alpha"'), options(keys), now=LATER
    )
    assert not change.changed
    assert changed_lines(before, change.data.decode()) == {"lastmodified", "mac"}


def test_set_keeps_integers_integers(keys: FixedKeys) -> None:
    before = encrypt("a: x\n", keys=keys).encode()
    change = operations.set_value(before, parse_path('["a"]'), operations.json_value("5"), options(keys), now=LATER)
    assert decrypt(change.data.decode(), keys) == [[("a", 5)]]
    assert "type:int" in change.data.decode()


def test_set_of_an_object_encrypts_its_leaves(keys: FixedKeys) -> None:
    before = encrypt("a: x\n", keys=keys).encode()
    value = operations.json_value('{"i": 1, "l": [true, null, "s"], "x_unencrypted": 1.5}')
    change = operations.set_value(before, parse_path('["o"]'), value, options(keys), now=LATER)
    assert decrypt(change.data.decode(), keys) == [
        [("a", "x"), ("o", [("i", 1), ("l", [True, None, "s"]), ("x_unencrypted", 1.5)])]
    ]


@pytest.mark.parametrize("text", ["bare", "", "[1, 2]", '1, "b": 2', "{", "1} x"])
def test_what_is_not_one_json_value_is_refused(text: str) -> None:
    with pytest.raises(ValueFormatError) as caught:
        operations.json_value(text)
    assert caught.value.sops_exit_code == 7


def test_unset_removes_one_item(keys: FixedKeys) -> None:
    before = encrypt(PLAIN, keys=keys)
    change = operations.unset_value(before.encode(), parse_path('["list"][0]'), options(keys), now=LATER)
    assert decrypt(change.data.decode(), keys) == [outline(tree(PLAIN.replace("  - x\n", "", 1)))]


def test_unset_of_nothing_is_an_error(keys: FixedKeys) -> None:
    with pytest.raises(PathNotFoundError):
        operations.unset_value(encrypt(PLAIN, keys=keys).encode(), ("nope",), options(keys), now=LATER)


def test_a_file_with_a_wrong_mac_is_not_changed_unless_that_is_ignored(keys: FixedKeys) -> None:
    broken = encrypt(PLAIN, keys=keys).replace("open_unencrypted: 1.0", "open_unencrypted: 2.0").encode()
    with pytest.raises(MacMismatchError):
        operations.unset_value(broken, ("a",), options(keys), now=LATER)
    ignoring = options(keys, mac_policy=MacPolicy.IGNORE_UNSAFE)
    change = operations.unset_value(broken, ("a",), ignoring, now=LATER)
    assert "alpha" not in str(decrypt(change.data.decode(), keys))


# --- edit ---------------------------------------------------------------------------------------------------------


def edit(before: str, keys: FixedKeys, old: str, new: str) -> str:
    opened = operations.open_file(before.encode(), options(keys))
    text = operations.editable(opened).decode()
    assert old in text
    change = operations.edited(opened, text.replace(old, new, 1).encode(), now=LATER)
    assert change.changed
    return change.data.decode()


def test_the_text_to_edit_is_the_files_own(keys: FixedKeys) -> None:
    opened = operations.open_file(encrypt(PLAIN, keys=keys).encode(), options(keys))
    assert operations.editable(opened).decode() == PLAIN.replace("2024-01-01", "2024-01-01T00:00:00Z")


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        ("alpha", "omega", {"a"}),
        ("# head", "# roof", {"#ENC[AES256_GCM,data"}),
        ("  - x\n  - x", "  - y\n  - x", {"- ENC[AES256_GCM,data"}),
        ("k: x", "k: z", {"- k"}),
        ("open_unencrypted: 1.0", "open_unencrypted: 2", {"open_unencrypted"}),
        (".nan", '".nan"', {"nan"}),
    ],
)
def test_an_edit_touches_what_it_edits(keys: FixedKeys, old: str, new: str, lines: set[str]) -> None:
    before = encrypt(PLAIN, keys=keys)
    after = edit(before, keys, old, new)
    assert changed_lines(before, after) == {*lines, "lastmodified", "mac"}
    assert len(before.splitlines()) == len(after.splitlines())
    assert decrypt(after, keys)[0] == outline(tree(PLAIN.replace(old, new, 1)))


def test_an_edit_raises_an_older_version(keys: FixedKeys) -> None:
    before = encrypt(PLAIN, keys=keys).replace("version: 3.13.3", "version: 3.9.0")
    assert "version: 3.13.3" in edit(before, keys, "alpha", "omega")


def test_a_key_that_moves_is_encrypted_for_its_new_path(keys: FixedKeys) -> None:
    after = edit(encrypt(PLAIN, keys=keys), keys, "a: alpha", "b: alpha")
    assert ("b", "alpha") in decrypt(after, keys)[0]  # type: ignore[operator]


def test_an_item_put_in_front_leaves_the_others_as_they_are(keys: FixedKeys) -> None:
    before = encrypt("l:\n- x\n- y\n- x\n", keys=keys)
    after = edit(before, keys, "- x", "- new\n- x")
    assert {line for line in before.splitlines() if line.startswith("-")} <= set(after.splitlines())


def test_a_new_document_gets_a_copy_of_the_block_and_a_removed_one_goes(keys: FixedKeys) -> None:
    more = edit(encrypt("a: 1\n", keys=keys), keys, "a: 1\n", "a: 1\n---\nb: 2\n")
    assert more.count("lastmodified") == 2
    assert decrypt(more, keys) == [[("a", 1)], [("b", 2)]]
    assert decrypt(edit(more, keys, "---\nb: 2\n", ""), keys) == [[("a", 1)]]


def test_an_unchanged_text_changes_nothing(keys: FixedKeys) -> None:
    opened = operations.open_file(encrypt(PLAIN, keys=keys).encode(), options(keys))
    assert not operations.edited(opened, operations.editable(opened), now=LATER).changed


@pytest.mark.parametrize(
    ("text", "error"), [("a: [", ParseError), ("", EmptyFileError), ("a: 1\n---\nsops: x\n", AlreadyEncryptedError)]
)
def test_an_edit_that_cannot_be_encrypted_is_refused(keys: FixedKeys, text: str, error: type[Exception]) -> None:
    opened = operations.open_file(encrypt(PLAIN, keys=keys).encode(), options(keys))
    with pytest.raises(error):
        operations.edited(opened, text.encode(), now=LATER)


@pytest.mark.parametrize("store", ["json", "dotenv", "ini", "binary"])
def test_every_store_can_be_edited(keys: FixedKeys, store: str) -> None:
    plain = {"json": '{"a": "alpha"}\n', "dotenv": "a=alpha\n", "ini": "[s]\na = alpha\n", "binary": "alpha"}[store]
    before = encrypt(plain, store=store, keys=keys)
    opened = operations.open_file(before.encode(), operations.OpenOptions(store, keys))
    text = operations.editable(opened)
    assert b"sops" not in text
    change = operations.edited(opened, text.replace(b"alpha", b"omega"), now=LATER)
    assert "omega" in str(decrypt(change.data.decode(), keys, store=store))


# --- rotate -------------------------------------------------------------------------------------------------------


def test_rotate_changes_the_data_key_and_keeps_ivs_and_values(keys: FixedKeys) -> None:
    before = encrypt(PLAIN, keys=keys)
    old = keys.data_key
    change = operations.rotate(before.encode(), options(keys), now=LATER)
    after = change.data.decode()
    assert keys.data_key != old
    assert decrypt(after, keys)[0] != []
    assert ivs(before) == ivs(after)
    assert "version: 3.13.3" in after
    with pytest.raises(Exception, match="authenticate"):
        decrypt(after, FixedKeys(old))


def ivs(text: str) -> list[str]:
    body = text[: text.index("sops:")]
    return [part.split(",")[0] for part in body.split("iv:")[1:]]


def test_rotate_gives_a_short_iv_up(keys: FixedKeys) -> None:
    before = encrypt("a: x\n", keys=keys)
    iv = os.urandom(12)
    sealed = AESGCM(keys.data_key.expose()).encrypt(iv, b"x", b"a:")
    data, iv_text, tag = (base64.b64encode(part).decode() for part in (sealed[:-16], iv, sealed[-16:]))
    line = f"a: ENC[AES256_GCM,data:{data},iv:{iv_text},tag:{tag},type:str]"
    short = "\n".join([line, *before.splitlines()[1:]]) + "\n"
    assert decrypt(short, keys) == [[("a", "x")]]
    after = operations.rotate(short.encode(), options(keys), now=LATER).data.decode()
    assert len(base64.b64decode(ivs(after)[0])) == 32


def test_rotate_adds_and_removes_recipients_and_compares_with_the_rule(keys: FixedKeys) -> None:
    before = encrypt(PLAIN, keys=keys)
    add, remove = MasterKey("age", "age1two"), MasterKey("age", "age1one")
    change = operations.rotate(
        before.encode(),
        options(keys),
        now=LATER,
        request=RotationRequest([add], [remove]),
        rules=[Named("rule 1", [[remove, MasterKey("age", "age1three")]])],
    )
    assert "age1two" in change.data.decode()
    assert "age1one" not in change.data.decode()
    assert change.warnings == [
        "adds age age1two, whom rule 1 does not name",
        "age age1one is a recipient of the matching rule and not of the file",
        "age age1three is a recipient of the matching rule and not of the file",
    ]


# --- reading ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "expected"),
    [('["a"]', b"alpha"), ('["list"][2]["k"]', b"x"), ('["open_unencrypted"]', b"1.0\n"), ('["list"][2]', b"k: x\n")],
)
def test_extract(keys: FixedKeys, path: str, expected: bytes) -> None:
    opened = operations.open_file(encrypt(PLAIN, keys=keys).encode(), options(keys))
    assert operations.extract(opened, parse_path(path)) in (expected, expected.replace(b"1.0", b"1"))


def test_extract_prints_the_other_documents_behind_a_mapping(keys: FixedKeys) -> None:
    opened = operations.open_file(encrypt("m: {x: 1}\n---\nb: 2\n", keys=keys).encode(), options(keys))
    assert operations.extract(opened, ("m",)) == b"x: 1\n---\nb: 2\n"


def test_decrypted_text_is_the_files_own_or_another_stores(keys: FixedKeys) -> None:
    data = encrypt("# c\na:   x\n", keys=keys).encode()
    assert operations.decrypted_text(operations.open_file(data, options(keys))) == b"# c\na:   x\n"
    opened = operations.open_file(data, options(keys, output_store="json"))
    assert operations.decrypted_text(opened) == b'{\n\t"a": "x"\n}\n'
    assert opened.plain.warnings == ["json has no comments: 1 lost"]


def test_an_operation_can_write_another_store(keys: FixedKeys) -> None:
    data = encrypt('{"a": 1}\n', store="json", keys=keys).encode()
    to_yaml = operations.OpenOptions("json", keys, output_store="yaml")
    change = operations.set_value(data, ("a",), operations.json_value("2"), to_yaml, now=LATER)
    assert decrypt(change.data.decode(), keys) == [[("a", 2)]]
    opened = operations.open_file(data, to_yaml)
    assert operations.editable(opened) == b"a: 1\n"
    assert decrypt(operations.edited(opened, b"a: 3\n", now=LATER).data.decode(), keys) == [[("a", 3)]]


@pytest.mark.parametrize(("text", "expected"), [("a: 1\n", False), ("", False)])
def test_a_plain_file_is_not_encrypted(text: str, expected: bool) -> None:
    assert operations.file_status(text.encode(), "yaml") is expected


def test_an_encrypted_file_is_known_without_a_key(keys: FixedKeys) -> None:
    output = encrypt(PLAIN, keys=keys)
    assert operations.file_status(output.encode(), "yaml") is True
    assert operations.file_status(output.replace("    mac:", "    nomac:").encode(), "yaml") is False


def test_a_secret_comment_that_an_edit_finds_outside_of_the_selection_stays_secret(keys: FixedKeys) -> None:
    """Below a blank line it ends the mapping while the block follows, and the document once that is taken off."""
    before = encrypt("a: 1\nm:\n  k: v\n\n  # hidden\n", "encrypted_regex", "^m$", keys=keys)
    after = edit(before, keys, "k: v", "k: w")
    assert "hidden" not in after
    assert decrypt(after, keys) == [[("a", 1), ("m", [("k", "w")]), "# hidden"]]


def test_a_rotation_for_named_groups_asks_nobody_else(keys: FixedKeys) -> None:
    """The recipients of a file vouch for nothing: whoever wrote himself in gets no new data key."""
    before = encrypt(PLAIN, keys=keys)
    opened = operations.open_file(before.encode(), options(keys))
    change = operations.rotate_for(opened, [[MasterKey("age", "age1two")]], now=LATER)
    assert b"age1one" not in change.data
    assert change.data.count(b"recipient: age1two") == 1
    assert decrypt(change.data.decode(), keys) == [outline(tree(PLAIN))]
