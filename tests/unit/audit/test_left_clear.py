"""What seems to be secret and would lie in the clear; and the honest neighbours, which are let through."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from secretsync.audit import left_clear
from secretsync.documents.stores import store_named
from secretsync.sops.selectors import Selector

SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {token: x}\n"
KUBERNETES = Selector("encrypted_regex", "^(data|stringData)$")


def first(text: str, selector: Selector = KUBERNETES, before: str = "") -> left_clear.LeftClear | None:
    store = store_named("yaml")
    return left_clear.first(store.load(text.encode()).documents, selector, store.load(before.encode()).documents)


@pytest.mark.parametrize(
    ("added", "place", "reason"),
    [
        ("password: hunter2", "#1 password", "no field 'password'"),
        ("strngData: {a: hunter2}", "#1 strngData.a", "no field 'strngData'"),
        ("Data: {a: hunter2}", "#1 Data.a", "no field 'Data'"),
        ("spec: [hunter2]", "#1 spec[0]", "no field 'spec'"),
    ],
)
def test_a_field_that_a_secret_does_not_have_is_named(added: str, place: str, reason: str) -> None:
    found = first(f"{SECRET}{added}\n")
    assert found is not None
    assert (found.place, reason in found.reason) == (place, True)
    assert "hunter2" not in str(found.error())


@pytest.mark.parametrize(
    "name",
    [
        "password", "db_password", "DB-PASSWORD", "dbPassword", "smtp.password", "clientSecret", "api_key", "apiKey",
        "AWS_SECRET_ACCESS_KEY", "accessToken", "pwd", "privateKey", "credentials",
    ],
)  # fmt: skip
def test_a_secret_name_is_one_in_any_spelling(name: str) -> None:
    assert first(f"{name}: hunter2\ndata: x\n") is not None
    assert first(f"a: [{{{name}: [hunter2]}}]\ndata: x\n") is not None
    assert first(f"env: [{{name: {name}, value: hunter2}}]\ndata: x\n") is not None


@pytest.mark.parametrize(
    "name",
    [
        "passwordPolicy", "tokenTTL", "secretName", "existingSecret", "imagePullSecret", "secretRef", "key", "keys", "auth",
        "compass", "bypass", "tokenizer", "passwordSecretName", "tlsSecret", "secrets", "publicKey", "tokens_per_minute",
    ],
)  # fmt: skip
def test_a_name_that_only_speaks_of_secrets_is_none(name: str) -> None:
    assert first(f"{name}: something\ndata: x\n") is None


@pytest.mark.parametrize(
    "value",
    [
        "${DB_PASSWORD}",
        "<path:kv/data/db#password>",
        "op://v/i/f",
        "ref+vault://x#/y",
        "true",
        "",
        "null",
        "'{{ .pw }}'",
    ],
)
def test_what_stands_for_a_secret_is_none(value: str) -> None:
    assert first(f"password: {value}\ndata: x\n") is None


@pytest.mark.parametrize(
    "text",
    [
        f"{SECRET}type: Opaque\nimmutable: true\nx-note: hunter2\n",
        SECRET.replace("{name: a}", "{name: a, labels: {token: x}, annotations: {password: y}}"),
        "kind: ConfigMap\nmetadata: {name: a}\ndata: {password: x}\n",
        "env: [{name: A, valueFrom: {secretKeyRef: {name: db, key: password}}}]\ndata: x\n",
        "date: 1\ndata: x\n",
        "host1: a\nhost2: b\ndata: x\n",
    ],
)
def test_honest_neighbours_pass(text: str) -> None:
    assert first(text) is None


def test_a_name_that_is_nearly_an_encrypted_neighbour_is_a_slip() -> None:
    selector = Selector("encrypted_regex", "^(connection|endpoints)$")
    found = first("a: {connection: x, conxnection: y}\n", selector)
    assert found is not None
    assert (found.place, found.remedy) == ("#1 a.conxnection", "call it connection")
    assert first("a: {endpoints: x, endpoint: y}\nconxnection: z\n", selector) is None


@pytest.mark.parametrize("kind", ["unencrypted_regex", "unencrypted_suffix"])
def test_what_a_rule_leaves_in_the_clear_by_name_is_meant(kind: str) -> None:
    assert first("password: hunter2\nother: x\n", Selector(kind, "password")) is None


def test_only_what_is_new_or_changed_counts() -> None:
    before = "list: [{password: a}]\ndata: x\n"
    assert first("list: [{password: z}, {password: a}]\ndata: y\n", before=before) is not None
    assert first("more: 1\nlist: [{b: 1}, {password: a}]\ndata: y\n", before=before) is None


def test_a_secret_in_a_list_is_one() -> None:
    item = "{kind: Secret, apiVersion: v1, stringData: {a: x}, fields: {b: hunter2}}"
    found = first(f"kind: List\napiVersion: v1\nitems: [{item}]\n")
    assert found is not None
    assert found.place == "#1 items[0].fields.b"
    assert first(f"kind: List\napiVersion: v1\nitems: [{item.replace('fields', 'data')}]\nitem: y\n") is None


def test_every_document_is_looked_at() -> None:
    found = first(f"{SECRET}---\n{SECRET}password: hunter2\n")
    assert found is not None
    assert found.place == "#2 password"


@pytest.mark.parametrize(
    ("annotation", "shown"),
    [
        ({"kubectl.kubernetes.io/last-applied-configuration": '{"kind":"Secret","apiVersion":"v1","stringData":{"a":"x"}}'}, 1),
        ({"kubectl.kubernetes.io/last-applied-configuration": '{"kind":"Secret","apiVersion":"v1"}'}, 0),
        ({"kubectl.kubernetes.io/last-applied-configuration": "{"}, 0),
        ({"other": '{"kind":"Secret","apiVersion":"v1","stringData":{"a":"x"}}'}, 0),
    ],
)  # fmt: skip
def test_copies_of_kubectl_are_found(annotation: Mapping[str, str], shown: int) -> None:
    text = "".join(f"    {name}: '{value}'\n" for name, value in annotation.items())
    documents = (
        store_named("yaml").load(f"kind: Secret\nmetadata:\n  annotations:\n{text}data: {{a: x}}\n".encode()).documents
    )
    assert len(list(left_clear.copies(documents, KUBERNETES))) == shown
    assert not list(left_clear.copies(documents, Selector.default()))


def test_the_page_lists_every_name() -> None:
    page = (Path(__file__).parents[3] / "docs" / "reference" / "check-configuration.md").read_text()
    listed = page.partition("## Names of secrets")[2].rpartition("\n\n")[2]
    assert {word for word in listed.split("`")[1::2] if word.islower() and word.isalpha()} == left_clear.SECRET_NAMES
