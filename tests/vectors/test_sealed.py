"""Every Sealed Secrets vector: what kubeseal 0.40.0 answered, or the difference that differences.md gives a reason for.

Ciphertext is random: a sealed object is compared without it, and then unsealed.
"""

from __future__ import annotations

import base64
import json
import re
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from secretsync import errors
from secretsync.crypto.rsa_private import PrivateKey
from secretsync.manifests.reading import read
from secretsync.manifests.secret import decode_base64
from secretsync.sealed import SealingCertificate, items, seal
from secretsync.sealed.output import dump
from tests.vectors.kubeseal_argv import NOW, Sealed, run_seal, run_unseal

Vector: TypeAlias = dict[str, Any]

HERE = Path(__file__).parent / "sealed"
VECTORS = {f"{path.parent.parent.name}/{path.parent.name}": path.parent for path in HERE.glob("*/*/vector.json")}
HYBRID = {path.stem: path for path in (HERE / "hybrid").glob("*.json")}
DIFFERENCES = Path(__file__).parents[2] / "docs" / "reference" / "differences.md"

# What we do where kubeseal does something else; the reasons stand in differences.md.
REFUSED: dict[str, type[errors.SecretsyncError]] = {
    "certs/fetch-cert-junk": errors.CertificateError,
    "certs/rsa1024": errors.CertificateError,
    "data/duplicate-keys": errors.DuplicateKeyError,
    "data/json-surrogate": errors.ManifestError,
    "data/key-254": errors.ManifestError,
    "data/key-all-legal-chars": errors.ManifestError,
    "data/key-yaml-ambiguous": errors.ManifestError,
    "data/value-coerced": errors.ManifestError,
    "input/junk-in-the-middle": errors.FormatError,
    "input/kind-missing": errors.ManifestError,
    "input/sops-encrypted": errors.PlaintextError,
    "metadata/labels-not-strings": errors.ManifestError,
    "scopes/annotation-bool": errors.ManifestError,
    "scopes/conflict-cluster-annotation-strict-flag": errors.ConflictingOptionsError,
    "scopes/label-slash": errors.ManifestError,
    "scopes/label-unicode": errors.ManifestError,
    "template/define": errors.TemplateActionError,
    "template/empty-result": errors.TemplateActionError,
    "template/index-dash": errors.TemplateActionError,
    "template/missing-key": errors.TemplateActionError,
    "template/null-value": errors.TemplateActionError,
    "template/only-template": errors.TemplateActionError,
    "template/range": errors.TemplateActionError,
    "template/sibling": errors.TemplateActionError,
    "template/sprig": errors.TemplateActionError,
    "template/value-is-template": errors.TemplateActionError,
}
DONE = {
    "input/json-concatenated",
    "merge/annotations-into-none",
    "merge/comments-lost",
    "merge/other-scope-lost",
    "merge/two-new",
    "unseal/key-two-keys-pem",
    "unseal/legacy-blob",
    "unseal/multi-document",
    "unseal/sealedsecret-list",
}
MERGED = {  # the values that must be there in the end
    "merge/annotations-into-none": {"added": "new", "password": "old", "keep": "old-keep"},
    "merge/comments-lost": {"added": "new", "password": "old", "keep": "old-keep"},
    "merge/other-scope-lost": {"added": "new", "password": "old", "keep": "old-keep"},
    "merge/two-new": {"n1": "1", "n2": "2", "password": "old", "keep": "old-keep"},
}
SCOPED = {  # the annotation that kubeseal leaves out, because the template has none
    "raw/cluster-wide": "cluster-wide",
    "raw/namespace-wide": "namespace-wide",
    "scopes/annotation-not-in-template": "namespace-wide",
}
WARNED = {"certs/bundle-first": "only the first is used", "merge/type-not-merged": "is not merged"}

