"""The KRM function and `ksops` in process: what goes in, what comes out, and what is refused."""

from __future__ import annotations

import base64
import io
import os
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from secretsync import sops
from secretsync.compat import ksops
from secretsync.documents.stores import store_named
from secretsync.documents.tree import Limits
from secretsync.errors import (
    ConfigError,
    ConflictingOptionsError,
    EscapeError,
    LimitError,
    MacMismatchError,
    ManifestError,
    MetadataError,
    PlaintextError,
    PolicyError,
    SecretsyncError,
)
from secretsync.hooks import _boundary, context
from secretsync.hooks.argv import UsageError
from secretsync.hooks.krm import command
from secretsync.masterkeys import MasterKeys
from secretsync.rendering.generate import Folder
from secretsync.sealed import unseal
from secretsync.sealed.privatekeys import load as load_private_keys
from tests.unit.render.workshop import (
    CANARY,
    ENVIRON,
    IDENTITY,
    NOW,
    RECIPIENT,
    SECRET,
    certificate,
    encrypted,
    unsealing_pem,
)

Tree = dict[str, Any]

POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "app"}}
PLAIN = yaml.safe_load(SECRET)
ENGINES = {
    "config.kubernetes.io/index": "0",
    "internal.config.kubernetes.io/index": "0",
    "config.k8s.io/id": "1",
    "internal.config.kubernetes.io/path": "a.yaml",
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with an encrypted Secret, with the tests' identity and no operator's configuration."""
    place = tmp_path / "kustomization"
    place.mkdir()
    monkeypatch.chdir(place)
    monkeypatch.setattr(os, "environ", ENVIRON)
    monkeypatch.setattr(context, "DEFAULT_PATH", str(tmp_path / "hook.yaml"))
    (place / "db.enc.yaml").write_bytes(encrypted(SECRET))
    return place


@pytest.fixture
def send(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that puts a ResourceList on standard input."""

    def put(config: Tree | None, *items: Tree | str, **fields: object) -> None:
        listed = [yaml.safe_load(item) if isinstance(item, str) else item for item in items]
        tree = {"apiVersion": "config.kubernetes.io/v1", "kind": "ResourceList", "items": listed, **fields}
        if config is not None:
            tree["functionConfig"] = config
        data = yaml.safe_dump(tree, sort_keys=False).encode()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))

    return put


def generator(**fields: object) -> Tree:
    return {"apiVersion": "viaduct.ai/v1", "kind": "ksops", "metadata": {"name": "g"}, **fields}


def function(kind: str, **fields: object) -> Tree:
    return {"apiVersion": "secretsync/v1", "kind": kind, "metadata": {"name": "f"}, **fields}


def krm(*arguments: str) -> bytes:
    return command.run(_boundary.call(arguments))


def answer(*arguments: str) -> list[Tree]:
    answered = yaml.safe_load(krm(*arguments))
    assert answered["kind"] == "ResourceList"
    items: list[Tree] = answered["items"]
    return items


def operator_says(tmp_path: Path, text: str) -> None:
    (tmp_path / "hook.yaml").write_text(
        f"apiVersion: secretsync/v1\nkind: HookConfiguration\nidentities: {{age: [{IDENTITY}]}}\n{text}"
    )


def test_a_generator_replaces_itself_by_what_it_generates_and_leaves_others(send: Any) -> None:
    config = generator(files=["db.enc.yaml"])
    for items in ([config, POD], [POD]):
        send(config, *items)
        assert answer() == [POD, PLAIN]


def test_lists_and_several_documents_are_taken_apart(send: Any, folder: Path) -> None:
    listed = f"apiVersion: v1\nkind: List\nitems:\n- {yaml.safe_dump(PLAIN, default_flow_style=True)}"
    (folder / "two.yaml").write_bytes(encrypted(f"{SECRET}---\n{listed}"))
    send(generator(files=["two.yaml"]))
    assert answer() == [PLAIN, PLAIN]


