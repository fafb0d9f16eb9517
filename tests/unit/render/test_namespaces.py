"""A Secret that names no namespace goes where its caller says; one that may have lost its namespace does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from secretsync.errors import PolicyError
from secretsync.rendering.options import Outputs
from tests.unit.render.workshop import SECRET, certificate, encrypted, rendered, stream

BARE = SECRET.replace("  namespace: prod\n", "")


def moved(old: str, new: str) -> bytes:
    data = encrypted(SECRET).decode()
    assert data.count(old) == 1
    return data.replace(old, new).encode()


@pytest.mark.parametrize("mode", ["seal", "reveal"])
@pytest.mark.parametrize(
    "key", ["x-namespace", "Namespace", "nameSpace", "whatever"], ids=["prefixed", "capital", "camel", "unknown"]
)
def test_a_namespace_under_another_key_is_refused(mode: str, key: str, tmp_path: Path) -> None:
    data = moved("  namespace: prod", f"  {key}: prod")
    with pytest.raises(PolicyError, match=rf"^0\.yaml metadata\.{key}: ") as caught:
        rendered(data, mode=mode, is_hook=mode == "reveal", namespace="team-b", cert_file=certificate(tmp_path))
    assert "metadata.namespace" in str(caught.value.hint)


@pytest.mark.parametrize("new", ["  labels:\n    namespace: prod", "x-namespace: prod"], ids=["label", "top level"])
def test_a_namespace_in_another_place_is_refused(new: str) -> None:
    with pytest.raises(PolicyError, match="names no namespace"):
        rendered(moved("  namespace: prod", new), is_hook=True, namespace="team-b")


def test_a_secret_that_names_no_namespace_gets_the_callers(tmp_path: Path) -> None:
    assert "  namespace: team-b\n" in stream(encrypted(BARE), is_hook=True, namespace="team-b")
    sealed = stream(encrypted(BARE), mode="seal", namespace="team-b", cert_file=certificate(tmp_path))
    assert sealed.count("namespace: team-b") == 2


@pytest.mark.parametrize(
    "metadata",
    [
        "  annotations: {meta.helm.sh/release-namespace: elsewhere}\n",
        "  labels: {namespace: team-b}\n",
        "  generateName: x\n  finalizers: [a/b]\n",
    ],
    ids=["annotation of somebody", "the caller's own", "known fields"],
)
def test_what_names_no_other_namespace_passes(metadata: str) -> None:
    text = BARE.replace("metadata:\n", f"metadata:\n{metadata}")
    assert "namespace: team-b" in stream(encrypted(text), is_hook=True, namespace="team-b")


def test_a_value_that_was_encrypted_is_bound_to_its_key() -> None:
    text = BARE.replace("metadata:\n", "x-namespace: prod\nmetadata:\n")
    assert "x-namespace: prod" in stream(encrypted(text, "namespace|stringData"), is_hook=True, namespace="team-b")


def test_a_person_may_still_say_where(tmp_path: Path) -> None:
    data = moved("  namespace: prod", "  x-namespace: prod")
    assert "namespace: team-b" in stream(data, namespace="team-b")


@pytest.mark.parametrize("mode", ["reveal", "redact", "seal"])
def test_a_callers_namespace_that_the_rules_do_not_allow_is_refused(mode: str, tmp_path: Path) -> None:
    options = {"mode": mode, "namespace": "team-b", "is_hook": True, "cert_file": certificate(tmp_path)}
    assert "team-b" in stream(encrypted(BARE), outputs=Outputs(namespaces=frozenset({"team-b"})), **options)
    with pytest.raises(PolicyError):
        rendered(encrypted(BARE), outputs=Outputs(namespaces=frozenset({"team-a"})), **options)
