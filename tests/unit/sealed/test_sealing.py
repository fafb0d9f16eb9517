"""Sealing: what goes into the object, what is left out, and what is refused."""

from __future__ import annotations

import base64
import pickle
from typing import Any

import pytest

from secretsync.crypto import oaep
from secretsync.errors import ConfigError, ConflictingOptionsError, ManifestError, PlaintextError, SecretsyncError
from secretsync.sealed import seal, unseal
from secretsync.sealed.deterministic import SealKey
from secretsync.secrecy import SecretBytes
from tests.unit.sealed.keys import certificate, private_keys

KEY = SealKey.from_data_key(SecretBytes(bytes(range(32))))
WIDE = {scope: f"sealedsecrets.bitnami.com/{scope}" for scope in ("namespace-wide", "cluster-wide")}


def secret(**fields: Any) -> dict[str, Any]:
    metadata = {"name": "db", "namespace": "prod", **fields.pop("metadata", {})}
    base = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"password": "s3cr3t"}}
    return {**base, **fields}


def opened(sealed: dict[str, Any]) -> dict[str, bytes]:
    return {key: base64.b64decode(value) for key, value in unseal(sealed, private_keys())["data"].items()}  # type: ignore[attr-defined]


def test_fields_stand_in_the_order_kubeseal_writes_them() -> None:
    full = secret(
        type="Opaque",
        immutable=False,
        metadata={"labels": {"b": "1", "a": "2"}, "annotations": {"x": "y"}, "finalizers": ["f/x"]},
    )
    sealed = seal(full, certificate())
    assert list(sealed) == ["apiVersion", "kind", "metadata", "spec"]
    assert list(sealed["spec"]) == ["encryptedData", "template"]  # type: ignore[call-overload]
    template = sealed["spec"]["template"]  # type: ignore[index]
    assert list(template) == ["immutable", "metadata", "type"]
    assert template["metadata"] == {
        "annotations": {"x": "y"},
        "finalizers": ["f/x"],
        "labels": {"a": "2", "b": "1"},
        "name": "db",
        "namespace": "prod",
    }
    assert template["immutable"] is False
    assert sealed["metadata"] == {"name": "db", "namespace": "prod"}


def test_string_data_wins_over_data_and_values_survive_the_round_trip() -> None:
    both = secret(data={"password": "b2xk", "bin": base64.b64encode(bytes(range(256))).decode()})
    assert opened(seal(both, certificate())) == {"bin": bytes(range(256)), "password": b"s3cr3t"}


def test_annotations_of_sync_engines_stand_on_both_objects() -> None:
    engines = {
        "argocd.argoproj.io/sync-wave": "-1",
        "helm.sh/hook": "pre-install",
        "kustomize.toolkit.fluxcd.io/prune": "disabled",
    }
    sealed: Any = seal(secret(metadata={"annotations": {**engines, "own": "1"}}), certificate())
    assert sealed["metadata"]["annotations"] == engines
    assert sealed["spec"]["template"]["metadata"]["annotations"] == {**engines, "own": "1"}


def test_what_a_server_or_a_client_left_behind_is_not_sealed_into_the_template() -> None:
    left = {
        "generateName": "db-",
        "managedFields": [{"manager": "kubectl"}],
        "ownerReferences": [{"kind": "X"}],
        "uid": "u",
        "resourceVersion": "1",
        "creationTimestamp": None,
        "annotations": {
            "kubectl.kubernetes.io/last-applied-configuration": "plaintext",
            "kubecfg.ksonnet.io/last-applied-configuration": "plaintext",
        },
    }
    sealed: Any = seal(secret(metadata=left), certificate())
    assert sealed["spec"]["template"]["metadata"] == {"name": "db", "namespace": "prod"}


def test_go_template_actions_are_carried_as_they_are() -> None:
    sealed: Any = seal(secret(), certificate(), template_data={"url": "pg://{{ .password }}@db"})
    assert sealed["spec"]["template"]["data"] == {"url": "pg://{{ .password }}@db"}