CLASSES: dict[str, tuple[type[errors.SecretsyncError], ...]] = {
    "bad-base64": (errors.UnsealError, errors.ManifestError),
    "bad-flag": (errors.ConfigError,),
    "bad-json": (errors.ManifestError,),
    "empty-data": (errors.ManifestError,),
    "expired-cert": (errors.ExpiredCertificateError,),
    "legacy-blob": (errors.ManifestError,),
    "missing-flag": (errors.ConfigError,),
    "no-cert": (errors.CertificateError,),
    "no-file": (errors.MissingFileError,),
    "no-key": (errors.UnsealError, errors.PrivateKeyError, errors.ManifestError),
    "no-name": (errors.ManifestError,),
    "no-namespace": (errors.ManifestError,),
    "no-secret": (errors.FormatError,),
    "other": (errors.ManifestError,),
    "panic": (errors.ConflictingOptionsError,),
    "template-error": (errors.TemplateActionError,),
    "unknown-kind": (errors.ManifestError,),
    "usage": (errors.ConfigError,),
}


def documented() -> set[str]:
    """Return the vectors that the Sealed Secrets section of differences.md names, one per line."""
    section = DIFFERENCES.read_text().partition("\n## Sealed Secrets\n")[2].partition("\n## ")[0]
    return set(re.findall(r"(?m)^- `([a-z0-9]+/[a-z0-9-]+)`: \S", section))


def test_the_documented_differences_are_exactly_those_the_vectors_show() -> None:
    assert documented() == REFUSED.keys() | DONE | SCOPED.keys() | WARNED.keys()


def test_every_vector_of_the_index_is_run() -> None:
    index = json.loads((HERE / "index.json").read_text())
    assert len(index["vectors"]) == len(VECTORS)
    assert len(index["hybrid"]) == len(HYBRID)


@pytest.mark.parametrize("name", sorted(VECTORS))
def test_a_vector_ends_as_kubeseal_or_its_documented_difference_says(name: str) -> None:
    folder = VECTORS[name]
    vector = json.loads((folder / "vector.json").read_text())
    if name in REFUSED:
        with pytest.raises(REFUSED[name]):
            _run(folder, vector)
    elif vector["expect"] == "fails" and name not in DONE:
        if vector["stage"] == "unseal" and "edit" not in vector:
            _seal(folder, vector)
        with pytest.raises(CLASSES[vector["class"]]):
            _run(folder, vector)
    else:
        warnings = _run(folder, vector)
        assert any(WARNED.get(name, "") in warning for warning in warnings) == (name in WARNED)


def _run(folder: Path, vector: Vector) -> list[str]:
    """Seal and compare (where kubeseal's output was not edited), then unseal both and compare."""
    warnings: list[str] = []
    unseal = vector.get("unseal") or {"args": []}
    args = unseal["args"]
    if "edit" not in vector and (folder / vector["args"][vector["args"].index("--cert") + 1]).exists():
        ours = _seal(folder, vector)
        warnings = ours.warnings
        if vector["expect"] == "prints":
            return warnings
        if f"{vector['group']}/{vector['name']}" in DONE & MERGED.keys():
            _compare_merged(folder, vector, ours.data)
            return warnings
        text = _wrapped(folder, ours.data) if "--raw" in vector["args"] else ours.data
        if args:
            _compare_sealed(folder, vector, text)
            _compare_unsealed(folder, vector, run_unseal(folder, args, text))
    if args:
        _compare_unsealed(folder, vector, run_unseal(folder, args, (folder / unseal["stdin"]).read_bytes()))
    return warnings


def _seal(folder: Path, vector: Vector) -> Sealed:
    if "value_rule" in vector:
        return _seal_large(folder, vector)
    return run_seal(folder, vector["args"], vector["stdin"], vector.get("env") or {})


def _seal_large(folder: Path, vector: Vector) -> Sealed:
    """Make the plaintext from its rule: it is not kept as a file."""
    blocks = (sha256(b"secretsync-large" + index.to_bytes(4, "big")).hexdigest() for index in range(28800))
    secret = json.loads((folder / "sealed.json").read_text())["spec"]["template"]
    secret.update(apiVersion="v1", kind="Secret", stringData={"large": "".join(blocks)[:921600]})
    certificate = SealingCertificate.load((HERE / "keys" / "a.crt").read_bytes(), now=NOW)
    return Sealed(dump([seal(secret, certificate)], "json"))


