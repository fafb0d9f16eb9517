"""Patches: strategic merge and JSON 6902, as kustomize applies them."""

from __future__ import annotations

import pytest
import yaml

from secretsync.audit.flux.patches import Resource, apply, read
from secretsync.errors import ConfigError

KIND: dict[str, object] = {"kind": "Kustomization"}


def resource() -> Resource:
    obj: dict[str, object] = {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"path": "./web", "components": ["a", "b"], "a/b": 1, "decryption": {"provider": "sops"}},
    }
    return Resource(obj, "ks.yaml", "", is_whole=True)


def patched(patch: str, target: dict[str, object] | None = None) -> dict[str, object]:
    if not patch.startswith(("-", "[", "a")):
        patch = "\n---\n".join(f"kind: Any\nmetadata: {{name: any}}\n{each}" for each in patch.split("\n---\n"))
    (left,) = apply(read(patch.encode(), KIND if target is None else target), [resource()])
    spec = left.obj["spec"]
    assert isinstance(spec, dict)
    return spec


@pytest.mark.parametrize(
    ("operation", "field", "value"),
    [
        ({"op": "add", "path": "/spec/prune", "value": True}, "prune", True),
        ({"op": "add", "path": "/spec/components/-", "value": "c"}, "components", ["a", "b", "c"]),
        ({"op": "add", "path": "/spec/components/0", "value": "c"}, "components", ["c", "a", "b"]),
        ({"op": "replace", "path": "/spec/path", "value": "./x"}, "path", "./x"),
        ({"op": "replace", "path": "/spec/components/1", "value": "x"}, "components", ["a", "x"]),
        ({"op": "replace", "path": "/spec/a~1b", "value": 2}, "a/b", 2),
        ({"op": "remove", "path": "/spec/decryption"}, "decryption", None),
        ({"op": "remove", "path": "/spec/components/0"}, "components", ["b"]),
        ({"op": "copy", "from": "/spec/path", "path": "/spec/other"}, "other", "./web"),
        ({"op": "move", "from": "/spec/path", "path": "/spec/other"}, "path", None),
        ({"op": "test", "path": "/spec/path", "value": "./web"}, "path", "./web"),
    ],
)
def test_an_operation_does_what_the_standard_says(operation: dict[str, object], field: str, value: object) -> None:
    assert patched(yaml.safe_dump([operation])).get(field) == value


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "/spec/gone"},
        {"op": "replace", "path": "/spec/gone", "value": 1},
        {"op": "add", "path": "/gone/deep", "value": 1},
        {"op": "add", "path": "/spec/components/9", "value": 1},
        {"op": "add", "path": "/spec/path/deep", "value": 1},
        {"op": "test", "path": "/spec/path", "value": "x"},
        {"op": "add", "path": "spec", "value": 1},
        {"op": "jump", "path": "/spec"},
    ],
)
def test_an_operation_that_cannot_be_applied_is_an_error(operation: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="cannot be applied to Kustomization shop/web"):
        patched(yaml.safe_dump([operation]))


@pytest.mark.parametrize("patch", [b"[a, b]", b"spec: {path: ./x}", b"kind: X\nspec: {}", b"metadata: {name: x}"])
def test_a_patch_that_is_no_object_with_a_name_is_an_error(patch: bytes) -> None:
    with pytest.raises(ConfigError):
        read(patch, KIND)


@pytest.mark.parametrize(
    ("patch", "field", "value"),
    [
        ("spec: {decryption: {secretRef: {name: a}}}", "decryption", {"provider": "sops", "secretRef": {"name": "a"}}),
        ("spec: {decryption: null}", "decryption", None),
        ("spec: {decryption: {$patch: delete}}", "decryption", None),
        ("spec: {decryption: {$patch: replace, a: b}}", "decryption", {"a": "b"}),
        ("spec: {components: [c]}", "components", ["c"]),
        ("spec: {path: ./x}\n---\nspec: {path: ./y}", "path", "./y"),
        ('[{"op": "replace", "path": "/spec/path", "value": "./x"}]', "path", "./x"),
    ],
)
def test_a_merge_says_what_is_left(patch: str, field: str, value: object) -> None:
    assert patched(patch).get(field) == value


def test_a_patch_never_changes_what_an_object_is_called() -> None:
    (left,) = apply(read(b"kind: X\nmetadata: {name: y, labels: {a: b}}", KIND), [resource()])
    assert left.obj["kind"] == "Kustomization"
    assert left.obj["metadata"] == {"name": "web", "namespace": "shop", "labels": {"a": "b"}}


def test_a_patch_without_a_target_is_for_what_it_names_and_that_must_be_there() -> None:
    named = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {{name: {}, namespace: {}}}\nspec: {{path: ./x}}"
    assert patched(named.format("web", "shop"), {})["path"] == "./x"
    assert patched(named.format("web", "other"), {})["path"] == "./web"
    with pytest.raises(ConfigError, match="Kustomization other/web, which is not there"):
        apply(read(named.format("web", "other").encode(), {}), [resource()], must_match=True)


def test_a_patch_deletes_an_object() -> None:
    assert apply(read(b"kind: Any\nmetadata: {name: any}\n$patch: delete", KIND), [resource()]) == []
