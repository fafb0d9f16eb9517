"""In seal mode nothing decrypted leaves outside of `spec.encryptedData`, whatever an object calls itself."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from secretsync import sops
from secretsync.documents.stores import store_named
from secretsync.errors import SecretsyncError
from secretsync.hooks import Call
from secretsync.hooks.helm import stream as stream_of_helm
from secretsync.hooks.krm import command
from secretsync.masterkeys import MasterKeys
from secretsync.sops.selectors import Selector
from tests.unit.render.workshop import ENVIRON, NOW, RECIPIENT, certificate, stream

KINDS = [
    ("v1", "Secret"), ("bitnami.com/v1alpha1", "SealedSecret"), ("v1", "ConfigMap"), ("v1", "List"), ("v1", "SecretList"),
    ("apps/v1", "Deployment"), ("example.org/v1", "Secret"), ("example.org/v1", "Basket"), ("v1", "sealedsecret"),
]  # fmt: skip
SHOWN = {"apiVersion", "kind", "type", "immutable"}
SHOWN_METADATA = {"name", "namespace", "labels", "annotations"}
NUMBERS = iter(range(10**9))


def marked() -> str:
    """Return a value that stands nowhere else."""
    return f"canary{next(NUMBERS):09d}x"


LEAF = st.builds(marked)
TABLE = st.dictionaries(st.sampled_from(["a", "b.c", "password", "tls.key"]), LEAF, min_size=1, max_size=3)
METADATA = st.fixed_dictionaries(
    {"name": LEAF, "namespace": LEAF},
    optional={"labels": TABLE, "annotations": TABLE, "finalizers": st.lists(LEAF, min_size=1, max_size=2), "x": LEAF},
)


@st.composite
def objects(draw: st.DrawFn, depth: int = 1) -> dict[str, Any]:
    version, kind = draw(st.sampled_from(KINDS))
    obj: dict[str, Any] = {"apiVersion": version, "kind": kind, "metadata": draw(METADATA)}
    for field in draw(st.sets(st.sampled_from(["data", "stringData", "spec", "type", "other"]))):
        obj[field] = draw(LEAF if field == "type" else TABLE)
    if kind == "SealedSecret":
        obj["spec"] = {"encryptedData": draw(TABLE), "template": {"data": draw(TABLE), "metadata": draw(METADATA)}}
    if depth and draw(st.booleans()):
        obj["items"] = draw(st.lists(objects(depth - 1), min_size=1, max_size=2))
    return obj


PATTERNS = [None, "^(data|stringData)$", "^(spec|annotations|labels)$", "^(data|encryptedData|template|type|name)$"]


@cache
def cert() -> str:
    return certificate(Path(mkdtemp()))


def encrypted(obj: dict[str, Any], pattern: str | None, *, mac_only: bool) -> str:
    data = sops.encrypt(
        store_named("yaml").load(yaml.safe_dump(obj, sort_keys=False).encode()),
        groups=[[("age", RECIPIENT)]],
        keys=MasterKeys({}),
        now=NOW,
        selector=Selector("encrypted_regex", pattern) if pattern else None,
        mac_only=mac_only,
    )
    return data.decode()


def disguised(text: str, kind: tuple[str, str], *, as_attacker: bool) -> str:
    """Change what no MAC covers, as an attacker can: the kind of an object."""
    if not as_attacker:
        return text
    tree = yaml.safe_load(text)
    tree["apiVersion"], tree["kind"] = kind
    return yaml.safe_dump(tree, sort_keys=False)


def decrypted_leaves(before: Any, after: Any, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], str]]:
    """Return path and text of each leaf of `after` that is ciphertext in `before`."""
    if isinstance(after, dict):
        return [leaf for key in after for leaf in decrypted_leaves(before[key], after[key], (*path, key))]
    if isinstance(after, list):
        pairs = enumerate(zip(before, after, strict=True))
        return [leaf for index, (old, new) in pairs for leaf in decrypted_leaves(old, new, (*path, str(index)))]
    return [(path, str(after))] if str(before).startswith("ENC[") else []


def may_be_shown(path: tuple[str, ...], obj: Any) -> bool:
    """Whether a decrypted leaf may be read in the SealedSecret that its Secret becomes."""
    while path[:1] == ("items",) and isinstance(obj.get("items"), list):
        listed = str(obj["kind"]).removesuffix("List")
        path, obj = path[2:], obj["items"][int(path[1])]
        obj = {"kind": listed, "apiVersion": "v1", **obj}
    if (obj.get("apiVersion"), obj.get("kind")) != ("v1", "Secret"):
        return False
    return path[0] in SHOWN or (path[0] == "metadata" and path[1] in SHOWN_METADATA)


@settings(max_examples=120, deadline=None)
@given(
    obj=objects(),
    pattern=st.sampled_from(PATTERNS),
    mac_only=st.booleans(),
    kind=st.sampled_from(KINDS),
    as_attacker=st.booleans(),
)
def test_decrypted_leaves_and_output_have_nothing_in_common(
    obj: dict[str, Any], pattern: str | None, mac_only: bool, kind: tuple[str, str], as_attacker: bool
) -> None:
    try:
        text = disguised(encrypted(obj, pattern, mac_only=mac_only), kind, as_attacker=as_attacker)
        result = stream(text, mode="seal", cert_file=cert())
    except SecretsyncError:
        return
    for path, leaf in decrypted_leaves(yaml.safe_load(text), obj):
        assert leaf not in result or may_be_shown(path, obj), path


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind[1])
@pytest.mark.parametrize("pattern", ["^(data|stringData)$", "^annotations$", "^(template|encryptedData)$"])
def test_the_same_through_a_krm_function(kind: tuple[str, str], pattern: str) -> None:
    secret = {
        "apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": "db", "namespace": "prod", "annotations": {"a": marked()}},
        "stringData": {"p": marked()}, "spec": {"template": {"data": {"a": marked()}}, "encryptedData": {"b": marked()}},
    }  # fmt: skip
    text = disguised(encrypted(secret, pattern, mac_only=True), kind, as_attacker=True)
    config = {"apiVersion": "secretsync/v1", "kind": "SecretTransformer", "metadata": {"name": "x"}, "mode": "seal"}
    listed = {"apiVersion": "config.kubernetes.io/v1", "kind": "ResourceList", "functionConfig": config, "items": [yaml.safe_load(text)]}  # fmt: skip
    read = io.BytesIO(json.dumps(listed).encode()).read
    try:
        result = command.run(Call(["--cert", cert()], ENVIRON, read)).decode()
    except SecretsyncError:
        return
    for path, leaf in decrypted_leaves(yaml.safe_load(text), {**secret, "apiVersion": kind[0], "kind": kind[1]}):
        assert leaf not in result or (kind == ("v1", "Secret") and may_be_shown(path, secret)), path


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind[1])
@pytest.mark.parametrize("pattern", ["^(data|stringData)$", "^annotations$", "^(template|encryptedData)$"])
def test_the_same_behind_helm(kind: tuple[str, str], pattern: str) -> None:
    """As Helm 4 hands a release over: several documents, each with the name of its template."""
    secret = {
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db", "namespace": "prod", "annotations": {"a": marked()}},
        "stringData": {"p": marked()}, "spec": {"template": {"data": {"a": marked()}}, "encryptedData": {"b": marked()}},
    }  # fmt: skip
    tree = yaml.safe_load(disguised(encrypted(secret, pattern, mac_only=True), kind, as_attacker=True))
    before = yaml.safe_load(yaml.safe_dump(tree))
    tree["metadata"]["annotations"][stream_of_helm.MARK] = "app/templates/secret.yaml"
    plain = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "prod"}}
    hook = [sys.executable, "-I", "-m", "secretsync.hooks", "helm", "--mode", "seal", "--cert", cert()]
    found = subprocess.run(
        hook,
        input=yaml.safe_dump_all([plain, tree], sort_keys=False),
        capture_output=True,
        text=True,
        check=False,
        env=ENVIRON,
    )
    assert (found.returncode == 0) == (kind == ("v1", "Secret")), found.stderr
    for path, leaf in decrypted_leaves(before, {**secret, "apiVersion": kind[0], "kind": kind[1]}):
        assert leaf not in found.stdout or (kind == ("v1", "Secret") and may_be_shown(path, secret)), path


def test_a_secret_that_was_encrypted_as_a_whole_is_sealed() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db", "namespace": "prod"}, "type": "Opaque", "immutable": True, "stringData": {"p": marked()}}  # fmt: skip
    result = yaml.safe_load(stream(encrypted(secret, None, mac_only=False), mode="seal", cert_file=cert()))
    assert (result["kind"], list(result["spec"]["encryptedData"])) == ("SealedSecret", ["p"])
