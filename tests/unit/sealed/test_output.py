"""Output: the layout kubeseal prints, which every YAML reader takes for the same values."""

from __future__ import annotations

import json

from secretsync.manifests.reading import read
from secretsync.sealed import seal
from secretsync.sealed.output import dump
from tests.unit.sealed.keys import certificate
from tests.unit.sealed.test_sealing import secret

AMBIGUOUS = ("y", "no", "1e3", "0123", "null", "true", "2020-01-01", "0x1F", ".inf", "1.50", "_1", "0o17")


def test_yaml_documents_are_each_preceded_by_their_separator_and_sorted() -> None:
    text = dump([{"b": {"d": "1", "c": "2"}, "a": "3"}, {"a": "4"}], "yaml")
    assert text == b'---\na: "3"\nb:\n  c: "2"\n  d: "1"\n---\na: "4"\n'


def test_json_objects_have_the_fields_in_the_order_of_kubernetes_types() -> None:
    sealed = seal(
        secret(type="Opaque", immutable=True, metadata={"labels": {"kind": "1", "app": "2"}, "finalizers": ["x"]}),
        certificate(),
    )
    found = json.loads(dump([sealed], "json"))
    assert list(found) == ["kind", "apiVersion", "metadata", "spec"]
    assert list(found["spec"]) == ["template", "encryptedData"]
    assert list(found["spec"]["template"]) == ["metadata", "type", "immutable"]
    assert list(found["spec"]["template"]["metadata"]["labels"]) == ["app", "kind"]
    plain = {"apiVersion": "v1", "kind": "Secret", "metadata": {}, "type": "t", "data": {}, "immutable": False}
    assert list(json.loads(dump([plain], "json"))) == ["kind", "apiVersion", "metadata", "immutable", "data", "type"]


def test_keys_and_values_that_yaml_1_1_misreads_are_quoted() -> None:
    sealed = seal(
        secret(stringData=dict.fromkeys(AMBIGUOUS, "v"), metadata={"labels": dict.fromkeys(AMBIGUOUS, "off")}),
        certificate(),
    )
    text = dump([sealed], "yaml").decode()
    assert all(f'"{word}": ' in text for word in AMBIGUOUS if word != "_1")
    ((_, back),) = read(text.encode())
    assert back == sealed
