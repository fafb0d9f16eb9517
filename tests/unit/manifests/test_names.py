"""Legal names, as Kubernetes' own validation decides them."""

from __future__ import annotations

import pytest

from secretsync.manifests.names import is_legal_key, is_legal_name, is_legal_namespace


@pytest.mark.parametrize("name", ["a", "a-b", "a.b", "0", "a" * 253, "sealed-secrets-key7x2kq", "1.2.3"])
def test_a_legal_object_name(name: str) -> None:
    assert is_legal_name(name)


@pytest.mark.parametrize("name", ["", "A", "a_b", "-a", "a-", ".a", "a.", "a..b", "a/b", "ä", "a" * 254, "a\n", "a b"])
def test_an_illegal_object_name(name: str) -> None:
    assert not is_legal_name(name)


@pytest.mark.parametrize(("name", "legal"), [("a-1", True), ("a" * 63, True), ("a" * 64, False), ("a.b", False)])
def test_a_namespace_is_one_label(name: str, legal: bool) -> None:
    assert is_legal_namespace(name) is legal


@pytest.mark.parametrize("key", ["a", ".a", "a..b", "_", "-", "A.b_c-D", "a" * 253])
def test_a_legal_key(key: str) -> None:
    assert is_legal_key(key)


@pytest.mark.parametrize("key", ["", ".", "..", "..data", "a b", "a/b", "ä", "a:b", "a" * 254, "a\n"])
def test_an_illegal_key(key: str) -> None:
    assert not is_legal_key(key)
