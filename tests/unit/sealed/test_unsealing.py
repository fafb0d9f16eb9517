"""Unsealing: all items or an error that names each bad one, and the cause where it can be known."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from secretsync.errors import ManifestError, TemplateActionError, UnsealError
from secretsync.sealed import items, seal, unseal
from tests.unit.sealed.keys import certificate, private_keys
from tests.unit.sealed.test_sealing import WIDE, opened, secret


@pytest.fixture
def sealed() -> Any:
    return copy.deepcopy(seal(secret(stringData={"a": "1", "b": "2"}, type="Opaque"), certificate()))


def flip(item: str) -> str:
    return item[:-8] + ("A" if item[-8] != "A" else "B") + item[-7:]


def test_the_secret_has_the_fields_of_the_template_and_no_owner_without_uid(sealed: Any) -> None:
    assert unseal(sealed, private_keys()) == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "db", "namespace": "prod"},
        "data": {"a": "MQ==", "b": "Mg=="},
        "type": "Opaque",
    }


def test_an_object_from_the_cluster_gets_its_owner(sealed: Any) -> None:
    sealed["metadata"]["uid"] = "1-2-3"
    metadata: Any = unseal(sealed, private_keys())["metadata"]
    assert metadata["ownerReferences"] == [
        {
            "apiVersion": "bitnami.com/v1alpha1",
            "kind": "SealedSecret",
            "name": "db",
            "uid": "1-2-3",
            "controller": True,
        }
    ]


def test_owners_of_the_template_stay_if_the_template_says_so(sealed: Any) -> None:
    own = [{"kind": "X", "name": "y", "uid": "z", "apiVersion": "v1"}]
    metadata = sealed["spec"]["template"]["metadata"]
    metadata["ownerReferences"] = own
    assert "ownerReferences" not in unseal(sealed, private_keys())["metadata"]  # type: ignore[operator]
    metadata["annotations"] = {"sealedsecrets.bitnami.com/skip-set-owner-references": "true"}
    assert unseal(sealed, private_keys())["metadata"]["ownerReferences"] == own  # type: ignore[index]


def test_every_bad_item_is_named_once_with_its_own_reason(sealed: Any) -> None:
    encrypted = sealed["spec"]["encryptedData"]
    encrypted.update(c="%%", d=None, e="AQ==", a=flip(encrypted["a"]))
    with pytest.raises(UnsealError) as caught:
        unseal(sealed, private_keys())
    assert caught.value.message.split("; ") == [
        "a: no key opens it under this name, namespace and scope",
        "c: not valid base64 (standard alphabet, padded)",
        "d: not a string",
        "e: truncated, or not a sealed item",
    ]


def test_a_key_of_another_size_is_told_from_a_wrong_key(sealed: Any) -> None:
    with pytest.raises(UnsealError, match="RSA key of 2048 bits, and the keys given have 4096"):
        unseal(sealed, private_keys("a"))


def test_no_key_at_all_names_the_missing_option(sealed: Any) -> None:
    with pytest.raises(UnsealError) as caught:
        unseal(sealed, [])
    assert "--recovery-private-key" in (caught.value.hint or "")


@pytest.mark.parametrize("scope", ["namespace-wide", "cluster-wide"])
def test_a_scope_annotation_on_the_template_alone_is_named_as_the_cause(scope: str) -> None:
    sealed: Any = copy.deepcopy(seal(secret(), certificate(), scope=scope))
    del sealed["metadata"]["annotations"]
    with pytest.raises(UnsealError, match=f"scope {scope}.*spec.template does not count") as caught:
        unseal(sealed, private_keys())
    assert caught.value.hint == f'add to metadata.annotations: {WIDE[scope]}: "true"'


def test_a_widened_annotation_is_named_as_the_cause(sealed: Any) -> None:
    sealed["metadata"]["annotations"] = {WIDE["cluster-wide"]: "true"}
    with pytest.raises(UnsealError, match="sealed with scope strict"):
        unseal(sealed, private_keys())


@pytest.mark.parametrize("field", ["name", "namespace"])
def test_a_renamed_object_is_told_its_old_name(sealed: Any, field: str) -> None:
    sealed["metadata"][field] = "moved"
    with pytest.raises(UnsealError, match="sealed as prod/db, and the object is now"):
        unseal(sealed, private_keys())


def test_plain_template_data_is_copied_but_an_item_of_the_name_wins(sealed: Any) -> None:
    sealed["spec"]["template"]["data"] = {"a": "plain", "config": "static }} text"}
    assert opened(sealed) == {"a": b"1", "b": b"2", "config": b"static }} text"}


def test_null_in_template_data_takes_the_key_away(sealed: Any) -> None:
    sealed["spec"]["template"]["data"] = {"a": None}
    assert opened(sealed) == {"b": b"2"}


def test_go_template_actions_are_named_and_not_rendered(sealed: Any) -> None:
    sealed["spec"]["template"]["data"] = {"ok": "x", "url": "{{ .a }}"}
    with pytest.raises(TemplateActionError, match="url"):
        unseal(sealed, private_keys())


def test_nulls_of_old_files_read_as_absent(sealed: Any) -> None:
    sealed["status"] = {}
    sealed["metadata"]["creationTimestamp"] = None
    sealed["spec"]["template"].update(data=None, metadata=None)
    assert opened(sealed) == {"a": b"1", "b": b"2"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "Secret"}, "not a SealedSecret"),
        ({"apiVersion": "bitnami.com/v1beta1"}, "v1beta1"),
        ({"metadata": {}}, "no name"),
        ({"metadata": {"name": "db"}}, "no namespace"),
        ({"spec": {"encryptedData": []}}, "must be a mapping"),
        ({"spec": {"encryptedData": {"a/b": "x"}}}, "legal key"),
        ({"spec": {"encryptedData": {"a": "x"}, "data": "YQ=="}}, "cannot stand together"),
        ({"spec": {"template": {"data": {"c": 5}}}}, "spec.template.data.c"),
        ({"spec": {"template": {"immutable": "yes"}}}, "spec.template.immutable"),
        ({"spec": {"template": {"metadata": {"labels": {"a": 1}}}}}, "labels.a"),
    ],
)
def test_an_object_that_is_no_valid_sealed_secret_is_refused(sealed: Any, change: dict[str, Any], words: str) -> None:
    with pytest.raises(ManifestError, match=words):
        unseal({**sealed, **change}, private_keys())


def legacy(text: str) -> Any:
    blob = items.seal(text.encode(), certificate(), b"prod/db")
    metadata = {"name": "db", "namespace": "prod"}
    return {"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "metadata": metadata, "spec": {"data": blob}}


def test_the_legacy_form_holds_a_whole_secret_and_takes_its_place_from_the_object() -> None:
    inner = secret(metadata={"name": "other", "labels": {"from": "blob"}}, type="t", immutable=True)
    found = unseal(legacy(json.dumps(inner)), private_keys())
    assert found["metadata"] == {"name": "db", "namespace": "prod", "labels": {"from": "blob"}}
    assert (found["data"], found["type"], found["immutable"]) == ({"password": "czNjcjN0"}, "t", True)


@pytest.mark.parametrize("text", ["", "[]", "null", '{"kind": "Secret"', "[" * 5000])
def test_a_legacy_item_that_holds_no_secret_is_an_unseal_error(text: str) -> None:
    with pytest.raises((UnsealError, ManifestError)):
        unseal(legacy(text), private_keys())


@pytest.mark.parametrize(("blob", "words"), [("%%", "base64"), ("AQ==", "no key opens it")])
def test_a_damaged_legacy_item_is_an_unseal_error(blob: str, words: str) -> None:
    sealed = legacy("{}")
    sealed["spec"]["data"] = blob
    with pytest.raises(UnsealError, match=words):
        unseal(sealed, private_keys())


def test_a_template_that_skips_the_owner_and_names_none_gets_none(sealed: Any) -> None:
    sealed["metadata"]["uid"] = "1"
    sealed["spec"]["template"]["metadata"]["annotations"] = {
        "sealedsecrets.bitnami.com/skip-set-owner-references": "true"
    }
    sealed["spec"]["template"]["metadata"]["finalizers"] = ["x/y"]
    metadata: Any = unseal(sealed, private_keys())["metadata"]
    assert "ownerReferences" not in metadata
    assert metadata["finalizers"] == ["x/y"]


@pytest.mark.parametrize("own", ["strict", "namespace-wide", "cluster-wide"])
@pytest.mark.parametrize("said", ["namespace-wide", "cluster-wide", None])
def test_the_secret_carries_the_scope_that_opened_whatever_the_template_says(own: str, said: str | None) -> None:
    sealed: Any = copy.deepcopy(seal(secret(), certificate(), scope=own))
    annotations = {WIDE[said]: "true"} if said else {}
    sealed["spec"]["template"]["metadata"]["annotations"] = {**annotations, "team": "a"}
    again: Any = seal(unseal(sealed, private_keys()), certificate())
    expected = {WIDE[own]: "true"} if own in WIDE else {}
    assert again["metadata"].get("annotations", {}) == expected
    assert again["spec"]["template"]["metadata"]["annotations"] == {**expected, "team": "a"}


def test_the_inner_annotations_of_the_legacy_form_widen_nothing() -> None:
    inner = secret(metadata={"annotations": {WIDE["cluster-wide"]: "true"}})
    assert "annotations" not in unseal(legacy(json.dumps(inner)), private_keys())["metadata"]  # type: ignore[operator]