def test_values_that_are_no_text_become_data(send: Any, folder: Path) -> None:
    raw = b"\xff\x00binary"
    source = store_named("binary").load(raw)
    data = sops.encrypt(source, groups=[[("age", RECIPIENT)]], keys=MasterKeys({}), now=NOW)
    (folder / "raw.bin").write_bytes(data)
    made = {"metadata": {"name": "made"}, "files": ["raw.bin"], "literals": ["plain=x"]}
    send(generator(secretFrom=[made], configMapFrom=[made]))
    secret, config_map = answer()
    coded = {"raw.bin": base64.b64encode(raw).decode()}
    assert (secret["data"], secret["stringData"]) == (coded, {"plain": "x"})
    assert (config_map["binaryData"], config_map["data"]) == (coded, {"plain": "x"})


@pytest.mark.parametrize("character", ["\x7f", "\x80", "\x85", "\x9f", "\ufffe"])
def test_a_value_that_kustomize_would_print_in_an_error_is_refused(send: Any, folder: Path, character: str) -> None:
    escaped = f"\\u{ord(character):04x}"
    (folder / "control.yaml").write_bytes(encrypted(SECRET.replace("hunter2", f'"{CANARY}{escaped}"')))
    for config in (generator(files=["control.yaml"]), function("SecretTransformer")):
        send(config, *([(folder / "control.yaml").read_text()] if config["kind"] != "ksops" else []))
        with pytest.raises(ManifestError, match="control character") as caught:
            krm()
        assert CANARY not in str(caught.value)
    (folder / "a.ini").write_bytes(encrypted(f"[s]\nk = a{character}b\n", None, store="ini"))
    send(generator(secretFrom=[{"metadata": {"name": "made"}, "files": ["a.ini"]}]))
    assert character in base64.b64decode(answer()[0]["data"]["a.ini"]).decode()


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"files": ["plain.yaml"]}, MetadataError),
        ({"files": ["mixed.yaml"]}, SecretsyncError),
        ({"secretFrom": [{"metadata": {"name": "x"}, "files": ["plain.yaml"]}]}, MetadataError),
        ({"files": ["notes.txt"]}, ManifestError),
        ({"files": ["empty.yaml"]}, SecretsyncError),
        ({"files": []}, ManifestError),
        ({"files": ["../outside.yaml"]}, EscapeError),
        ({"files": ["/etc/hostname.yaml"]}, EscapeError),
        ({"files": ["link.yaml"]}, EscapeError),
        ({"files": ["zero.yaml"]}, EscapeError),
        ({"files": ["folder.yaml"]}, SecretsyncError),
        ({"files": ["db.enc.yaml"], "ignoreMac": True}, ConfigError),
        ({"files": ["db.enc.yaml"], "mode": "redact", "scope": "all"}, ConfigError),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_a_tenant_may_not_do_is_refused_in_one_line(
    send: Any, folder: Path, fields: Tree, kind: type[SecretsyncError]
) -> None:
    (folder.parent / "outside.yaml").write_bytes(encrypted(SECRET))
    (folder / "plain.yaml").write_text(SECRET.replace("hunter2", CANARY))
    (folder / "mixed.yaml").write_bytes(encrypted(SECRET) + b"---\n" + SECRET.encode())
    (folder / "empty.yaml").write_text("")
    (folder / "folder.yaml").mkdir()
    (folder / "link.yaml").symlink_to("../outside.yaml")
    (folder / "zero.yaml").symlink_to("/dev/zero")
    send(generator(**fields))
    with pytest.raises(kind) as caught:
        krm()
    assert "\n" not in str(caught.value)
    printed = yaml.safe_load(caught.value.answer)
    assert printed["items"] == []
    assert printed["results"] == [{"message": str(caught.value), "severity": "error"}]
    assert CANARY not in f"{caught.value} {printed}"


def test_a_generator_of_too_many_files_reads_none_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    text = f"kind: ResourceList\nfunctionConfig: {{kind: ksops, files: [{'a,' * 100_001}]}}\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    with pytest.raises(LimitError):
        krm()


def test_a_link_within_the_folder_is_followed(send: Any, folder: Path) -> None:
    (folder / "link.yaml").symlink_to("db.enc.yaml")
    send(generator(files=["link.yaml"]))
    assert answer() == [PLAIN]


def test_the_operator_may_open_the_way_out_of_the_folder(send: Any, folder: Path) -> None:
    (folder.parent / "outside.yaml").write_bytes(encrypted(SECRET))
    operator_says(folder.parent, "confined: false\n")
    for path in ("../outside.yaml", str(folder.parent / "outside.yaml")):
        send(generator(files=[path]))
        assert answer() == [PLAIN]