@pytest.mark.parametrize("scope", ["namespace-wide", "cluster-wide"])
def test_a_wider_scope_is_written_on_both_objects_and_survives_a_rename(scope: str) -> None:
    sealed: Any = seal(secret(), certificate(), scope=scope)
    assert sealed["metadata"]["annotations"] == {WIDE[scope]: "true"}
    assert sealed["spec"]["template"]["metadata"]["annotations"] == {WIDE[scope]: "true"}
    sealed["metadata"]["name"] = "renamed"
    assert opened(sealed) == {"password": b"s3cr3t"}


def test_scope_strict_on_an_annotated_secret_is_a_conflict() -> None:
    wide = secret(metadata={"annotations": {WIDE["cluster-wide"]: "true"}})
    with pytest.raises(ConflictingOptionsError):
        seal(wide, certificate(), scope="strict")


def test_a_cluster_wide_secret_gets_no_namespace() -> None:
    lone = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}, "data": {"a": "YQ=="}}
    sealed: Any = seal(lone, certificate(), scope="cluster-wide", namespace="x", default_namespace="y")
    assert sealed["metadata"] == {"annotations": {WIDE["cluster-wide"]: "true"}, "name": "db"}


def test_namespaces_are_filled_in_but_never_replaced() -> None:
    lone = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}, "data": {"a": "YQ=="}}
    assert seal(lone, certificate(), default_namespace="y")["metadata"] == {"name": "db", "namespace": "y"}
    with pytest.raises(ConflictingOptionsError):
        seal(secret(), certificate(), namespace="other")
    assert seal(secret(), certificate(), default_namespace="other")["metadata"] == {"name": "db", "namespace": "prod"}


