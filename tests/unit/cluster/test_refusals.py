"""What a refusal tells, and that no word of it is the server's own; the answers are a real API server's (1.36)."""

from __future__ import annotations

from typing import Any

import pytest

from secretsync.cluster.refusals import Conflict, causes, conflicts, place, refusal

CANARY = "canary-hunter2"
CONTAINER: dict[str, Any] = {"name": "web", "env": [{"name": "A"}, {"name": "P", "value": 5}], "ports": [{"port": 1}]}
MANIFEST: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "d", "namespace": "shop", "labels": {"a.b/c": "x"}},
    "data": {"tls.crt": "x", "tls": {"crt": "y"}, "a": "b"},
    "spec": {"containers": [{"name": "side"}, CONTAINER], "hosts": ["x"]},
}


def cause(field: str, reason: str, message: str = "") -> dict[str, str]:
    return {"field": field, "reason": reason, "message": message}


def status(*found: dict[str, str], message: str = "", **details: str) -> dict[str, Any]:
    return {"message": message, "details": {"causes": list(found), **details}}


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        (".data.a", "data.a"),
        ("data[tls.crt]", "data.tls.crt"),
        (".data.tls.crt", "data.tls.crt"),
        ("metadata.labels[a.b/c]", "metadata.labels.a.b/c"),
        ('.spec.containers[name="web"].env[name="P"].value', "spec.containers[1].env[1].value"),
        ('.spec.containers[name="web"].ports[port=1,protocol="TCP"]', "spec.containers[1].ports[0]"),
        ("spec.containers[1].image", "spec.containers[1].image"),
        ("data[password]", "data.password"),
        (f'.spec.hosts[="{CANARY}"]', "spec.hosts.…"),
        (f'.spec.containers[name="{CANARY}"].image', "spec.containers.…"),
        (f"data[{'x' * 200}]", "data.…"),
    ],
)
def test_a_field_is_spelt_by_the_keys_of_the_object(path: str, shown: str) -> None:
    assert place(path, MANIFEST) == shown


def test_a_path_out_of_a_text_counts_only_where_the_object_has_it() -> None:
    lines = [
        ".data.a: expected string, got &value.valueUnstructured{Value:5}",
        f".data.a: expected {CANARY}, got &value.valueUnstructured{{Value:5}}",
        ".spec.hosts: field not declared in schema",
        '.spec.containers: duplicate entries for key [name="web"]',
        f".data.{CANARY}: field not declared in schema",
    ]
    text = "failed to create typed patch object (shop/d; apps/v1, Kind=Deployment): errors:\n  " + "\n  ".join(lines)
    assert causes(status(message=text), MANIFEST) == [
        "data.a must be a string",
        "data.a must be a value of another type",
        "spec.hosts is no field of this kind",
        "spec.containers has an entry twice",
    ]


@pytest.mark.parametrize(
    ("code", "answer", "told"),
    [
        (422, status(cause("data", "FieldValueForbidden", "Forbidden: field is immutable when `immutable` is set")),
         "data cannot change, because the object is immutable"),
        (422, status(cause("data[a]", "FieldValueInvalid", f'Invalid value: "{CANARY}": whatever {CANARY}')),
         "data.a has a value that is not valid"),
        (422, status(cause("data.a", "Unheard", CANARY)), "data.a is refused"),
        (422, status({"message": f"ValidatingAdmissionPolicy 'p' denied: {CANARY}"},
                     message=f"secrets \"s\" is forbidden: ValidatingAdmissionPolicy 'no-p' with binding 'b' denied: {CANARY}"),
         "the admission policy no-p denies it"),
        (403, status(message=f'admission webhook "a.example.com" denied the request: {CANARY}'),
         "the admission webhook a.example.com denies it"),
        (403, status(cause("metadata.namespace", "NamespaceTerminating", "namespace x is being terminated")),
         "metadata.namespace is being deleted"),
        (403, status(message='secrets "s" is forbidden: User "dev" cannot patch resource'), "this user may not apply it"),
        (403, status(message='secrets "s" is forbidden: exceeded quota: q'), "it would exceed a quota of the namespace"),
        (404, status(message='namespaces "shop" not found', kind="namespaces"), "its namespace does not exist"),
        (409, status(message="the object has been modified"), "Reason"),
        (500, status(message="error decoding from json: illegal base64 data at input byte 7"),
         "a value of its data is no base64"),
        (500, {}, "Reason"),
        (500, {"message": None, "details": []}, "Reason"),
    ],
)  # fmt: skip
def test_a_refusal_tells_field_and_cause_and_nothing_that_the_server_quotes(
    code: int, answer: dict[str, Any], told: str
) -> None:
    error = refusal(code, "Reason", answer, MANIFEST)
    assert str(error) == f"Deployment shop/d: the server refuses: {told}"
    assert CANARY not in f"{error}{error.hint}"


def test_each_owner_is_named_with_its_fields() -> None:
    answer = status(
        cause(".data.a", "FieldManagerConflict", 'conflict with "kubectl-edit" using v1 at 2026-11-27T22:00:00Z'),
        cause(".data.tls.crt", "FieldManagerConflict", 'conflict with "helm"'),
        cause('.spec.containers[name="web"].env', "FieldManagerConflict", 'conflict with "helm"'),
    )
    assert conflicts(answer, MANIFEST)[0] == Conflict("data.a", "kubectl-edit")
    error = refusal(409, "Conflict", answer, MANIFEST)
    assert error.message == (
        'the server refuses: data.a belongs to another manager, "kubectl-edit"; '
        'data.tls.crt, spec.containers[1].env belong to another manager, "helm"'
    )
    assert "--force-conflicts" in (error.hint or "")