@pytest.mark.parametrize(
    ("text", "arguments", "config"),
    [
        ("mode: seal\n", [], function("SecretTransformer", mode="reveal")),
        ("mode: reveal\n", [], generator(files=["db.enc.yaml"], mode="redact")),
        ("mode: reveal\n", ["--mode", "seal"], generator(files=["db.enc.yaml"])),
        ("", ["--cert", "mine.pem"], generator(files=["db.enc.yaml"])),
        ("", ["--seal-key", "mine.key"], generator(files=["db.enc.yaml"])),
        ("", ["--allow-expired"], generator(files=["db.enc.yaml"])),
        ("outputs: {kinds: [SealedSecret]}\n", [], generator(files=["db.enc.yaml"])),
        ("outputs: {namespaces: [other]}\n", [], generator(files=["db.enc.yaml"])),
        (
            "outputs: {kinds: [Secret]}\n",
            [],
            generator(configMapFrom=[{"metadata": {"name": "x"}, "files": ["db.enc.yaml"]}]),
        ),
        ("outputs: {kinds: [Pod]}\n", [], function("SecretTransformer")),
    ],
    ids=str,
)
def test_nothing_the_tenant_says_widens_the_operators_word(
    send: Any, folder: Path, text: str, arguments: list[str], config: Tree
) -> None:
    operator_says(folder.parent, text)
    send(config, (folder / "db.enc.yaml").read_text())
    with pytest.raises(PolicyError):
        krm(*arguments)


def test_where_there_is_no_configuration_the_command_line_names_one(send: Any, tmp_path: Path, folder: Path) -> None:
    operator_says(tmp_path, f"mode: seal\nsealing: {{certificate: {certificate(tmp_path)}}}\n")
    other = tmp_path / "hook.yaml"
    other = other.rename(tmp_path / "other.yaml")
    send(function("SecretTransformer"), (folder / "db.enc.yaml").read_text())
    assert [each["kind"] for each in answer("--operator-config", str(other))] == ["SealedSecret"]


def test_where_there_is_a_configuration_no_argument_names_another(send: Any, tmp_path: Path) -> None:
    operator_says(tmp_path, "mode: redact\n")
    other = tmp_path / "other.yaml"
    other.write_text("apiVersion: secretsync/v1\nkind: HookConfiguration\n")
    send(generator(files=["db.enc.yaml"]))
    with pytest.raises(PolicyError, match="another configuration"):
        krm("--operator-config", str(other))
    send(generator(files=["db.enc.yaml"]))
    (tmp_path / "link.yaml").symlink_to("hook.yaml")
    assert answer("--operator-config", str(tmp_path / "link.yaml"))[0]["stringData"]["password"] != "hunter2"


@pytest.mark.parametrize("path", ["mine.yaml", "../mine.yaml", "-", ""])
def test_a_configuration_named_by_a_relative_path_is_refused(path: str) -> None:
    with pytest.raises(UsageError):
        krm("--operator-config", path)


@pytest.mark.parametrize(
    ("scopes", "scope", "allowed"),
    [
        ("", "strict", True),
        ("", "namespace-wide", False),
        ("", "cluster-wide", False),
        ("scopes: [namespace-wide]", "namespace-wide", True),
        ("scopes: [namespace-wide]", "cluster-wide", False),
        ("scopes: [namespace-wide]", "strict", False),
        ("scopes: [strict, cluster-wide]", "cluster-wide", True),
    ],
)
def test_a_function_seals_only_for_the_scopes_of_the_configuration(
    send: Any, folder: Path, scopes: str, scope: str, allowed: bool
) -> None:
    operator_says(folder.parent, f"mode: seal\nsealing: {{certificate: {certificate(folder.parent)}, {scopes}}}\n")
    for config, items in (
        (function("SecretTransformer", scope=scope), [(folder / "db.enc.yaml").read_text()]),
        (generator(files=["db.enc.yaml"], scope=scope), []),
    ):
        send(config, *items)
        if allowed:
            assert [each["kind"] for each in answer()] == ["SealedSecret"]
            continue
        with pytest.raises(PolicyError) as caught:
            krm()
        assert caught.value.location == "functionConfig scope"
        assert "sealing: {scopes: " in (caught.value.hint or "")


