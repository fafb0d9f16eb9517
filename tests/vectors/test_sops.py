"""Every vector of sops against our reader and writer; what may differ is a row of docs/reference/differences.md."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from secretsync import errors, sops
from secretsync.documents.stores import store_named
from secretsync.documents.tree import Mapping
from secretsync.errors import SecretsyncError
from secretsync.masterkeys.services import MasterKeys
from secretsync.sops import MacPolicy
from secretsync.sops.conversion import converted
from tests.vectors.sops_argv import encrypted, loaded, parsed
from tests.vectors.sops_operations import leaves, run
from tests.vectors.sops_vectors import Difference, Vector, differences, master_keys, outline, vectors

Homes: TypeAlias = Callable[[list[str]], Path]

ALL = vectors()
DIFFERENCES = differences()
CLASSES: dict[str, tuple[type[SecretsyncError], ...]] = {
    "mac": (errors.MacMismatchError,),
    "tag": (errors.AuthenticationTagError,),
    "type": (errors.CiphertextFormatError,),
    "format": (errors.FormatError,),
    "no-key": (errors.NoIdentityMatchError, errors.KeyServiceError),
    "no-metadata": (errors.MetadataError,),
    "metadata": (errors.MetadataError,),
    "recipient": (errors.ConfigError,),
    "config": (errors.ConfigError,),
    "encrypt-tree": (errors.TreeError,),
    "output": (errors.ConversionError,),
    "already-encrypted": (errors.AlreadyEncryptedError,),
    "plaintext": (errors.PlaintextError,),
    "bad-value": (errors.ValueFormatError,),
    "not-found": (errors.PathNotFoundError,),
    "extract-path": (errors.TreePathError,),
}


def expectation(vector: Vector, stage: str) -> tuple[str | None, Difference | None]:
    """Return the class of failure that is due (None: success), and the difference that says so."""
    row = DIFFERENCES.get((vector.path, stage))
    if row is not None:
        return row.failure, row
    failing = vector.facts["stage"] == stage and vector.facts["expect"] == "fails"
    return (vector.facts["class"] if failing else None), None


def fails_as(name: str) -> pytest.RaisesExc[SecretsyncError]:
    return pytest.raises(CLASSES[name])


@pytest.mark.parametrize(
    "vector", [each for each in ALL if each.facts["stage"] == "decrypt"], ids=lambda vector: vector.path
)
def test_decrypts_as_sops_does(vector: Vector, gnupg_home: Homes) -> None:
    failure, row = expectation(vector, "decrypt")
    home = gnupg_home(vector.facts["identity"])
    if failure:
        with fails_as(failure):
            decrypted(vector, home)
        return
    found = decrypted(vector, home)
    if row is None:
        assert_equal(vector.store, found, vector.read("decrypted"))
    else:
        plain = store_named(vector.store).load(vector.read("plain")).documents
        assert outline(found, comments=False) == outline(plain, comments=False)
        if vector.file("decrypted"):
            theirs = store_named(vector.store).load(vector.read("decrypted")).documents
            assert outline(found) != outline(theirs), "the difference is gone: delete its row"


def decrypted(vector: Vector, home: Path) -> list[Mapping]:
    name = parsed(vector.facts.get("decrypt_args", [])).get("--input-type") or vector.store
    source = store_named(name).load(vector.read("encrypted"), encrypted=True)
    return sops.decrypt(source, master_keys(vector.facts["identity"], home), mac_policy=MacPolicy.VERIFY).documents


def assert_equal(name: str, found: list[Mapping], expected: bytes) -> None:
    """YAML and JSON: typed trees, order, documents, comments. dotenv and binary: bytes. INI: bytes or tree."""
    store = store_named(name)
    if name in ("dotenv", "binary"):
        assert store.dump(found) == expected
    elif name == "ini":
        written = store.dump(found)
        assert written == expected or outline(store.load(written).documents) == outline(store.load(expected).documents)
    elif name == "json":
        assert outline(store.load(store.dump(found)).documents) == outline(store.load(expected).documents)
    else:
        assert outline(found) == outline(store.load(expected).documents)


ENCRYPT = [each for each in ALL if each.facts["args"] and each.file("plain")]


@pytest.mark.parametrize("vector", ENCRYPT, ids=lambda vector: vector.path)
def test_what_we_encrypt_decrypts_to_the_same(vector: Vector, all_keys: MasterKeys) -> None:
    failure, row = expectation(vector, "encrypt")
    environ = vector.facts.get("env") or {}
    warnings: list[str] = []
    if failure:
        with fails_as(failure):
            encrypted(vector.facts["args"], vector.folder, environ, all_keys, warnings)
        return
    name, data = encrypted(vector.facts["args"], vector.folder, environ, all_keys, warnings)
    found = sops.decrypt(store_named(name).load(data, encrypted=True), all_keys).documents
    own = converted(loaded(vector.facts["args"], vector.folder), name, [])
    if row is not None:
        assert outline(found, comments=False) == outline(own.documents, comments=False)
        assert outline(found) != outline(own.documents)
    elif vector.file("decrypted") and not vector.facts.get("mutation"):
        try:
            assert_equal(name, found, vector.read("decrypted"))
        except AssertionError:  # sops emits a comment elsewhere than it was read
            assert outline(found) == outline(own.documents)
    else:
        assert outline(found) == outline(own.documents)


@pytest.mark.parametrize(
    "vector", [each for each in ALL if each.facts["stage"] == "operation"], ids=lambda vector: vector.path
)
def test_does_the_operation_as_sops_does(
    vector: Vector, gnupg_home: Homes, all_keys: MasterKeys, tmp_path: Path
) -> None:
    failure, row = expectation(vector, "operation")
    operation = vector.facts["operation"]
    if failure:
        with fails_as(failure):
            run(vector, all_keys, tmp_path)
        return
    done = run(vector, all_keys, tmp_path)
    after = operation.get("after")
    if not after:
        assert_output(vector, done)
        return
    identity = operation["identity_after"]
    ours = sops.decrypt(
        store_named(vector.store).load(done, encrypted=True), master_keys(identity, gnupg_home(identity))
    )
    if row is None:
        assert_equal(vector.store, ours.documents, vector.read("after_decrypted"))
    before, now = leaves(vector.store, vector.read("encrypted")), leaves(vector.store, done)
    facts = operation["facts"]
    kept = [] if row else [*facts["leaves_identical"], *facts["metadata_identical"]]
    assert {name: now.get(name) for name in kept} == {name: before[name] for name in kept}


def assert_output(vector: Vector, done: bytes) -> None:
    file = vector.file("output")
    if file is None:
        assert vector.facts["operation"]["file_changed"] is False
    elif file.suffix == ".yaml":
        store = store_named("yaml")
        assert outline(store.load(done).documents) == outline(store.load(file.read_bytes()).documents)
    else:
        assert done == file.read_bytes()


def test_every_difference_names_a_vector() -> None:
    names = {vector.path for vector in ALL}
    assert [row for row in DIFFERENCES if row[0] not in names] == []
