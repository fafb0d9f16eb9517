"""What a revealed Secret must be: values that the API server takes, or an error that names them and shows none."""

from __future__ import annotations

import pytest

from secretsync.errors import ManifestError
from tests.unit.render.workshop import CONFIG, SECRET, encrypted, stream

HEAD = "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\n"


@pytest.mark.parametrize(
    ("values", "place"),
    [
        ("stringData: {port: 5432}\n", "stringData.port"),
        ("stringData: {on: true}\n", "stringData.on"),
        ("stringData: {when: 2026-11-24}\n", "stringData.when"),
        ("stringData: {list: [a]}\n", "stringData.list"),
        ("data: {password: hunter-2}\n", "data.password"),
        ("data: {password: aHVudGVy}\nstringData: {a: 1.5}\n", "stringData.a"),
        ("data: {password: aHVudGVyMg}\n", "data.password"),
    ],
)
def test_a_decrypted_value_that_kubernetes_refuses_is_an_error_that_names_it(values: str, place: str) -> None:
    with pytest.raises(ManifestError) as caught:
        stream(encrypted(HEAD + values))
    assert caught.value.location is not None
    assert caught.value.location.endswith(place)
    assert "hunter" not in str(caught.value)


def test_the_document_is_named_where_there_are_several() -> None:
    with pytest.raises(ManifestError, match=r"#2 data\.password"):
        stream(CONFIG + "---\n" + encrypted(HEAD + "data: {password: hunter-2}\n").decode())


@pytest.mark.parametrize(
    "values", ['data:\n  a: aGk=\n  b: ""\n  c: null\n', "data:\n  a: |-\n    aG\n    k=\n", "data: {}\n"]
)
def test_what_kubernetes_takes_is_left_as_it_is(values: str) -> None:
    text = HEAD + values + "stringData:\n  password: x\n"
    assert stream(encrypted(text)) == text


def test_a_secret_in_the_clear_passes_untouched() -> None:
    plain = HEAD + "stringData: {port: 5432}\n"
    assert stream(encrypted(SECRET).decode() + "---\n" + plain).endswith(plain)
