"""The configuration of a generator: KSOPS' fields read as KSOPS does, everything else refused by name."""

from __future__ import annotations

import pytest

from secretsync.errors import ConfigError, ManifestError, SecretsyncError
from secretsync.rendering.generators import read

SECRET: dict[str, object] = {"metadata": {"name": "made"}}


def config(**fields: object) -> dict[str, object]:
    return {"apiVersion": "viaduct.ai/v2", "kind": "ksops", "metadata": {"name": "g"}, **fields}


def test_keys_come_before_the_path_or_are_its_last_step() -> None:
    made = read(config(secretFrom=[{**SECRET, "files": ["a/b.txt", "k=a/b.txt"], "literals": ["x=y=z"]}])).made[0]
    assert made.files == [("b.txt", "a/b.txt"), ("k", "a/b.txt")]
    assert made.literals == [("x", "y=z")]


def test_metadata_that_is_empty_is_left_out() -> None:
    metadata = {"name": "made", "namespace": "", "labels": {}, "annotations": {"a": "b"}}
    made = read(config(secretFrom=[{"metadata": metadata, "envs": ["a.env"]}])).made[0]
    assert made.metadata == {"name": "made", "annotations": {"a": "b"}}


def test_the_field_of_old_versions_may_say_that_failures_are_loud() -> None:
    assert read(config(files=["a.yaml"], **{"fail-silently": False})).files == ["a.yaml"]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"file": ["a"]},
        {"files": "a"},
        {"files": [1]},
        {"files": ["a"], "ignoreMac": True},
        {"files": ["a"], "ignore-mac": True},
        {"files": ["a"], "confined": False},
        {"files": ["a"], "cert": "mine.pem"},
        {"files": ["a"], "identities": {"age": ["mine"]}},
        {"files": ["a"], "allowDemoKeys": True},
        {"files": ["a"], "fail-silently": True},
        {"files": ["a"], "mode": "plain"},
        {"files": ["a"], "scope": "world"},
        {"secretFrom": [{"files": ["a"]}]},
        {"secretFrom": [{**SECRET}]},
        {"secretFrom": [{**SECRET, "files": ["a=b=c"]}]},
        {"secretFrom": [{**SECRET, "files": ["=c"]}]},
        {"secretFrom": [{**SECRET, "files": ["c="]}]},
        {"secretFrom": [{**SECRET, "literals": ["c"]}]},
        {"secretFrom": [{**SECRET, "files": ["a"], "stringData": {}}]},
        {"secretFrom": [{"metadata": {"name": "x", "labels": {"a": True}}, "files": ["a"]}]},
        {"secretFrom": [{"metadata": {"name": "x", "finalizers": []}, "files": ["a"]}]},
        {"configMapFrom": [{**SECRET, "files": ["a"], "type": "Opaque"}]},
        {"secretFromTemplate": []},
    ],
    ids=str,
)
def test_anything_else_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        read(config(**fields))


@pytest.mark.parametrize("key", ["a/b", "ü", "..x"])
def test_a_key_that_kubernetes_refuses_is_refused(key: str) -> None:
    with pytest.raises(ManifestError):
        read(config(secretFrom=[{**SECRET, "files": [f"{key}=path"]}]))


def test_our_own_kind_has_one_version() -> None:
    with pytest.raises(ConfigError):
        read({"apiVersion": "viaduct.ai/v1", "kind": "SecretGenerator", "files": ["a"]})


def test_a_refusal_never_shows_the_configuration() -> None:
    with pytest.raises(SecretsyncError) as caught:
        read(config(secretFrom=[{**SECRET, "literals": ["hunter2"]}]))
    assert "hunter2" not in f"{caught.value} {caught.value.hint}"
