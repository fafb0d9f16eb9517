"""What is left of reading a Secret strictly: fields of the wrong type, and what must not show."""

from __future__ import annotations

from typing import Any

import pytest

from secretsync.documents.tree import Entry, Mapping, Scalar, Sequence, Timestamp
from secretsync.errors import DuplicateKeyError, ManifestError
from secretsync.manifests.objects import flatten, is_list
from secretsync.manifests.secret import parse
from secretsync.manifests.trees import Unquoted, to_object


def secret(**fields: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}, **fields}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"metadata": []}, "metadata: must be a mapping"),
        ({"metadata": {"name": "a", "finalizers": "x"}}, "finalizers: must be a list"),
        ({"metadata": {"name": "a", "finalizers": [1]}}, r"finalizers\[0\]: a number"),
        ({"metadata": {"name": 1}}, "metadata.name: a number"),
        ({"metadata": {"name": Unquoted("no")}}, "unquoted word"),
        ({"data": {"a": b"x"}}, "data.a: binary data"),
        ({"data": {"a": {}}}, "data.a: a mapping"),
        ({"stringData": {"a": Timestamp("2020-01-01T00:00:00Z")}}, "stringData.a: a timestamp"),
        ({"stringData": {Unquoted("y"): "x"}}, "key 'y' is an unquoted word"),
        ({"stringData": {None: "x"}}, "key 'None' is null"),
        ({"data": {"a": "YQ==\t"}}, "data.a: not valid base64"),
    ],
)
def test_a_field_of_the_wrong_type_is_named(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ManifestError, match=words):
        parse(secret(**fields))


def test_null_is_the_empty_text_and_the_empty_mapping() -> None:
    read = parse(secret(data=None, stringData={"a": None}, type=None, metadata={"name": "db", "labels": None}))
    assert (read.values, read.type, read.labels, read.finalizers) == ({"a": b""}, "", {}, [])


def test_a_secret_does_not_show_its_values() -> None:
    assert repr(parse(secret(stringData={"a": "hidden"}))) == "Secret(/db)"


def test_an_empty_list_holds_nothing_and_a_scalar_is_no_list() -> None:
    assert list(flatten({"apiVersion": "v1", "kind": "List", "items": None})) == []
    assert not is_list("List")


def test_a_tree_with_a_key_twice_has_no_plain_form() -> None:
    tree = Mapping([Entry(Scalar("a"), Scalar(1)), Entry(Scalar("a"), Scalar(2))])
    with pytest.raises(DuplicateKeyError, match="'a'"):
        to_object(Sequence([tree]))
