"""The real kubeseal opens what we seal, and we open what it seals, in every scope."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from secretsync.manifests.reading import read
from secretsync.manifests.secret import decode_base64
from secretsync.sealed import Sealer, SealKey, items, seal
from secretsync.sealed.merge import merge_text
from secretsync.sealed.output import dump
from secretsync.sealed.raw import seal_raw
from secretsync.sealed.streams import unseal_all
from secretsync.secrecy import SecretBytes
from tests.unit.sealed.keys import KEYS, certificate, private_keys

SCOPES = ("strict", "namespace-wide", "cluster-wide")
SEAL_KEY = SealKey.from_data_key(SecretBytes(bytes(range(32))))

keys = st.from_regex(r"[-_a-zA-Z0-9][-._a-zA-Z0-9]{0,20}", fullmatch=True)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


class Kubeseal:
    """The real program, without a kubeconfig."""

    def __init__(self, program: Path, home: Path) -> None:
        self.program = program
        self.env = {"HOME": str(home), "PATH": os.environ["PATH"], "KUBECONFIG": os.devnull}

    def run(self, *arguments: str, text: bytes = b"") -> bytes:
        done = subprocess.run(
            [self.program, *arguments], input=text, capture_output=True, env=self.env, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def seal(self, text: bytes, *arguments: str, key: str = "rsa2048") -> bytes:
        return self.run("--cert", str(KEYS / f"{key}.crt"), *arguments, text=text)

    def unseal(self, text: bytes, key: str = "rsa2048") -> Any:
        return json.loads(self.run("--recovery-unseal", "--recovery-private-key", str(KEYS / f"{key}.key"), text=text))


@pytest.fixture(scope="module")
def kubeseal(peer: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Kubeseal:
    return Kubeseal(peer("kubeseal"), tmp_path_factory.mktemp("home"))


def secret(values: dict[str, bytes], **metadata: Any) -> dict[str, object]:
    data = {key: base64.b64encode(value).decode() for key, value in values.items()}
    place = {"name": "db", "namespace": "prod", **metadata}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": place, "type": "Opaque", "data": data}


def data_of(obj: Any) -> dict[str, bytes]:
    return {key: base64.b64decode(value or "") for key, value in obj["data"].items()}


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("key", ["rsa2048", "a"])
@pytest.mark.parametrize("seal_key", [None, SEAL_KEY], ids=["random", "deterministic"])
@pytest.mark.parametrize("form", ["yaml", "json"])
def test_kubeseal_opens_what_we_seal(kubeseal: Kubeseal, scope: str, key: str, seal_key: SealKey, form: Any) -> None:
    values = {"empty": b"", "bytes": bytes(range(256)), "text": "größe\n".encode()}
    sealed = seal(secret(values, labels={"y": "no"}), certificate(key), scope=scope, seal_key=seal_key)
    opened = kubeseal.unseal(dump([sealed], form), key)
    assert data_of(opened) == values
    assert opened["metadata"]["labels"] == {"y": "no"}
    assert opened["type"] == "Opaque"


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("key", ["rsa2048", "a"])
@pytest.mark.parametrize("form", ["yaml", "json"])
def test_we_open_what_kubeseal_seals(kubeseal: Kubeseal, scope: str, key: str, form: str) -> None:
    values = {"empty": b"", "bytes": bytes(range(256)), "text": "größe\n".encode()}
    text = json.dumps(secret(values)).encode()
    (opened,) = unseal_all(kubeseal.seal(text, "--scope", scope, "-o", form, key=key), private_keys(key))
    assert data_of(opened) == values


def test_our_object_is_kubeseals_but_for_the_ciphertext(kubeseal: Kubeseal) -> None:
    source = secret({"a": b"1"}, labels={"app": "x"}, annotations={"own": "1"}, finalizers=["x/y"])
    ((_, theirs),) = read(kubeseal.seal(json.dumps(source).encode(), "-o", "yaml", "--scope", "namespace-wide"))
    assert _blank(seal(source, certificate(), scope="namespace-wide")) == _blank(theirs)


def _blank(obj: Any) -> Any:
    """Leave out ciphertext, and the null creation time that kubeseal before 0.36 writes."""
    spec = obj["spec"]
    template = {**spec["template"], "metadata": _born(spec["template"]["metadata"])}
    spec = {"encryptedData": sorted(spec["encryptedData"]), "template": template}
    return {**obj, "metadata": _born(obj["metadata"]), "spec": spec}


def _born(metadata: Any) -> Any:
    return {key: value for key, value in metadata.items() if value is not None}


@pytest.mark.parametrize("scope", SCOPES)
def test_a_raw_item_of_kubeseal_opens_and_one_of_ours_opens_in_kubeseal(kubeseal: Kubeseal, scope: str) -> None:
    place = ["--namespace", "prod", "--name", "db"]
    theirs = kubeseal.seal(b"value\n", "--raw", "--scope", scope, *place)
    label = {"strict": b"prod/db", "namespace-wide": b"prod", "cluster-wide": b""}[scope]
    assert items.unseal(decode_base64(theirs.decode()), private_keys(), label) == b"value\n"
    ours: Any = seal(secret({"x": b""}), certificate(), scope=scope)
    item = seal_raw(b"value\n", Sealer(certificate()), scope=scope, namespace="prod", name="db")
    ours["spec"]["encryptedData"] = {"item": item}
    assert data_of(kubeseal.unseal(dump([ours], "json"))) == {"item": b"value\n"}


def test_kubeseal_opens_a_file_we_merged_into(kubeseal: Kubeseal) -> None:
    target = kubeseal.seal(json.dumps(secret({"keep": b"1"})).encode(), "-o", "yaml", "--scope", "namespace-wide")
    new = read(json.dumps(secret({"added": b"2"}, labels={"l": "1"})).encode())
    merged = merge_text(target, new, Sealer(certificate())).data
    assert data_of(kubeseal.unseal(merged)) == {"keep": b"1", "added": b"2"}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.dictionaries(keys, texts, min_size=1, max_size=6), scope=st.sampled_from(SCOPES))
def test_any_values_go_both_ways(kubeseal: Kubeseal, values: dict[str, str], scope: str) -> None:
    source = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db", "namespace": "prod"}}
    source["stringData"] = values
    expected = {key: value.encode() for key, value in values.items()}
    assert data_of(kubeseal.unseal(dump([seal(source, certificate(), scope=scope)], "yaml"))) == expected
    (opened,) = unseal_all(kubeseal.seal(json.dumps(source).encode(), "--scope", scope), private_keys())
    assert data_of(opened) == expected
