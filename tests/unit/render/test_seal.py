"""Sealing while rendering: deterministic, strict about what may leave, and openable by the controller's key."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
import yaml

from secretsync import sealed
from secretsync.documents.tree import Limits
from secretsync.errors import (
    CertificateError,
    ConfigError,
    DuplicateKeyError,
    ExpiredCertificateError,
    LimitError,
    ManifestError,
    PlaintextError,
)
from secretsync.sealed import privatekeys
from tests.unit.render.workshop import (
    CANARY,
    CONFIG,
    SEALED,
    SECRET,
    as_elements,
    certificate,
    commented_list,
    encrypted,
    rendered,
    stream,
    unsealing_pem,
)


def opened(text: str) -> dict[str, bytes]:
    secret = sealed.unseal(yaml.safe_load(text), privatekeys.load(unsealing_pem()))
    data = secret["data"]
    assert isinstance(data, dict)
    return {key: b64decode(value) for key, value in data.items()}


def seal(*contents: bytes | str, folder: Path, **options: object) -> str:
    return stream(*contents, mode="seal", cert_file=certificate(folder), **options)


def test_a_secret_becomes_a_sealed_secret_that_opens(tmp_path: Path) -> None:
    assert opened(seal(encrypted(SECRET), folder=tmp_path)) == {"password": b"hunter2", "user": b"admin"}


def test_two_runs_give_the_same_bytes_and_another_data_key_gives_others(tmp_path: Path) -> None:
    data = encrypted(SECRET)
    assert seal(data, folder=tmp_path) == seal(data, folder=tmp_path)
    assert seal(data, folder=tmp_path) != seal(encrypted(SECRET), folder=tmp_path)


def test_a_plain_secret_is_refused_without_a_seal_key(tmp_path: Path) -> None:
    with pytest.raises(PlaintextError, match=r"^0\.yaml: Secret prod/db is in the clear") as caught:
        seal(SECRET, folder=tmp_path)
    assert "--seal-key" in str(caught.value.hint)


def test_a_plain_secret_is_sealed_with_a_seal_key(tmp_path: Path) -> None:
    key = tmp_path / "seal.key"
    key.write_bytes(bytes(range(32)))
    result = seal(SECRET, folder=tmp_path, seal_key_file=str(key))
    assert opened(result)["password"] == b"hunter2"
    assert result == seal(SECRET, folder=tmp_path, seal_key_file=str(key))
    assert result != seal(encrypted(SECRET), folder=tmp_path, seal_key_file=str(key))


def test_a_short_seal_key_is_refused(tmp_path: Path) -> None:
    key = tmp_path / "seal.key"
    key.write_bytes(b"short")
    with pytest.raises(ConfigError, match="5 bytes"):
        seal(SECRET, folder=tmp_path, seal_key_file=str(key))


def test_a_missing_namespace_is_filled_in_or_refused(tmp_path: Path) -> None:
    bare = encrypted(SECRET.replace("  namespace: prod\n", ""))
    assert yaml.safe_load(seal(bare, folder=tmp_path, namespace="dev"))["metadata"]["namespace"] == "dev"
    assert yaml.safe_load(seal(encrypted(SECRET), folder=tmp_path, namespace="dev"))["metadata"]["namespace"] == "prod"
    with pytest.raises(ManifestError, match=r"^0\.yaml metadata\.namespace"):
        seal(bare, folder=tmp_path)


@pytest.mark.parametrize(
    ("text", "pattern", "place"),
    [
        (CONFIG, "^data$", "data.key"),
        (CONFIG.replace("kind:   ConfigMap", "kind: SopsSecret"), "^data$", "data.key"),
        (SECRET.replace("v1", "example.com/v1"), "^stringData$", ""),
    ],
    ids=["config map", "another kind", "another group's Secret"],
)
def test_a_decrypted_value_leaves_in_nothing_else(text: str, pattern: str, place: str, tmp_path: Path) -> None:
    with pytest.raises(PlaintextError, match=rf"^0\.yaml ?{place}"):
        seal(encrypted(text, pattern), folder=tmp_path)


@pytest.mark.parametrize("flow", [False, True])
def test_an_encrypted_comment_among_the_items_of_a_list_does_not_leave(flow: bool, tmp_path: Path) -> None:
    with pytest.raises(PlaintextError, match=r"^0\.yaml items\.#"):
        seal(encrypted(commented_list(flow=flow), "^items$"), folder=tmp_path)
    nested = "apiVersion: v1\nkind: List\nitems:\n- " + commented_list().replace("\n", "\n  ").rstrip() + "\n"
    with pytest.raises(PlaintextError, match=r"^0\.yaml items\[0\]"):
        seal(encrypted(nested, "^items$"), folder=tmp_path)


@pytest.mark.parametrize("kind", ["List", "ConfigMapList", "Basket"])
def test_a_comment_hides_no_decrypted_item_of_a_list(kind: str, tmp_path: Path) -> None:
    config = f"{{apiVersion: v1, kind: ConfigMap, metadata: {{name: a, namespace: b}}, data: {{a: {CANARY}}}}}"
    data = encrypted(f"apiVersion: v1\nkind: {kind}\nitems:\n# note\n- {config}\n", "^(items)$")
    for each in (data, as_elements(data)):
        with pytest.raises(PlaintextError):
            seal(each, folder=tmp_path)
        assert CANARY not in stream(each, mode="redact")


def test_a_comment_in_the_clear_among_the_items_of_a_list_stays(tmp_path: Path) -> None:
    result = seal(encrypted(commented_list()), folder=tmp_path)
    assert f"# {CANARY}" in result
    assert "SealedSecret" in result


def test_an_encrypted_file_whose_values_were_clear_passes(tmp_path: Path) -> None:
    clear = encrypted(CONFIG + "---\n" + SECRET, "^stringData$")
    result = seal(clear, folder=tmp_path)
    assert result.startswith(CONFIG)
    assert "SealedSecret" in result


def test_secrets_inside_a_list_are_sealed_there(tmp_path: Path) -> None:
    item = "".join(f"    {line}\n" for line in SECRET.splitlines())
    text = "apiVersion: v1\nkind: List\nitems:\n  - kind:   ConfigMap\n  - " + item[4:]
    result = yaml.safe_load(seal(encrypted(text), folder=tmp_path))
    assert [entry["kind"] for entry in result["items"]] == ["ConfigMap", "SealedSecret"]
    assert opened(yaml.safe_dump(result["items"][1]))["user"] == b"admin"


def test_a_secret_list_becomes_a_list(tmp_path: Path) -> None:
    item = "".join(f"    {line}\n" for line in SECRET.splitlines() if not line.startswith(("kind", "apiVersion")))
    result = yaml.safe_load(
        seal(encrypted("apiVersion: v1\nkind: SecretList\nitems:\n  - " + item[4:]), folder=tmp_path)
    )
    assert result["kind"] == "List"
    assert [entry["kind"] for entry in result["items"]] == ["SealedSecret"]


def test_sealed_secrets_pass_through(tmp_path: Path) -> None:
    assert seal(SEALED, folder=tmp_path) == SEALED


def test_no_certificate_is_read_where_nothing_is_sealed() -> None:
    assert stream(CONFIG, mode="seal", cert_file="/does/not/exist") == CONFIG


def test_encrypted_annotations_that_stay_readable_are_warned_of(tmp_path: Path) -> None:
    note = SECRET.replace("stringData:", "  annotations:\n    note: private\nstringData:")
    result = rendered(encrypted(note, None), mode="seal", cert_file=certificate(tmp_path))
    assert [warning for warning in result.warnings if "metadata.annotations.note" in warning]


def test_an_expired_certificate_is_refused_unless_allowed(tmp_path: Path) -> None:
    data = encrypted(SECRET)
    with pytest.raises(ExpiredCertificateError, match=r"sealing\.pem: "):
        rendered(data, mode="seal", cert_file=certificate(tmp_path, days=-30))
    allowed = rendered(data, mode="seal", cert_file=certificate(tmp_path, days=-30), allow_expired=True)
    assert any("expired" in warning for warning in allowed.warnings)


def test_the_only_certificate_of_the_keys_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "keys" / "prod").mkdir(parents=True)
    (tmp_path / "app").mkdir()
    options = {"mode": "seal", "keys_from": str(tmp_path / "app")}
    with pytest.raises(ConfigError, match="no certificate in"):
        rendered(encrypted(SECRET), **options)
    certificate(tmp_path / "keys" / "prod")
    assert opened(stream(encrypted(SECRET), **options))["password"] == b"hunter2"
    certificate(tmp_path / "keys")
    with pytest.raises(ConfigError, match="2 certificates"):
        rendered(encrypted(SECRET), **options)


def test_a_certificate_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.pem"
    path.write_text("nothing")
    with pytest.raises(CertificateError, match=r"x\.pem: "):
        rendered(encrypted(SECRET), mode="seal", cert_file=str(path))


def test_a_key_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DuplicateKeyError):
        seal(SECRET + "  user: again\n", folder=tmp_path)


def test_one_file_has_a_limited_number_of_values_to_seal(tmp_path: Path) -> None:
    key = tmp_path / "seal.key"
    key.write_bytes(bytes(range(32)))
    two = SECRET + "---\n" + SECRET.replace("db", "other")
    count = len(yaml.safe_load(SECRET)["stringData"])
    options: dict[str, Any] = {"folder": tmp_path, "seal_key_file": str(key)}
    assert seal(two, limits=Limits(sealed=2 * count), **options).count("kind: SealedSecret") == 2
    with pytest.raises(LimitError, match=f"more than {2 * count - 1} values to seal"):
        seal(two, limits=Limits(sealed=2 * count - 1), **options)


@pytest.mark.parametrize("mode", ["reveal", "redact", "seal"])
def test_one_file_has_a_limited_number_of_objects(tmp_path: Path, mode: str) -> None:
    """Each is judged, and read again once it leaves; items of a list count as documents do."""
    item = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: b}}"
    listed = "apiVersion: v1\nkind: List\nitems:\n" + f"- {item}\n" * 11
    few = Limits(documents=10)
    with pytest.raises(LimitError, match="more than 10 objects"):
        stream(listed, mode=mode, cert_file=certificate(tmp_path) if mode == "seal" else None, limits=few)