def _wrapped(folder: Path, item: bytes) -> bytes:
    """Put a raw item where the vector's own one stands."""
    wrapped = json.loads((folder / "wrapped.json").read_text())
    wrapped["spec"]["encryptedData"] = {"item": item.decode()}
    return json.dumps(wrapped).encode()


def _compare_merged(folder: Path, vector: Vector, text: bytes) -> None:
    """Unseal what we merged, and find every line of the target in it again but those of replaced values."""
    (secret,) = run_unseal(folder, ["--recovery-private-key", "../../keys/a.key"], text)
    values = {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}
    assert values == MERGED[f"{vector['group']}/{vector['name']}"]
    kept = [line for line in (folder / "target.yaml").read_text().splitlines() if "password:" not in line]
    assert [line for line in text.decode().splitlines() if line in kept] == kept


def _compare_sealed(folder: Path, vector: Vector, text: bytes) -> None:
    theirs = folder / vector["unseal"]["stdin"]
    assert [_blank(obj) for _, obj in read(text)] == [_blank(obj) for _, obj in read(theirs.read_bytes())]


def _blank(obj: Vector) -> Vector:
    spec = obj["spec"]
    blanked = dict.fromkeys(spec.get("encryptedData") or {}, "…")
    shown: Vector = _without_nulls({**obj, "spec": {**spec, "encryptedData": blanked}})
    return shown


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        kept: Vector = {key: _without_nulls(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item is not None and (item != {} or key != "status")}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def _compare_unsealed(folder: Path, vector: Vector, ours: list[Vector]) -> None:
    if "value_rule" in vector:
        (large,) = (decode_base64(obj["data"]["large"]) for obj in ours)
        assert sha256(large).hexdigest() == vector["value_sha256"]
        return
    files = [folder / "unsealed.json"]
    files += [folder / f"unsealed-{index}.json" for index in range(2, vector.get("documents_out", 1) + 1)]
    if not files[0].exists():
        files = [folder / "unsealed.controller.json"] if (folder / "unsealed.controller.json").exists() else []
    if files:
        theirs = [json.loads(file.read_text()) for file in files]
        scope = SCOPED.get(f"{vector['group']}/{vector['name']}")
        for obj in theirs if scope else ():
            obj["metadata"]["annotations"] = {f"sealedsecrets.bitnami.com/{scope}": "true"}
        assert [_plain_secret(obj) for obj in ours] == [_plain_secret(obj) for obj in theirs]
    else:
        assert len(ours) == vector.get("documents_out", len(ours))


def _plain_secret(obj: Vector) -> object:
    """Return a Secret without what kubeseal prints for nothing: an owner without uid, null for an empty value."""
    metadata = dict(obj["metadata"])
    if any(not owner.get("uid") for owner in metadata.get("ownerReferences", [])):
        del metadata["ownerReferences"]
    data = {key: value or "" for key, value in (obj.get("data") or {}).items()}
    return _without_nulls({**obj, "metadata": metadata, "data": data})


@pytest.mark.parametrize("name", sorted(HYBRID))
def test_a_sealed_item_opens_or_not_as_its_vector_says(name: str) -> None:
    vector = json.loads(HYBRID[name].read_text())
    key = PrivateKey.from_pem((HYBRID[name].parent / vector["private_key_pem_file"]).read_bytes())
    label = bytes.fromhex(vector["label_hex"])
    if vector["class"] == "bad-base64":
        with pytest.raises(errors.ManifestError):
            decode_base64(vector["ciphertext_b64"])
    elif vector["expect"] == "fails":
        assert items.unseal(decode_base64(vector["ciphertext_b64"]), [key], label) is None
    else:
        plaintext = base64.b64decode(vector["plaintext_b64"])
        assert items.unseal(decode_base64(vector["ciphertext_b64"]), [key], label) == plaintext
