"""Merging: the target's place and scope count, and every byte that is not edited stays."""

from __future__ import annotations

import json
from typing import Any

import pytest

from secretsync.errors import ConflictingOptionsError, ManifestError
from secretsync.manifests.reading import Located, read
from secretsync.sealed import Sealer, seal
from secretsync.sealed.merge import merge_text
from secretsync.sealed.output import dump
from secretsync.sealed.privatekeys import UnsealingKey
from secretsync.sealed.streams import unseal_all
from tests.unit.sealed.keys import certificate, private_keys
from tests.unit.sealed.test_sealing import WIDE, secret

KEYS: tuple[UnsealingKey, ...] = private_keys()


def text_of(form: Any = "yaml", **options: Any) -> bytes:
    return dump([seal(secret(stringData={"keep": "1", "old": "2"}), certificate(), **options)], form)


def addition(**fields: Any) -> list[Located]:
    return [Located("", secret(**{"stringData": {"added": "3"}, **fields}))]


def values(data: bytes) -> list[Any]:
    return [obj["data"] for obj in unseal_all(data, KEYS)]


def test_comments_quotes_and_order_of_the_target_stay() -> None:
    target = b"# first\n" + text_of().replace(b"spec:", b"spec: # here").replace(b"name: db", b'name: "db"')
    merged = merge_text(target, addition(), Sealer(certificate())).data
    lines = merged.splitlines()
    assert [line for line in lines if line in target.splitlines()] == target.splitlines()
    assert len(lines) == len(target.splitlines()) + 1
    assert values(merged) == [{"keep": "MQ==", "old": "Mg==", "added": "Mw=="}]


def test_json_stays_json() -> None:
    merged = merge_text(text_of("json"), addition(), Sealer(certificate())).data
    assert list(json.loads(merged)["spec"]["encryptedData"]) == ["keep", "old", "added"]


@pytest.mark.parametrize("scope", ["strict", "namespace-wide", "cluster-wide"])
def test_new_items_are_sealed_with_the_scope_of_the_target(scope: str) -> None:
    target = text_of(scope=scope)
    merged = merge_text(target, addition(metadata={"name": "x", "namespace": "y"}), Sealer(certificate())).data
    assert values(merged)[0]["added"] == "Mw=="


def test_another_scope_is_a_conflict() -> None:
    with pytest.raises(ConflictingOptionsError, match="target's scope is strict"):
        merge_text(text_of(), addition(), Sealer(certificate()), scope="cluster-wide")


def test_missing_maps_are_made_and_engines_annotations_go_to_the_object_too() -> None:
    labels = {"metadata": {"labels": {"l": "1"}, "annotations": {"argocd.argoproj.io/sync-wave": "2", "own": "3"}}}
    merged = merge_text(text_of(), addition(**labels), Sealer(certificate())).data
    ((_, obj),) = read(merged)
    template: Any = obj["spec"]["template"]["metadata"]  # type: ignore[index]
    assert template["labels"] == {"l": "1"}
    assert template["annotations"] == {"argocd.argoproj.io/sync-wave": "2", "own": "3"}
    assert obj["metadata"]["annotations"] == {"argocd.argoproj.io/sync-wave": "2"}  # type: ignore[index]


def test_a_scope_annotation_of_the_secret_is_left_out_with_a_warning() -> None:
    wide = addition(metadata={"annotations": {WIDE["cluster-wide"]: "true"}})
    merged = merge_text(text_of(), wide, Sealer(certificate()))
    assert b"cluster-wide" not in merged.data
    assert "scope cluster-wide" in merged.warnings[0]


def test_a_type_that_differs_is_left_out_with_a_warning() -> None:
    merged = merge_text(text_of(), addition(type="kubernetes.io/tls", immutable=True), Sealer(certificate()))
    assert [warning.split()[0] for warning in merged.warnings] == ["type", "immutable"]
    assert b"tls" not in merged.data


def test_with_several_targets_each_secret_goes_to_its_own() -> None:
    two = text_of() + dump([seal(secret(metadata={"name": "two"}), certificate())], "yaml")
    merged = merge_text(two, addition(metadata={"name": "two"}), Sealer(certificate())).data
    first, second = values(merged)
    assert set(first) == {"keep", "old"}
    assert set(second) == {"password", "added"}
    with pytest.raises(ManifestError, match="none is prod/third"):
        merge_text(two, addition(metadata={"name": "third"}), Sealer(certificate()))


@pytest.mark.parametrize("target", [b"kind: ConfigMap\napiVersion: v1\n", b'{"kind": "Secret", "apiVersion": "v1"}'])
def test_a_target_without_a_sealed_secret_is_refused(target: bytes) -> None:
    with pytest.raises(ManifestError, match="no SealedSecret"):
        merge_text(target, addition(), Sealer(certificate()))


def test_a_secret_without_data_is_refused() -> None:
    with pytest.raises(ManifestError, match="no data"):
        merge_text(text_of(), addition(stringData={}), Sealer(certificate()))


def test_a_legacy_target_is_refused() -> None:
    target = (
        b"apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: a, namespace: b}\nspec: {data: YQ==}\n"
    )
    with pytest.raises(ManifestError, match="legacy"):
        merge_text(target, addition(), Sealer(certificate()))


@pytest.mark.parametrize("start", [b"", b"{"])
def test_an_empty_target_gets_its_maps(start: bytes) -> None:
    target = b"apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: db, namespace: prod}\n"
    if start:
        target = b"{apiVersion: bitnami.com/v1alpha1, kind: SealedSecret, metadata: {name: db, namespace: prod}}\n"
    assert values(merge_text(target, addition(), Sealer(certificate())).data) == [{"added": "Mw=="}]


def test_the_place_of_a_bad_secret_is_named() -> None:
    bad = [Located("#2", secret(stringData={"a": 1}))]
    with pytest.raises(ManifestError, match=r"#2 stringData\.a"):
        merge_text(text_of(), bad, Sealer(certificate()))
