"""Reading whole texts: every object in order with its place, or an error and nothing."""

from __future__ import annotations

import pytest

from secretsync.documents.tree import Limits
from secretsync.errors import DuplicateKeyError, FormatError, LimitError, ManifestError, ParseError, SecretsyncError
from secretsync.manifests.objects import identify
from secretsync.manifests.reading import read
from secretsync.manifests.trees import Unquoted

CONFIG = "kind: ConfigMap\nmetadata: {name: %s}\n"


def names(text: str) -> list[tuple[str, str]]:
    return [(location, identify(obj).name) for location, obj in read(text.encode())]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (CONFIG % "a", [("", "a")]),
        (CONFIG % "a" + "--- # next\n" + CONFIG % "b", [("#1", "a"), ("#2", "b")]),
        ("# only\n---\n" + CONFIG % "a", [("", "a")]),
        ('{"metadata": {"name": "a"}}\n{"metadata": {"name": "b"}}', [("#1", "a"), ("#2", "b")]),
        ('{"metadata": {"name": "a"}}\n---\nmetadata: {name: b}\n', [("#1", "a"), ("#2", "b")]),
        ("{metadata: {name: a}}", [("", "a")]),
        ("\ufeff" + CONFIG % "a", [("", "a")]),
        ((CONFIG % "a").replace("\n", "\r\n"), [("", "a")]),
        (
            (
                "apiVersion: v1\nkind: List\nitems:\n- metadata: {name: a}\n- kind: List\n  apiVersion: v1\n"
                "  items: [{metadata: {name: b}}]\n"
            ),
            [("items[0]", "a"), ("items[1].items[0]", "b")],
        ),
    ],
)
def test_objects_come_in_order_with_their_places(text: str, found: list[tuple[str, str]]) -> None:
    assert names(text) == found


def test_items_of_a_typed_list_get_its_kind() -> None:
    ((_, obj),) = read(b"apiVersion: v1\nkind: SecretList\nitems: [{metadata: {name: a}}]\n")
    assert str(identify(obj)) == "Secret a"
    assert identify(obj).api_version == "v1"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (b"", ManifestError),
        (b"# nothing\n", FormatError),
        (b"just words", SecretsyncError),
        (b"[1, 2]", SecretsyncError),
        (b"a: 1\n---\njust words\n---\nb: 1\n", SecretsyncError),
        (b"a: [1\n", ParseError),
        (b"a: 1\na: 2\n", DuplicateKeyError),
        (b"1: a\ntrue: b\n", DuplicateKeyError),
        (b'{"a": 1, "a": 2}', DuplicateKeyError),
        (b'{"a": {"b": 1, "b": 2}}', DuplicateKeyError),
        (b'{"a": 1} words', ParseError),
        (b'{"a": 1}{"b"', ParseError),
        (b'{"a": NaN}', ParseError),
        (b'{"a": "' + b"\xff" + b'"}', ParseError),
        ("a: 1\n".encode("utf-16"), ParseError),
        (b"a: \x00", ParseError),
        (b'{"a":' * 100_000, LimitError),
        (b"a:\n\tb: 1\n", ParseError),
        (b"apiVersion: v1\nkind: List\nitems: 5\n", ManifestError),
        (b"apiVersion: v1\nkind: List\nitems: [5]\n", ManifestError),
    ],
)
def test_a_text_with_anything_that_is_no_object_is_refused_whole(text: bytes, error: type[SecretsyncError]) -> None:
    with pytest.raises(error):
        read(text)


def test_limits_hold_for_size_and_documents() -> None:
    with pytest.raises(LimitError):
        read(b'{"a": 1}' * 3, limits=Limits(documents=2))
    with pytest.raises(LimitError):
        read(b'{"a": 1}' * 3, limits=Limits(size=20))


@pytest.mark.parametrize("word", ["y", "Yes", "NO", "off", "On"])
def test_a_word_yaml_1_1_takes_for_a_boolean_stays_marked_unless_quoted(word: str) -> None:
    ((_, obj),) = read(f"a: {word}\nb: '{word}'\n".encode())
    assert type(obj["a"]) is Unquoted
    assert type(obj["b"]) is str


@pytest.mark.parametrize(
    ("obj", "text"),
    [
        ({"kind": "Secret", "metadata": {"name": "db", "namespace": "prod"}}, "Secret prod/db"),
        ({"kind": "Secret", "metadata": {"name": "db"}}, "Secret db"),
        ({"metadata": {"name": 5}}, "object"),
        ({}, "object"),
    ],
)
def test_an_identity_reads_as_kind_namespace_and_name(obj: dict[str, object], text: str) -> None:
    assert str(identify(obj)) == text
