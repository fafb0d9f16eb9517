"""Writing an encrypted tree: comments follow the reader, and what would not read back is refused."""

from __future__ import annotations

import pytest

from secretsync.crypto.gcm import Gcm
from secretsync.documents.tree import Comment, Entry, Mapping, Scalar, Sequence
from secretsync.errors import ConversionError, LimitError
from secretsync.secrecy import CIPHERTEXT, SecretBytes
from secretsync.sops import block as blocks
from secretsync.sops import mac, values
from secretsync.sops.selectors import Selector
from secretsync.sops.unread_comments import refuse_strays
from secretsync.sops.walk import Walk
from secretsync.sops.writing import _same, write
from tests.unit.sops.golden import DATA_KEY, FixedKeys
from tests.unit.sops.trees import decrypt, load, outline, tree

KEY = Gcm(DATA_KEY.expose())
MODIFIED = "2026-01-02T03:04:05Z"


def block(*leaves: bytes) -> Mapping:
    fields: dict[str, str | bool | int] = {
        "lastmodified": MODIFIED,
        "mac": mac.seal(KEY, mac.digest([*leaves]), MODIFIED),
        "version": "3.13.3",
    }
    recipients = load("a:\n - recipient: age1\n").documents[0].get("a")
    assert recipients is not None
    return blocks.with_field(blocks.fresh(fields, [[]]), "age", recipients)


def secret(text: str, aad: bytes, *, comment: bool = False) -> str:
    return values.encrypt(KEY, text, aad, comment=comment)


def test_a_comment_is_encrypted_for_the_place_its_reader_finds_it_in() -> None:
    """The tree has it in `m`, the text above `a`: the text is what survives."""
    source = load("# note\na: x\nm: {b: y}\n")
    wrong = secret(" note", b"m:", comment=True)
    items: list[Entry | Comment] = [Comment(wrong)]
    for name, aad in (("a", b"a:"), ("m", b"m:b:")):
        leaf = Scalar(secret("x" if name == "a" else "y", aad))
        items.append(Entry(Scalar(name), leaf if name == "a" else Mapping([Entry(Scalar("b"), leaf)])))
    output = write(
        source, [Mapping(items)], block(b"x", b"y"), comments={wrong: " note"}, data_key=DATA_KEY
    ).data.decode()
    assert wrong not in output
    assert values.decrypt(KEY, output.splitlines()[0][1:], b":") == (" note", "comment")
    assert decrypt(output, FixedKeys()) == [outline(tree("# note\na: x\nm: {b: y}\n"))]


@pytest.mark.parametrize("leaves", [[b"y"], []])
def test_a_tree_that_would_not_decrypt_again_is_refused(leaves: list[bytes]) -> None:
    source = load("a: x\n")
    documents = [Mapping([Entry(Scalar("a"), Scalar(secret("x", b"a:")))])]
    with pytest.raises(ConversionError, match="could not be read back"):
        write(source, documents, block(*leaves), comments={}, data_key=DATA_KEY)


def test_another_data_key_is_noticed() -> None:
    source = load("a: x\n")
    documents = [Mapping([Entry(Scalar("a"), Scalar(secret("x", b"a:")))])]
    with pytest.raises(ConversionError):
        write(source, documents, block(b"x"), comments={}, data_key=SecretBytes(bytes(32)))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("a: 1\n", "a: '1'\n", True),
        ("a: null\n", "a: ''\n", False),
        ("a: 1\n", "b: 1\n", False),
        ("a: 1\n", "a: 1\nb: 2\n", False),
        ("a: [1, 2]\n", "a: [1]\n", False),
        ("a: [1]\n", "a: {b: 1}\n", False),
        ("# c\na: [1]\n", "a:\n # d\n - 1\n", True),
    ],
)
def test_trees_are_compared_by_keys_and_bytes(one: str, other: str, same: bool) -> None:
    assert _same(tree(one), tree(other)) is same


def test_a_tree_too_deep_for_the_walk_is_refused_in_one_line() -> None:
    node = Scalar("x")
    root: Mapping | Sequence | Scalar = node
    for _ in range(3000):
        root = Sequence([root])

    class Nothing(Walk):
        def leaf(self, scalar: Scalar, aad: bytes, *, selected: bool) -> Scalar:
            return scalar

    with pytest.raises(LimitError, match="nested too deeply"):
        Nothing(Selector.default()).documents([Mapping([Entry(Scalar("a"), root)])])


def test_a_key_that_is_not_utf8_still_has_a_path() -> None:
    seen: list[bytes] = []

    class Paths(Walk):
        def leaf(self, scalar: Scalar, aad: bytes, *, selected: bool) -> Scalar:
            seen.append(aad)
            return scalar

    Paths(Selector.default()).documents([Mapping([Entry(Scalar(b"\xff"), Scalar("x"))])])
    assert seen == [b"\xff:"]


def test_a_text_that_reads_as_another_tree_is_refused() -> None:
    documents = [Mapping([Entry(Scalar(b"a"), Scalar(secret("x", b"a:")))])]  # no reader gives bytes for a key
    with pytest.raises(ConversionError, match="would not read back to the same tree"):
        write(load("a: x\n"), documents, block(b"x"), comments={}, data_key=DATA_KEY)


def test_a_comment_that_comes_to_be_selected_is_encrypted_where_it_is_read() -> None:
    documents = [Mapping([Comment(" note"), Entry(Scalar("a"), Scalar(secret("x", b"a:")))])]
    output = write(load("# note\na: x\n"), documents, block(b"x"), comments={}, data_key=DATA_KEY).data.decode()
    assert "note" not in output
    assert decrypt(output, FixedKeys()) == [["# note", ("a", "x")]]


def test_a_comment_that_no_reader_finds_may_not_stay_readable() -> None:
    with pytest.raises(ConversionError, match="line 2: a comment would stay readable"):
        refuse_strays(load("a: 1\nb: [ # hidden\n 1 ]\n"), Selector.default())
    refuse_strays(load(f"b: [ #{CIPHERTEXT}…\n 1 ]\nc_unencrypted: [ # open\n 1 ]\n"), Selector.default())