def test_an_annotation_that_a_generator_gives_widens_nothing(send: Any, folder: Path) -> None:
    (folder / "a.env").write_bytes(encrypted(f"A={CANARY}\n", None, store="dotenv"))
    operator_says(folder.parent, f"mode: seal\nsealing: {{certificate: {certificate(folder.parent)}}}\n")
    annotations = {"sealedsecrets.bitnami.com/cluster-wide": "true"}
    made = {"metadata": {"name": "made", "namespace": "prod", "annotations": annotations}, "envs": ["a.env"]}
    for config in (generator(secretFrom=[made]), function("SecretGenerator", secretFrom=[made])):
        send(config)
        with pytest.raises(PolicyError, match="sealed cluster-wide"):
            krm()


CLEAR = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "clear"}, "stringData": {"password": CANARY}}
CIPHERTEXT = "ENC[AES256_GCM,data:YQ==,iv:YQ==,tag:YQ==,type:str]"
CONFIG_MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "b"}}


@pytest.mark.parametrize("config", [generator(files=["db.enc.yaml"]), function("SecretValidator", plaintext="allow")])
@pytest.mark.parametrize("text", ["outputs: {kinds: [Secret]}\n", "mode: redact\noutputs: {namespaces: [prod]}\n"])
def test_what_stands_in_the_list_is_judged_whatever_the_function(
    send: Any, folder: Path, config: Tree, text: str
) -> None:
    send(config, POD)
    krm()  # where no operator has a say
    operator_says(folder.parent, text)
    send(config, POD)
    with pytest.raises(PolicyError, match="allows no output"):
        krm()


@pytest.mark.parametrize("text", ["", "mode: redact\n", "outputs: {kinds: [Secret, ConfigMap]}\n"])
def test_no_ciphertext_leaves_beside_a_generator(send: Any, folder: Path, text: str) -> None:
    operator_says(folder.parent, text)
    send(generator(files=["db.enc.yaml"]), CONFIG_MAP | {"data": {"a": CIPHERTEXT}})
    with pytest.raises(SecretsyncError, match="ConfigMap"):
        krm()


def test_secrets_beside_a_generator_follow_the_mode(send: Any, folder: Path) -> None:
    config = generator(files=["db.enc.yaml"])
    operator_says(folder.parent, "mode: redact\n")
    send(config, CLEAR, (folder / "db.enc.yaml").read_text())
    assert CANARY.encode() not in krm()
    operator_says(folder.parent, "mode: reveal\n")
    send(config, CLEAR, (folder / "db.enc.yaml").read_text())
    assert answer() == [CLEAR, PLAIN, PLAIN]
    operator_says(folder.parent, f"mode: seal\nsealing: {{certificate: {certificate(folder.parent)}}}\n")
    for each in (config | {"scope": "strict"}, function("SecretValidator", plaintext="allow")):
        send(each, CLEAR)
        with pytest.raises(SecretsyncError, match="Secret clear"):
            krm()


def test_honest_neighbours_of_a_generator_leave_as_they_came(send: Any, folder: Path) -> None:
    config, marked = generator(files=["db.enc.yaml"]), {**POD, "metadata": {"name": "app", "annotations": ENGINES}}
    send(config, marked, CONFIG_MAP)
    before = krm()
    operator_says(folder.parent, "outputs: {kinds: [Secret, Pod, ConfigMap]}\n")
    send(config, marked, CONFIG_MAP)
    assert krm() == before