REFUSED: dict[str, tuple[dict[str, Any], type[SecretsyncError], str]] = {
    "another kind": ({"kind": "ConfigMap"}, ManifestError, "ConfigMap"),
    "no kind": ({"kind": None}, ManifestError, "not a Secret"),
    "generateName alone": ({"metadata": {"name": "", "generateName": "x-"}}, ManifestError, "generateName"),
    "no namespace": ({"metadata": {"namespace": ""}}, ManifestError, "no namespace"),
    "no data": ({"stringData": {}}, ManifestError, "no data"),
    "name with a slash": ({"metadata": {"name": "a/b"}}, ManifestError, "legal object name"),
    "name in capitals": ({"metadata": {"name": "DB"}}, ManifestError, "legal object name"),
    "namespace with a dot": ({"metadata": {"namespace": "a.b"}}, ManifestError, "legal namespace"),
    "key with a space": ({"stringData": {"a b": ""}}, ManifestError, "legal key"),
    "empty key": ({"stringData": {"": ""}}, ManifestError, "legal key"),
    "a number": ({"stringData": {"port": 5432}}, ManifestError, "stringData.port: a number"),
    "a boolean": ({"stringData": {"on": True}}, ManifestError, "stringData.on: a boolean"),
    "a list": ({"stringData": {"l": []}}, ManifestError, "stringData.l: a list"),
    "a key that is no string": ({"stringData": {1: "x"}}, ManifestError, "key '1'"),
    "bad base64": ({"data": {"a": "%%%"}}, ManifestError, "data.a: not valid base64"),
    "unpadded base64": ({"data": {"a": "YWI"}}, ManifestError, "data.a: not valid base64"),
    "number as label": ({"metadata": {"labels": {"v": 1}}}, ManifestError, "metadata.labels.v"),
    "immutable as text": ({"immutable": "yes"}, ManifestError, "immutable"),
    "field in another case": ({"StringData": {"a": "b"}}, ManifestError, "'stringData'"),
    "sops metadata": ({"sops": {"mac": "x"}}, PlaintextError, "encrypted by sops"),
    "sops ciphertext": (
        {"stringData": {"a": "ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]"}},
        PlaintextError,
        "sops ciphertext",
    ),
    "data as a list": ({"data": []}, ManifestError, "data: a list"),
    "a lone surrogate": ({"stringData": {"a": "\ud800"}}, ManifestError, "surrogate"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_secret_kubernetes_would_not_take_is_refused_by_field_and_never_by_value(case: str) -> None:
    fields, error, words = REFUSED[case]
    with pytest.raises(error, match=words) as caught:
        seal(secret(**fields), certificate())
    assert "s3cr3t" not in str(caught.value)
    assert "5432" not in str(caught.value)


def test_an_empty_secret_is_sealed_on_request() -> None:
    assert seal(secret(stringData=None), certificate(), allow_empty_data=True)["spec"]["encryptedData"] == {}  # type: ignore[index]


def test_an_unknown_scope_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="global") as caught:
        seal(secret(), certificate(), scope="global")
    assert caught.value.hint == "use one of strict, namespace-wide, cluster-wide"


def test_a_seal_key_gives_the_same_bytes_twice_and_random_sealing_never_does() -> None:
    assert seal(secret(), certificate(), seal_key=KEY) == seal(secret(), certificate(), seal_key=KEY)
    assert seal(secret(), certificate()) != seal(secret(), certificate())
    assert opened(seal(secret(), certificate(), seal_key=KEY)) == {"password": b"s3cr3t"}


def item_of(secret_: dict[str, Any], key: SealKey = KEY, name: str = "rsa2048", **options: Any) -> str:
    sealed: Any = seal(secret_, certificate(name), seal_key=key, **options)
    items: dict[str, str] = sealed["spec"]["encryptedData"]
    return next(iter(items.values()))[-20:]


def test_every_part_of_the_place_changes_the_session_key() -> None:
    tail = {
        item_of(secret()),
        item_of(secret(), name="a"),
        item_of(secret(), scope="namespace-wide"),
        item_of(secret(), scope="cluster-wide"),
        item_of(secret(metadata={"name": "other"}), scope="cluster-wide"),
        item_of(secret(metadata={"namespace": "other"}), scope="cluster-wide"),
        item_of(secret(stringData={"passwor": "s3cr3t"})),
        item_of(secret(stringData={"password": "s3cr3T"})),
        item_of(secret(), key=SealKey.from_data_key(SecretBytes(bytes(32)))),
        item_of(secret(), key=SealKey.from_seal_key(SecretBytes(bytes(range(32))))),
    }
    assert len(tail) == 10


@pytest.mark.parametrize("raw", [b"x" * 31, bytes(32), b"ab" * 40])
def test_a_short_or_constant_seal_key_is_refused(raw: bytes) -> None:
    with pytest.raises(ConfigError, match="seal key"):
        SealKey.from_seal_key(SecretBytes(raw))


def test_a_seal_key_does_not_show_itself() -> None:
    assert repr(KEY) == "SealKey(…)"
    with pytest.raises(TypeError):
        pickle.dumps(KEY)


@pytest.mark.parametrize(("message", "seed"), [(b"x", b"short"), (b"x" * 191, bytes(32))])
def test_oaep_refuses_a_short_seed_and_a_long_message(message: bytes, seed: bytes) -> None:
    cert = certificate()
    with pytest.raises(ValueError, match="OAEP"):
        oaep.encrypt(message, label=b"", seed=seed, modulus=cert.modulus, exponent=cert.exponent)


def test_a_live_secret_of_a_sealed_secret_is_wide_only_on_request() -> None:
    """Its annotations come from the template; what `unseal` writes has an owner as well, and no uid."""
    owners = [{"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "name": "db", "uid": "1"}]
    annotations = {WIDE["cluster-wide"]: "true"}
    live = secret(metadata={"annotations": annotations, "uid": "2", "ownerReferences": owners})
    with pytest.raises(ManifestError, match="comes from the template of a SealedSecret"):
        seal(live, certificate())
    asked: Any = seal(live, certificate(), scope="cluster-wide")
    assert asked["metadata"]["annotations"] == annotations
    for honest in ({"uid": "2"}, {"ownerReferences": owners}):
        assert seal(secret(metadata={"annotations": annotations, **honest}), certificate())["metadata"] == {
            "annotations": annotations,
            "name": "db",
            "namespace": "prod",
        }
    del live["metadata"]["annotations"]
    assert "annotations" not in seal(live, certificate())["metadata"]  # type: ignore[operator]
