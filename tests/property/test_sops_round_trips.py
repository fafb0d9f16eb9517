"""Whatever is encrypted decrypts to the same tree; whatever is edited leaves every other ciphertext as it was."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any, Final

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from secretsync import sops
from secretsync.documents.tree import Comment, Entry, Mapping, Node, Scalar
from secretsync.sops import operations, values
from secretsync.sops.selectors import Selector
from tests.interop.texts import json_texts, yaml_texts
from tests.unit.sops.golden import FixedKeys
from tests.unit.sops.trees import NOW, ONE, load, outline

SELECTORS: Final = (
    Selector.default(),
    Selector("encrypted_regex", "^(a|data)$"),
    Selector("unencrypted_regex", "e"),
    Selector("encrypted_suffix", "e"),
    Selector("encrypted_comment_regex", "b"),
    Selector("unencrypted_comment_regex", "^ xb"),
)
CIPHERTEXT: Final = re.compile(r"ENC\[AES256_GCM,[^\]]*\]")


def encrypted(text: str, store: str, keys: FixedKeys, selector: Selector, *, mac_only: bool = False) -> bytes:
    return sops.encrypt(
        load(text, store), groups=ONE, selector=selector, mac_only=mac_only, keys=keys, now=NOW, allow_plaintext=True
    )


@settings(max_examples=200)
@given(text=yaml_texts(), selector=st.sampled_from(SELECTORS), mac_only=st.booleans())
def test_yaml_decrypts_to_what_was_encrypted(text: str, selector: Selector, mac_only: bool) -> None:
    keys = FixedKeys()
    output = encrypted(text, "yaml", keys, selector, mac_only=mac_only)
    found = sops.decrypt(load(output.decode()), keys).documents
    assert [without_comments(one) for one in found] == [without_comments(one) for one in load(text).documents]
    kept = texts_of_comments(found)
    assert set(kept) == set(texts_of_comments(load(text).documents))
    assert not Counter(texts_of_comments(load(text).documents, aliased=False)) - Counter(kept)


@given(text=json_texts(), selector=st.sampled_from(SELECTORS))
def test_json_decrypts_to_what_was_encrypted(text: str, selector: Selector) -> None:
    keys = FixedKeys()
    output = encrypted(text, "json", keys, selector)
    found = sops.decrypt(load(output.decode(), "json"), keys).documents
    assert [without_comments(one) for one in found] == [without_comments(one) for one in load(text, "json").documents]


@given(text=yaml_texts(), selector=st.sampled_from(SELECTORS))
def test_what_an_editor_gets_reads_as_the_plain_tree(text: str, selector: Selector) -> None:
    keys = FixedKeys()
    opened = operations.open_file(encrypted(text, "yaml", keys, selector), operations.OpenOptions("yaml", keys))
    again = load(operations.editable(opened).decode()).documents
    assert [without_comments(one) for one in again] == [without_comments(one) for one in load(text).documents]


@given(text=yaml_texts(), selector=st.sampled_from(SELECTORS))
def test_blank_lines_added_by_an_editor_change_no_value_and_reveal_no_comment(text: str, selector: Selector) -> None:
    keys = FixedKeys()
    before = encrypted(text, "yaml", keys, selector)
    opened = operations.open_file(before, operations.OpenOptions("yaml", keys))
    change = operations.edited(opened, operations.editable(opened) + b"\n\n", now=NOW)
    olds, news = values_of(before), values_of(change.data)
    assert {one for one in olds if "type:comment" not in one} <= news
    assert sum("type:comment" in one for one in olds) <= sum("type:comment" in one for one in news)


@given(text=yaml_texts(), pick=st.integers(0, 1000))
def test_setting_one_leaf_keeps_every_other_ciphertext(text: str, pick: int) -> None:
    keys = FixedKeys()
    before = encrypted(text, "yaml", keys, Selector.default())
    opened = operations.open_file(before, operations.OpenOptions("yaml", keys))
    paths = list(leaf_paths(opened.plain.documents[0]))
    assume(paths)
    change = operations.set_value(
        before, paths[pick % len(paths)], Scalar("changed"), operations.OpenOptions("yaml", keys), now=NOW
    )
    assert len(values_of(before) - values_of(change.data)) <= 1
    sops.decrypt(load(change.data.decode()), keys)


@given(text=yaml_texts())
def test_rotating_keeps_the_tree(text: str) -> None:
    keys = FixedKeys()
    before = encrypted(text, "yaml", keys, Selector.default())
    plain = [_shown(one) for one in sops.decrypt(load(before.decode()), keys).documents]
    after = operations.rotate(before, operations.OpenOptions("yaml", keys), now=NOW).data
    assert [_shown(one) for one in sops.decrypt(load(after.decode()), keys).documents] == plain
    assert not values_of(before) & values_of(after)


def _shown(document: Mapping) -> object:
    """Return the outline without comments that say nothing: the writer leaves a bare `#` where a comment held text apart."""
    return _without_bare(outline(document))


def _without_bare(shown: Any) -> Any:
    if isinstance(shown, list):
        return [_without_bare(item) for item in shown if item != "#"]
    return tuple(_without_bare(item) for item in shown) if isinstance(shown, tuple) else shown


def values_of(data: bytes) -> set[str]:
    """Return the ciphertexts of values and comments, the MAC left out."""
    lines = [line for line in data.decode().splitlines() if not line.lstrip().startswith("mac:")]
    return set(CIPHERTEXT.findall("\n".join(lines)))


def without_comments(node: Node | Comment | Entry) -> object:
    match node:
        case Entry():
            return (node.key.value, without_comments(node.value))
        case Scalar():
            return leaf(node)
        case Comment():
            return None
        case _:
            kept = [item for item in node.items if not isinstance(item, Comment)]
            return (type(node).__name__, [without_comments(item) for item in kept])


def leaf(scalar: Scalar) -> object:
    """Return a leaf; a float without a fraction counts as an int, as sops writes it so."""
    if scalar.value is None:
        return None
    text = values.canonical(scalar.value)
    label = values.label(scalar.value)
    return ("int" if label == "float" and text.lstrip(b"-").isdigit() else label, text)


def texts_of_comments(documents: list[Mapping], *, aliased: bool = True) -> list[str]:
    """Return the texts of all comments, sorted: a reader may find one in another container."""
    found: list[str] = []
    waiting: list[Node | Comment | Entry] = [*documents]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Comment):
            found.append(node.text)
        elif isinstance(node, Entry):
            waiting.append(node.value)
        elif not isinstance(node, Scalar) and (aliased or not node.alias):
            waiting += node.items
    return sorted(found)


def leaf_paths(node: Node, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return the path of every leaf."""
    if isinstance(node, Scalar):
        return [path]
    if isinstance(node, Mapping):
        return [one for entry in node.entries() for one in leaf_paths(entry.value, (*path, str(entry.key.value)))]
    elements = [item for item in node.items if not isinstance(item, Comment)]
    return [one for index, item in enumerate(elements) for one in leaf_paths(item, (*path, index))]