def test_a_file_that_generators_name_again_is_read_and_opened_once(send: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[str] = []
    read = Folder.read

    def counted(self: Folder, path: str, limits: Limits) -> bytes:
        reads.append(path)
        return read(self, path, limits)

    monkeypatch.setattr(Folder, "read", counted)
    made = {"metadata": {"name": "x"}, "binaryFiles": ["a=db.enc.yaml", "b=db.enc.yaml"]}
    config = generator(files=["db.enc.yaml"] * 3, secretFrom=[made])
    send(config, config, config)
    items = answer()
    assert items[:3] == [PLAIN] * 3
    assert items[3]["data"]["a"] == items[3]["data"]["b"]
    assert (len(items), reads) == (8, ["db.enc.yaml"] * 2)  # as manifests and as a value


@pytest.mark.parametrize("kind", ["files", "binaryFiles", "envs"])
def test_files_named_again_add_no_more_than_one_file_may_hold(send: Any, folder: Path, kind: str) -> None:
    size = (folder / "db.enc.yaml").stat().st_size
    (folder / "a.env").write_bytes(encrypted(f"A={'x' * (size - 4)}\n", None, store="dotenv"))
    operator_says(folder.parent, f"limits: {{size: {4 * size}}}\n")
    for number, allowed in ((4, True), (20, False)):
        listed = ["a.env"] * number if kind == "envs" else [f"k{index}=a.env" for index in range(number)]
        send(
            generator(files=["db.enc.yaml"] * number)
            if kind == "files"
            else generator(secretFrom=[{"metadata": {"name": "x"}, kind: listed}])
        )
        if allowed:
            assert answer()
            continue
        with pytest.raises(LimitError, match="named again add more"):
            krm()


def test_a_short_list_does_not_make_thousands_of_objects(send: Any, folder: Path) -> None:
    operator_says(folder.parent, "limits: {documents: 10}\n")
    made = [{"metadata": {"name": f"x{index}"}, "literals": ["a=b"]} for index in range(11)]
    send(generator(secretFrom=made[:10]))
    assert len(answer()) == 10
    send(generator(secretFrom=made))
    with pytest.raises(LimitError, match="more than 10 objects"):
        krm()


def test_a_scope_does_not_matter_where_nothing_is_sealed(send: Any, folder: Path) -> None:
    operator_says(folder.parent, "")
    send(generator(files=["db.enc.yaml"], scope="cluster-wide"))
    assert answer() == [PLAIN]


def test_the_operators_identities_are_the_only_ones(send: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    operator_says(folder.parent, "limits: {files: 1}\n")
    monkeypatch.setattr(os, "environ", {"SOPS_AGE_KEY_FILE": "mine.txt"})
    send(generator(files=["db.enc.yaml"]))
    assert answer() == [PLAIN]
    send(generator(files=["db.enc.yaml", "db.enc.yaml"]))
    with pytest.raises(LimitError):
        krm()


def test_a_mode_that_is_said_twice_must_be_the_same(send: Any) -> None:
    send(generator(files=["db.enc.yaml"], mode="redact"))
    with pytest.raises(ConflictingOptionsError):
        krm("--mode", "reveal")


def test_redacting_hides_every_value_that_was_encrypted(send: Any, folder: Path) -> None:
    (folder / "a.env").write_bytes(encrypted(f"A={CANARY}\n", None, store="dotenv"))
    made = {"metadata": {"name": "made"}, "envs": ["a.env"]}
    send(generator(files=["db.enc.yaml"], secretFrom=[made], configMapFrom=[{**made, "literals": ["x=y"]}]))
    secret, made_secret, config_map = answer("--mode", "redact")
    assert "hunter2" not in str(secret)
    assert CANARY not in str([made_secret, config_map])
    assert config_map["data"]["x"] == "y"


def test_a_generator_seals_only_where_the_seal_can_hold(send: Any, folder: Path) -> None:
    sealing = ("--mode", "seal", "--cert", certificate(folder.parent))
    send(generator(files=["db.enc.yaml"]))
    with pytest.raises(PolicyError, match="may still rename"):
        krm(*sealing)
    for scope in ("strict", "namespace-wide", "cluster-wide"):
        send(generator(files=["db.enc.yaml"], scope=scope))
        sealed = answer(*sealing)[0]
        unsealed = unseal(sealed, load_private_keys(unsealing_pem()))
        assert base64.b64decode(unsealed["data"]["password"]) == b"hunter2"  # type: ignore[index]
    merging = SECRET.replace("  name: db\n", "  name: db\n  annotations: {kustomize.config.k8s.io/behavior: merge}\n")
    (folder / "db.enc.yaml").write_bytes(encrypted(merging))
    send(generator(files=["db.enc.yaml"], scope="namespace-wide"))
    with pytest.raises(PolicyError, match="cannot be merged"):
        krm(*sealing)


def test_a_secret_made_of_files_seals_the_same_each_time_and_a_config_map_does_not(send: Any, folder: Path) -> None:
    sealing = ("--mode", "seal", "--cert", certificate(folder.parent))
    (folder / "a.env").write_bytes(encrypted("A=1\n", None, store="dotenv"))
    made = {"metadata": {"name": "made", "namespace": "prod"}, "envs": ["a.env"]}
    printed = []
    for _ in range(2):
        send(generator(secretFrom=[made], scope="namespace-wide"))
        printed.append(krm(*sealing))
    assert printed[0] == printed[1]
    assert b"kind: SealedSecret" in printed[0]
    for fields in ({"configMapFrom": [made]}, {"secretFrom": [{"metadata": made["metadata"], "literals": ["a=b"]}]}):
        send(generator(**fields, scope="namespace-wide"))
        with pytest.raises(PlaintextError):
            krm(*sealing)


def test_a_transformer_verifies_without_the_engines_annotations_and_puts_them_back(send: Any, folder: Path) -> None:
    own = {"team": "a", "kustomize.config.k8s.io/needs-hash": "true"}
    text = yaml.safe_dump({**PLAIN, "metadata": {**PLAIN["metadata"], "annotations": own}}, sort_keys=False)
    item = yaml.safe_load(encrypted(text))
    item["metadata"]["annotations"] |= ENGINES
    bare = yaml.safe_load((folder / "db.enc.yaml").read_text())
    bare["metadata"]["annotations"] = ENGINES
    send(function("SecretTransformer"), item, bare, POD)
    first, second, pod = answer()
    assert first["stringData"] == second["stringData"] == PLAIN["stringData"]
    assert first["metadata"]["annotations"] == own | ENGINES
    assert second["metadata"]["annotations"] == ENGINES
    assert pod == POD


def test_a_transformer_keeps_every_byte_of_what_it_does_not_change(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    item = "".join(f"  {line}\n" for line in (folder / "db.enc.yaml").read_text().splitlines())
    pod = "-   {kind:   Pod,  apiVersion: v1} # odd\n"
    text = f"kind: ResourceList\nitems:\n{pod}- {item.strip()}\nfunctionConfig:\n  {{kind: SecretTransformer, apiVersion: secretsync/v1}}\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    shown = "".join(f"  {line}\n" for line in SECRET.splitlines())
    assert krm().decode() == text.replace(item.strip(), shown.strip())


def test_a_changed_item_is_refused_with_the_remedy(send: Any, folder: Path) -> None:
    item = yaml.safe_load((folder / "db.enc.yaml").read_text())
    item["metadata"]["name"] = "pre-db"
    send(function("SecretTransformer"), item)
    with pytest.raises(MacMismatchError) as caught:
        krm()
    assert "SecretGenerator" in (caught.value.hint or "")
    assert caught.value.location == "Secret prod/pre-db"


def test_sealing_in_a_transformer_keeps_what_the_engine_must_see(send: Any, folder: Path) -> None:
    item = yaml.safe_load((folder / "db.enc.yaml").read_text())
    hashed = {**ENGINES, "internal.config.kubernetes.io/needsHashSuffix": "enabled"}
    item["metadata"]["annotations"] = hashed
    sealing = ("--cert", certificate(folder.parent))
    send(function("SecretTransformer", mode="seal"), item)
    with pytest.raises(PolicyError, match="hash"):
        krm(*sealing)
    send(function("SecretTransformer", mode="seal", scope="namespace-wide"), item)
    sealed = answer(*sealing)[0]
    assert sealed["metadata"]["annotations"] == {"sealedsecrets.bitnami.com/namespace-wide": "true", **hashed}
    assert "config.kubernetes.io" not in str(sealed["spec"])


def test_a_validator_returns_the_list_or_every_finding(send: Any, folder: Path) -> None:
    send(function("SecretValidator"), POD)
    assert answer() == [POD]
    send(function("SecretValidator"), {**POD, "metadata": {"annotations": {"kustomize.config.k8s.io/id": "x"}}})
    assert krm() == b""
    orphan = {
        "kind": "ConfigMap",
        "apiVersion": "v1",
        "metadata": {"name": "c"},
        "data": {"a": "ENC[AES256_GCM,data:x"},
    }
    carried = {**PLAIN, "data": {"f": base64.b64encode(b"mac: ENC[AES256_GCM,x").decode()}}
    send(function("SecretValidator"), PLAIN, (folder / "db.enc.yaml").read_text(), orphan, carried, POD)
    with pytest.raises(PolicyError, match="and 3 more") as caught:
        krm()
    printed = yaml.safe_load(caught.value.answer)
    assert printed["items"] == []
    assert [result["resourceRef"]["kind"] for result in printed["results"]] == [
        "Secret",
        "Secret",
        "ConfigMap",
        "Secret",
    ]
    assert "hunter2" not in str(printed)
    send(function("SecretValidator", plaintext="allow"), PLAIN)
    assert answer() == [PLAIN]


WHOLE = "ENC[AES256_GCM,data:x4Q=,iv:6oXY,tag:o5lP,type:str]"
CODED = base64.b64encode(WHOLE.encode()).decode()
BARE = {
    "a ConfigMap": {"kind": "ConfigMap", "data": {"a": WHOLE}},
    "binary data": {"kind": "ConfigMap", "binaryData": {"a": CODED}},
    "a Secret": {"kind": "Secret", "data": {"a": CODED}},
    "another kind": {"kind": "HelmRelease", "spec": {"values": {"list": [WHOLE]}}},
    "an annotation": {"kind": "Pod", "metadata": {"name": "a", "annotations": {"x": WHOLE}}},
    "a List": {"kind": "List", "items": [{"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": WHOLE}}]},
}


@pytest.mark.parametrize("kind", ["SecretTransformer", "SecretValidator"])
@pytest.mark.parametrize("bare", BARE.values(), ids=BARE)
def test_a_value_that_is_ciphertext_leaves_no_function(
    send: Any, folder: Path, bare: dict[str, Any], kind: str
) -> None:
    send(function(kind), {"apiVersion": "v1", "metadata": {"name": "a"}, **bare})
    with pytest.raises(SecretsyncError, match=r"ciphertext still|encrypted still"):
        krm()


@pytest.mark.parametrize(
    "config",
    [
        None,
        {"kind": "ConfigMap"},
        {**function("SecretTransformer"), "apiVersion": "v1"},
        function("SecretTransformer", ignoreMac=True),
        function("SecretTransformer", mode="off"),
        function("SecretValidator", plaintext="maybe"),
        function("SecretValidator", ciphertext="allow"),
    ],
    ids=str,
)
def test_a_config_that_says_nothing_or_too_much_is_refused(send: Any, config: Tree | None) -> None:
    send(config, POD)
    with pytest.raises(ConfigError):
        krm()


@pytest.mark.parametrize(
    "data", [b"", b"kind: List\nitems: []\n", b"a: [", b"\xff", b"kind: ResourceList\n---\na: b\n"]
)
def test_what_is_no_resource_list_is_refused(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    with pytest.raises(SecretsyncError) as caught:
        krm()
    assert (caught.value.location or "").startswith("standard input")


def test_ksops_takes_every_item_for_a_generator_and_hands_none_back(
    send: Any, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    for config, items in (
        (generator(files=["db.enc.yaml"]), [generator(files=["db.enc.yaml"])]),
        (None, [{"kind": "other", "files": ["db.enc.yaml"]}]),
        (generator(files=["db.enc.yaml"]), []),
    ):
        send(config, *items)
        assert ksops.start([]) == 0
        assert yaml.safe_load(capsysbinary.readouterr().out)["items"] == [PLAIN]


def test_ksops_fails_with_1_the_items_as_they_came_and_a_result(
    send: Any, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    config = generator(files=["absent.yaml"])
    send(config, config)
    assert ksops.start([]) == 1
    printed = capsysbinary.readouterr()
    answered = yaml.safe_load(printed.out)
    assert answered["items"] == [config]
    assert [result["severity"] for result in answered["results"]] == ["error"]
    assert answered["results"][0]["message"] in printed.err.decode()


def test_ksops_as_a_legacy_plugin_prints_documents(folder: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    path = folder.parent / "config.yaml"
    path.write_text(yaml.safe_dump(generator(files=["db.enc.yaml", "db.enc.yaml"])))
    assert ksops.start([str(path)]) == 0
    assert list(yaml.safe_load_all(capsysbinary.readouterr().out)) == [PLAIN, PLAIN]
    path.write_text(yaml.safe_dump(generator(files=["db.enc.yaml", "absent.yaml"])))
    for arguments in ([str(path)], [str(folder / "absent")], ["a", "b"], ["install"]):
        assert ksops.start(arguments) == 1
        assert capsysbinary.readouterr().out == b""
