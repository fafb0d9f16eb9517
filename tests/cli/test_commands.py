"""What each command does when all is well."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from tests.cli.conftest import SECRET_MANIFEST, Invoke


def test_no_argument_shows_the_help(invoke: Invoke) -> None:
    outcome = invoke()
    assert outcome.code == 0
    assert b"render" in outcome.out


def test_version_is_printed(invoke: Invoke) -> None:
    assert invoke("--version").out.startswith(b"secretsync ")


@pytest.mark.parametrize("name", ["render", "check", "encrypt", "decrypt", "seal", "unseal", "keygen", "doctor"])
def test_every_command_has_help(invoke: Invoke, name: str) -> None:
    outcome = invoke(name, "--help")
    assert outcome.code == 0
    assert outcome.out.startswith(f"Usage: secretsync {name}".encode())


def test_encrypt_and_decrypt_return_the_same_bytes(invoke: Invoke, encrypted: Path) -> None:
    assert b"canary" not in encrypted.read_bytes()
    assert invoke("decrypt", encrypted).out == SECRET_MANIFEST.encode()


def test_encrypt_takes_the_rule_of_the_nearest_configuration(invoke: Invoke, folder: Path, recipient: str) -> None:
    (folder / ".sops.yaml").write_text(
        f"creation_rules:\n  - path_regex: secret\n    encrypted_regex: ^stringData$\n    age: {recipient}\n"
    )
    outcome = invoke("encrypt", "--filename-override", "secret.yaml", stdin=SECRET_MANIFEST.encode())
    assert outcome.code == 0, outcome.err
    assert recipient.encode() in outcome.out
    assert b"name: database" in outcome.out
    assert b"canary" not in outcome.out


def test_general_options_are_taken_before_the_command_as_sops_does(
    invoke: Invoke, folder: Path, recipient: str
) -> None:
    (folder / "rules.yaml").write_text(f"creation_rules:\n  - age: {recipient}\n")
    (folder / "plain.yaml").write_text("a: b\n")
    outcome = invoke("--config", "rules.yaml", "--mac-only-encrypted", "encrypt", "plain.yaml")
    assert outcome.code == 0, outcome.err
    assert b"mac_only_encrypted: true" in outcome.out


def test_decrypt_in_place_keeps_the_mode(invoke: Invoke, encrypted: Path) -> None:
    encrypted.chmod(0o640)
    assert invoke("decrypt", "--in-place", encrypted).code == 0
    assert encrypted.read_text() == SECRET_MANIFEST
    assert stat.S_IMODE(encrypted.stat().st_mode) == 0o640


def test_decrypted_output_is_private(invoke: Invoke, encrypted: Path, folder: Path) -> None:
    assert invoke("decrypt", "--output", "plain.yaml", encrypted).code == 0
    assert stat.S_IMODE((folder / "plain.yaml").stat().st_mode) == 0o600


def test_extract_prints_one_value_without_a_newline(invoke: Invoke, encrypted: Path) -> None:
    assert invoke("decrypt", "--extract", '["stringData"]["user"]', encrypted).out == b"canary-user-9Kd1"


def test_output_type_converts(invoke: Invoke, encrypted: Path) -> None:
    outcome = invoke("decrypt", "--output-type", "json", encrypted)
    assert json.loads(outcome.out)["stringData"]["user"] == "canary-user-9Kd1"


def test_binary_is_the_type_of_an_unknown_name(invoke: Invoke, folder: Path, recipient: str) -> None:
    content = bytes(range(256))
    (folder / "blob").write_bytes(content)
    assert invoke("encrypt", "-i", "--age", recipient, "blob").code == 0
    assert invoke("decrypt", "blob").out == content


def test_render_reveals_a_folder(invoke: Invoke, encrypted: Path) -> None:
    assert invoke("render", encrypted.parent).out == SECRET_MANIFEST.encode()


def test_render_redacts(invoke: Invoke, encrypted: Path) -> None:
    outcome = invoke("render", "--mode", "redact", encrypted)
    assert outcome.code == 0
    assert b"user:" in outcome.out
    assert b"canary" not in outcome.out


def test_render_seals_the_same_bytes_each_time(invoke: Invoke, encrypted: Path, sealing: tuple[Path, Path]) -> None:
    first, second = (invoke("render", "--mode", "seal", "--cert", sealing[0], encrypted) for _ in range(2))
    assert first.code == 0, first.err
    assert b"kind: SealedSecret" in first.out
    assert first.out == second.out


def test_render_mirrors_the_tree_into_a_folder(invoke: Invoke, encrypted: Path, folder: Path) -> None:
    outcome = invoke("render", "--output-dir", folder.parent / "out", folder)
    assert (outcome.code, outcome.out) == (0, b""), outcome.err
    assert (folder.parent / "out" / "secret.yaml").read_text() == SECRET_MANIFEST


def test_no_link_leads_out_of_the_folder_that_is_written(invoke: Invoke, encrypted: Path, folder: Path) -> None:
    """`out-of-it` begins as `out` does, which must not pass for lying in it."""
    inner = folder / "inner"
    inner.mkdir()
    (inner / "map.yaml").write_text("kind: ConfigMap\nmetadata: {name: m}\n")
    target, outside = folder.parent / "out", folder.parent / "out-of-it"
    target.mkdir()
    outside.mkdir()
    (target / "inner").symlink_to(outside)
    outcome = invoke("render", "--output-dir", target, folder)
    assert outcome.code == 12
    assert list(outside.iterdir()) == []


def test_a_name_in_a_file_does_not_steer_the_terminal(invoke: Invoke, folder: Path, recipient: str) -> None:
    (folder / ".sops.yaml").write_text(f"creation_rules: [{{age: {recipient}}}]\n")
    (folder / "a.yaml").write_text('"\\e[2Jpassword\\nwho": 1\n')
    outcome = invoke("explain", "a.yaml")
    assert outcome.code == 0, outcome.err
    assert b"\x1b" not in outcome.out
    assert rb"\x1b[2Jpassword\nwho" in outcome.out


def test_sealed_secrets_unseal(invoke: Invoke, folder: Path, sealing: tuple[Path, Path]) -> None:
    (folder / "secret.yaml").write_text(SECRET_MANIFEST)
    sealed = invoke("seal", "--cert", sealing[0], "-w", "sealed.yaml", "secret.yaml")
    assert (sealed.code, sealed.out) == (0, b""), sealed.err
    assert "canary" not in (folder / "sealed.yaml").read_text()
    outcome = invoke("unseal", "--recovery-private-key", sealing[1], "sealed.yaml")
    assert json.loads(outcome.out)["metadata"] == {"name": "database", "namespace": "shop"}


def test_a_value_is_merged_into_a_sealed_secret(invoke: Invoke, folder: Path, sealing: tuple[Path, Path]) -> None:
    (folder / "secret.yaml").write_text(SECRET_MANIFEST)
    assert invoke("seal", "--cert", sealing[0], "-w", "sealed.yaml", "secret.yaml").code == 0
    before = (folder / "sealed.yaml").read_text().splitlines()
    extra = SECRET_MANIFEST[: SECRET_MANIFEST.index("stringData:")] + "stringData:\n  extra: value\n"
    outcome = invoke("seal", "--cert", sealing[0], "--merge-into", "sealed.yaml", stdin=extra.encode())
    assert outcome.code == 0, outcome.err
    after = (folder / "sealed.yaml").read_text().splitlines()
    assert next(line for line in after if line not in before).strip().startswith("extra: ")
    assert [line for line in before if line not in after] == []


def test_raw_seals_the_input_itself(invoke: Invoke, folder: Path, sealing: tuple[Path, Path]) -> None:
    outcome = invoke("seal", "--raw", "--scope", "cluster-wide", "--cert", sealing[0], stdin=b"value")
    assert outcome.code == 0, outcome.err
    assert outcome.out.startswith(b"A")
    assert not outcome.out.endswith(b"\n")


def test_the_only_certificate_in_keys_is_taken(invoke: Invoke, folder: Path, sealing: tuple[Path, Path]) -> None:
    (folder / "keys").mkdir()
    (folder / "keys" / "cluster.crt").write_bytes(sealing[0].read_bytes())
    assert invoke("seal", stdin=SECRET_MANIFEST.encode()).code == 0


def test_keygen_makes_a_private_file_and_shows_the_recipient(invoke: Invoke, folder: Path) -> None:
    outcome = invoke("keygen", "-o", "key.txt")
    assert (outcome.code, outcome.out) == (0, b"")
    assert outcome.err.startswith("Public key: age1")
    assert stat.S_IMODE((folder / "key.txt").stat().st_mode) == 0o600
    assert invoke("keygen", "-y", "key.txt").out.decode().strip() == outcome.err.split()[-1]


def test_keygen_never_overwrites(invoke: Invoke, folder: Path) -> None:
    (folder / "key.txt").write_text("old")
    assert invoke("keygen", "-o", "key.txt").code == 12
    assert (folder / "key.txt").read_text() == "old"


def test_check_finds_nothing_wrong(invoke: Invoke, encrypted: Path) -> None:
    outcome = invoke("check", encrypted.parent)
    assert (outcome.code, outcome.out) == (0, b"1 file checked, 1 encrypted: 0 findings\n")


def test_check_reports_a_secret_in_the_clear(invoke: Invoke, folder: Path) -> None:
    (folder / "secret.yaml").write_text(SECRET_MANIFEST)
    outcome = invoke("check", ".")
    assert outcome.code == 1
    assert b"secret.yaml stringData: error: Secret shop/database lies in the clear [plaintext-secret]" in outcome.out
    assert b"canary" not in outcome.out


def test_check_goes_on_after_a_finding(invoke: Invoke, encrypted: Path, folder: Path) -> None:
    (folder / "a.yaml").write_text(encrypted.read_text().replace("name: database", "name: other"))
    (folder / "b.env").write_text("sops_mac=nothing\n")
    outcome = invoke("check", ".", "--format", "json")
    found = json.loads(outcome.out)
    assert outcome.code == 1
    assert [(each["file"], each["rule"]) for each in found["findings"]] == [
        ("a.yaml", "mac-mismatch"),
        ("b.env", "sops-metadata"),
    ]
    assert (found["version"], found["files"]) == (1, 3)


def test_check_writes_sarif(invoke: Invoke, folder: Path) -> None:
    (folder / "my secret.yaml").write_text(SECRET_MANIFEST)
    log = json.loads(invoke("check", ".", "--format", "sarif").out)
    (run,) = log["runs"]
    (result,) = run["results"]
    assert log["version"] == "2.1.0"
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "plaintext-secret"
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "my%20secret.yaml"


@pytest.mark.parametrize("name", [b"x\n\x1b[31mfake.yaml", b"\xff.yaml"], ids=["control characters", "no utf-8"])
@pytest.mark.parametrize("form", ["text", "json", "sarif"])
def test_check_reports_a_file_whatever_its_name(invoke: Invoke, folder: Path, name: bytes, form: str) -> None:
    (folder / os.fsdecode(name)).write_text(SECRET_MANIFEST)
    outcome = invoke("check", ".", "--format", form)
    assert outcome.code == 1
    assert b"\x1b" not in outcome.out
    if form == "text":
        assert len(outcome.out.splitlines()) == 3
    else:
        json.loads(outcome.out)


@pytest.mark.parametrize(
    ("values", "place"),
    [
        ("stringData: {port: 5432}", "stringData.port"),
        ("data: {blob: '***'}", "data.blob"),
        ("stringData: {'a b': x}", "stringData"),
    ],
    ids=["no string", "no base64", "an illegal key"],
)
def test_check_reports_a_secret_that_no_api_server_takes(
    invoke: Invoke, folder: Path, recipient: str, values: str, place: str
) -> None:
    (folder / "secret.yaml").write_text(f"apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\n{values}\n")
    assert (
        invoke("encrypt", "-i", "--age", recipient, "--encrypted-regex", "^(data|stringData)$", "secret.yaml").code == 0
    )
    outcome = invoke("check", ".")
    assert outcome.code == 1
    assert f"secret.yaml {place}: error: ".encode() in outcome.out
    assert b"[invalid-manifest]" in outcome.out
    assert b"5432" not in outcome.out


def test_check_reports_a_sealed_item_that_is_no_base64(invoke: Invoke, folder: Path) -> None:
    (folder / "sealed.yaml").write_text(
        "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: a, namespace: b}\n"
        "spec: {encryptedData: {p: AgB}}\n"
    )
    outcome = invoke("check", ".")
    assert outcome.code == 1
    assert b"sealed.yaml spec.encryptedData.p: error: not valid base64" in outcome.out


def test_doctor_names_the_recipient_and_not_the_key(invoke: Invoke, recipient: str) -> None:
    outcome = invoke("doctor")
    assert outcome.code == 0
    assert recipient.encode() in outcome.out
    assert b"AGE-SECRET-KEY" not in outcome.out


def test_doctor_fails_without_a_key(invoke: Invoke, folder: Path) -> None:
    outcome = invoke("doctor", "--json")
    assert outcome.code == 1
    assert {each["state"] for each in json.loads(outcome.out)["observations"] if each["topic"] == "keys"} == {"none"}


def test_what_is_not_ours_is_not_checked(invoke: Invoke, folder: Path) -> None:
    (folder / "template.yaml").write_text("kind: Secret\ndata: {{ .Values.data }}\n")
    (folder / "app.env").write_text("A=b\n")
    for name in (".git", ".venv", "node_modules"):
        os.mkdir(folder / name)
        (folder / name / "secret.yaml").write_text(SECRET_MANIFEST)
    assert invoke("check", ".").out == b"0 files checked, 0 encrypted: 0 findings\n"


def test_a_hidden_file_is_checked_like_any_other(invoke: Invoke, folder: Path, recipient: str) -> None:
    (folder / ".env").write_text("A=b\n")
    assert invoke("encrypt", "-i", "--age", recipient, ".env").code == 0
    assert invoke("check", ".").out == b"1 file checked, 1 encrypted: 0 findings\n"
    (folder / ".env").write_bytes((folder / ".env").read_bytes().replace(b"A=ENC", b"B=ENC"))
    assert invoke("check", ".").code == 1


@pytest.mark.parametrize("name", ["secrets.enc", "secrets", ".env.prod"])
@pytest.mark.parametrize("store", ["yaml", "json", "dotenv", "ini"])
def test_folder_verbs_and_check_find_a_file_in_whatever_form(
    invoke: Invoke, folder: Path, recipient: str, name: str, store: str
) -> None:
    plain = {"yaml": "a: b\n", "json": '{"a": "b"}', "dotenv": "a=b\n", "ini": "[x]\na = b\n"}[store]
    (folder / "README.md").write_text("Files of sops look so: `ENC[AES256_GCM,data:…`.\n")
    target = folder / name
    stem = folder / f"plain.{'env' if store == 'dotenv' else store}"
    stem.write_text(plain)
    encrypted = invoke("encrypt", "--age", recipient, stem)
    assert encrypted.code == 0, encrypted.err
    stem.unlink()
    target.write_bytes(encrypted.out)
    assert invoke("check", ".").out == b"1 file checked, 1 encrypted: 0 findings\n"
    assert invoke("rotate", "-i", ".").code == 0
    assert target.read_bytes() != encrypted.out
    assert invoke("check", ".").out == b"1 file checked, 1 encrypted: 0 findings\n"
    opened = invoke("decrypt", "--input-type", store, "--output-type", store, target)
    assert opened.out.split() == plain.encode().split()


def test_check_opens_utf_16_as_powershell_writes_it(invoke: Invoke, encrypted: Path, folder: Path) -> None:
    encrypted.write_bytes(encrypted.read_text().encode("utf-16"))
    (folder / "clear.yaml").write_bytes(SECRET_MANIFEST.encode("utf-16"))
    outcome = invoke("check", ".")
    assert b"clear.yaml stringData: error" in outcome.out
    assert b"2 files checked, 1 encrypted: 1 finding\n" in outcome.out


@pytest.mark.parametrize("target", ["outside", "out/elsewhere"])
def test_an_output_folder_is_not_written_through_links(
    invoke: Invoke, encrypted: Path, folder: Path, target: str
) -> None:
    (folder / "tree" / "app").mkdir(parents=True)
    for name in ("a.yaml", "app/b.yaml"):
        (folder / "tree" / name).write_bytes(encrypted.read_bytes())
    (folder / target).mkdir(parents=True)
    (folder / "out").mkdir(exist_ok=True)
    (folder / "out" / "app").symlink_to(folder / target)
    refused = invoke("render", "--output-dir", "out", "tree")
    assert (refused.code, refused.out) == (12, b"")
    assert "out/app: a folder or a link stands where a file is to be written" in refused.err
    assert (os.listdir(folder / target), (folder / "out" / "a.yaml").exists()) == ([], False)
    (folder / "out" / "app").unlink()
    assert invoke("render", "--output-dir", "out", "tree").code == 0
    assert (folder / "out" / "app" / "b.yaml").is_file()
