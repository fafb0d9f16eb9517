"""Hostile files: whatever the bytes, decryption ends in a tree or in one of our errors."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secretsync import sops
from secretsync.documents.plain import from_plain
from secretsync.documents.stores import store_named
from secretsync.documents.tree import Entry, Mapping, Scalar
from secretsync.errors import SecretsyncError
from secretsync.sops import block, metadata
from tests.unit.sops.golden import FixedKeys
from tests.unit.sops.trees import encrypt

KEYS: Final = FixedKeys()
PLAIN: Final = {
    "yaml": "# c\na: 1\nl:\n# d\n- x\n- {k: 1.5}\nt: 2024-01-01\nn: null\n---\nb: true\n",
    "json": '{"a": 1, "l": ["x", {"k": 1.5}], "n": null}',
    "dotenv": "# c\nA=1\nB=two\n",
    "ini": "; c\n[s]\na = 1\n",
    "binary": "some bytes",
}
FILES: Final = {store: encrypt(text, store=store, keys=KEYS).encode() for store, text in PLAIN.items()}
PIECES: Final = (
    *(
        b"null",
        b"[]",
        b"{}",
        b"''",
        b"5",
        b"1.5",
        b"true",
        b"\x00",
        b"\xff",
        b"ENC[",
        b"ENC[AES256_GCM,data:",
        b",type:comment]",
    ),
    *(
        b"sops",
        b"\nsops: {}\n",
        b"key_groups",
        b"lastmodified",
        b"2024-01-01",
        b"__list_0__map_",
        b"__map_",
        b"&a ",
        b"*a",
        b"<<: ",
    ),
    *(
        b"- ",
        b": ",
        b"\n",
        b"\t",
        b"#",
        b"|",
        b"!!binary ",
        b"\xef\xbb\xbf",
        b"9" * 30,
        b"-----BEGIN",
        b"=",
        b'"',
        b"'",
    ),
)


def one_line(error: SecretsyncError) -> None:
    """Check that a message stays on its line."""
    assert "\n" not in str(error)


@st.composite
def damaged(draw: st.DrawFn, store: str) -> bytes:
    """Draw an encrypted file with a few parts cut out, doubled or overwritten."""
    data = FILES[store]
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(data)))
        stop = draw(st.integers(start, min(len(data), start + draw(st.sampled_from((0, 1, 5, 80))))))
        piece = draw(st.sampled_from(PIECES) | st.binary(max_size=3) | st.just(data[start:stop] * 2))
        data = data[:start] + piece + data[stop:]
    return data


@pytest.mark.parametrize("store", PLAIN)
@settings(max_examples=200)
@given(data=st.data())
def test_a_damaged_file_is_an_error_of_ours_or_the_same_values(store: str, data: st.DataObject) -> None:
    text = data.draw(damaged(store))
    try:
        source = store_named(store).load(text, encrypted=True)
        sops.decrypt(source, KEYS)
    except SecretsyncError as error:
        one_line(error)


@settings(max_examples=200)
@given(
    name=st.sampled_from(sorted(metadata.known_fields())),
    value=st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text(max_size=4)
        | st.sampled_from(["x", "2", "true"]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["age", "enc", "recipient", "created_at", "context"]), inner, max_size=3)
        ),
        max_leaves=6,
    ),
)
def test_a_metadata_field_of_any_shape_is_an_error_of_ours_or_read(name: str, value: object) -> None:
    source = store_named("yaml").load(FILES["yaml"], encrypted=True)
    bare, found = metadata.split(source.documents)
    changed = block.with_field(found.block, name, from_plain(value))
    try:
        sops.decrypt_unit([Mapping([*bare[0].items, Entry(Scalar("sops"), changed)]), *bare[1:]], KEYS)
    except SecretsyncError as error:
        one_line(error)
