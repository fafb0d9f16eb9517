"""What stands in for the quick ways into pyca and the interpreter, where a build or a release lacks them: the same results."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from secretsync.crypto import digests, pyca

if TYPE_CHECKING:
    import pytest


def loaded_again(module: ModuleType) -> ModuleType:
    """Return a second copy of a module, under a name of its own."""
    assert module.__file__
    spec = importlib.util.spec_from_file_location(f"again_{Path(module.__file__).stem}", module.__file__)
    assert spec
    assert spec.loader
    copy = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(copy)
    return copy


def test_digests_are_the_same_without_the_interpreters_own_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_sha2", "_sha256"):
        monkeypatch.setitem(sys.modules, name, None)
    standard = loaded_again(digests)
    assert standard.sha512(b"x").digest() == digests.sha512(b"x").digest()
    assert standard.hmac_sha256(b"key", b"text") == digests.hmac_sha256(b"key", b"text")
    assert standard.hkdf_sha256(b"key", salt=b"", info=b"i", length=80) == digests.hkdf_sha256(
        b"key", salt=b"", info=b"i", length=80
    )
    assert standard.compare_digest(b"a", b"a")


def test_pycas_public_modules_serve_where_a_release_has_moved_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("asymmetric.x25519", "ciphers.aead"):  # nobody else imports them while they are incomplete
        importlib.import_module(f"cryptography.hazmat.primitives.{name}")
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "cryptography.hazmat.bindings._rust", ModuleType("without what moved"))
        public = loaded_again(pyca)
    assert (
        public.AESGCM(bytes(32)).decrypt(bytes(12), pyca.AESGCM(bytes(32)).encrypt(bytes(12), b"x", b""), b"") == b"x"
    )
    assert public.x25519_private(bytes(range(32))).public_key() == pyca.x25519_private(bytes(range(32))).public_key()
    assert public.x25519_public(bytes(range(32))) == pyca.x25519_public(bytes(range(32)))
    sealed = pyca.ChaCha20Poly1305(bytes(32)).encrypt(bytes(12), b"x", b"")
    assert public.ChaCha20Poly1305(bytes(32)).decrypt(bytes(12), sealed, b"") == b"x"
