"""`secretsync-hook krm` and `ksops` under the real kustomize: generator, transformer, validator, legacy exec plugin."""

from __future__ import annotations

import base64
import json
import os
import shutil
import sys
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml

from secretsync.sealed import unseal
from secretsync.sealed.privatekeys import load as load_private_keys
from tests.peers import Completed, run
from tests.peers.binaries import REPOSITORY
from tests.unit.render.workshop import certificate, unsealing_pem

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.peers.sops import Sops

    Tree = dict[str, Any]

VALUE: Final = "c4n4ry-kust0m"
BOTH: Final = ("--enable-alpha-plugins", "--enable-exec")
SECRET: Final = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"labels": {"app": "shop"}, "name": "db", "namespace": "prod"},
    "stringData": {"number": "0123", "password": VALUE},
}  # in alphabetical order, which kustomize brings everything into that it hands to a transformer
POD: Final = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "app", "namespace": "prod"},
    "spec": {
        "containers": [
            {
                "name": "app",
                "image": "app",
                "env": [{"name": "P", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}],
            }
        ]
    },
}


class Workshop:
    """A kustomization being written, and the builds of it."""

    def __init__(self, folder: Path, kustomize: Path, sops: Sops) -> None:
        self.folder = folder
        self.sops = sops
        self._kustomize = kustomize
        self._tools = folder.parent / f"{folder.name}-tools"
        self._tools.mkdir()
        self.krm = self._program("secretsync-hook-krm", "secretsync.hooks", "krm")
        self.ksops = self._program("ksops", "secretsync.compat.ksops")

    def _program(self, name: str, module: str, *arguments: str) -> Path:
        path = self._tools / name
        path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m {module} {" ".join(arguments)} "$@"\n')
        path.chmod(0o755)
        return path

    def write(self, name: str, tree: object) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(tree if isinstance(tree, str) else yaml.safe_dump(tree, sort_keys=False))

    def encrypt(self, name: str, tree: Tree, *flags: str) -> None:
        flags = flags or ("--encrypted-regex", "^(data|stringData)$")
        data = self.sops.encrypt(json.dumps(tree, ensure_ascii=False).encode(), "yaml", *flags)
        (self.folder / name).write_bytes(data)

    def function(self, program: Path, tree: Tree, *arguments: str) -> Tree:
        exec_ = {"path": str(program), "args": list(arguments)} if arguments else {"path": str(program)}
        annotations = {"config.kubernetes.io/function": yaml.safe_dump({"exec": exec_})}
        return {"apiVersion": "secretsync/v1", **tree, "metadata": {"name": "function", "annotations": annotations}}

    def ksops_config(self, **fields: object) -> Tree:
        return self.function(self.ksops, {"apiVersion": "viaduct.ai/v1", "kind": "ksops", **fields})

    def build(self, *flags: str, code: int = 0, environ: dict[str, str] | None = None, folder: str = ".") -> Completed:
        environ = self.sops.environ if environ is None else environ
        ended = run([self._kustomize, "build", *(flags or BOTH), folder], cwd=self.folder, env=environ, check=False)
        assert ended.code == code, ended.stderr
        return ended

    def objects(self, *flags: str, **options: Any) -> dict[str, Tree]:
        built = yaml.safe_load_all(self.build(*flags, **options).stdout)
        return {f"{obj['kind']} {obj['metadata']['name']}": obj for obj in built}


@pytest.fixture
def shop(peer: Callable[[str], Path], sops_peer: Sops, tmp_path: Path) -> Workshop:
    """Return a kustomization folder with one encrypted Secret in it."""
    folder = tmp_path / "shop"
    folder.mkdir()
    made = Workshop(folder, peer("kustomize"), sops_peer)
    made.encrypt("db.enc.yaml", SECRET)
    return made


def test_a_generator_makes_what_the_encrypted_files_hold(shop: Workshop) -> None:
    binary = bytes(range(256))
    (shop.folder / "logo.bin").write_bytes(shop.sops.encrypt(binary, "bin"))
    (shop.folder / "app.env").write_bytes(shop.sops.encrypt(b"A=1\nB='two words' # said twice\nexport C=x\n", "env"))
    (shop.folder / "conf.ini").write_bytes(shop.sops.encrypt(b"[s]\nk = v\n", "ini"))
    shop.write(
        "generator.yaml",
        shop.ksops_config(
            files=["./db.enc.yaml"],
            secretFrom=[
                {
                    "metadata": {"name": "made", "labels": {"app": "shop"}},
                    "type": "Opaque",
                    "files": ["conf.ini", "key=./conf.ini"],
                    "binaryFiles": ["logo.bin"],
                    "envs": ["app.env"],
                }
            ],
            configMapFrom=[{"metadata": {"name": "settings"}, "envs": ["app.env"], "binaryFiles": ["logo.bin"]}],
        ),
    )
    shop.write("kustomization.yaml", {"generators": ["generator.yaml"]})
    objects = shop.objects()
    assert objects.pop("Secret db") == SECRET
    ini = shop.sops.decrypt((shop.folder / "conf.ini").read_bytes(), "ini").decode()
    environment = {"A": "1", "B": "two words", "C": "x"}
    logo = {"logo.bin": base64.b64encode(binary).decode()}
    assert objects.pop("Secret made") == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "made", "labels": {"app": "shop"}},
        "type": "Opaque",
        "stringData": {**environment, "conf.ini": ini, "key": ini},
        "data": logo,
    }
    assert objects.pop("ConfigMap settings")["data"] == environment
    assert not objects


def test_no_value_is_misread_on_its_way_through_kustomize(shop: Workshop) -> None:
    values = [
        "",
        " ",
        "yes",
        "NO",
        "~",
        "null",
        "0123",
        "0o14",
        "1e3",
        "1_000",
        ".5",
        "0x1F",
        "2001-01-01",
        "!x",
    ]
    values += [
        "a: b",
        "# c",
        "a #b",
        "- a",
        "{a",
        "[a",
        "'",
        '"',
        "`",
        "@",
        "%a",
        "*a",
        "&a",
        "|",
        ">",
        "\\n",
        "ü😀",
    ]
    values += [
        "\n",
        "a\n",
        "a\n\n",
        "\na",
        " a\nb ",
        "a\r\nb",
        "\ta",
        "a\tb",
        "a\u2028b",
        "x" * 5000,
        "a b " * 300,
    ]
    named = {f"k{number}": value for number, value in enumerate(values)}
    shop.encrypt("db.enc.yaml", {**SECRET, "stringData": named})
    (shop.folder / "value.txt").write_bytes(shop.sops.encrypt("ü\r\n\n # x\t\n".encode(), "txt"))
    made = {"metadata": {"name": "made"}, "files": ["value.txt"]}
    shop.write("generator.yaml", shop.ksops_config(files=["db.enc.yaml"], secretFrom=[made]))
    shop.write("kustomization.yaml", {"generators": ["generator.yaml"]})
    objects = shop.objects()
    assert objects["Secret db"]["stringData"] == named
    assert objects["Secret made"]["stringData"] == {"value.txt": "ü\r\n\n # x\t\n"}


@pytest.mark.parametrize("own", [False, True], ids=["ksops", "SecretGenerator"])
def test_what_is_generated_is_customized_like_any_object(shop: Workshop, own: bool) -> None:
    config = {"kind": "SecretGenerator", "files": ["db.enc.yaml"]}
    function = shop.function(shop.krm, config) if own else shop.ksops_config(files=["db.enc.yaml"])
    shop.write("generator.yaml", function)
    shop.write("pod.yaml", POD)
    kustomization = {"resources": ["pod.yaml"], "generators": ["generator.yaml"]}
    shop.write("kustomization.yaml", {**kustomization, "namePrefix": "pre-", "namespace": "other"})
    objects = shop.objects()
    assert set(objects) == {"Secret pre-db", "Pod pre-app"}
    assert objects["Secret pre-db"]["stringData"] == SECRET["stringData"]
    assert objects["Secret pre-db"]["metadata"]["namespace"] == "other"
    assert _reference(objects["Pod pre-app"]) == "pre-db"


def test_a_generated_secret_asks_for_a_hash_and_references_follow(shop: Workshop) -> None:
    shop.encrypt("db.enc.yaml", _annotated(SECRET, needs_hash="true"))
    shop.write("generator.yaml", shop.ksops_config(files=["db.enc.yaml"]))
    shop.write("pod.yaml", POD)
    shop.write("kustomization.yaml", {"resources": ["pod.yaml"], "generators": ["generator.yaml"]})
    first = shop.build()
    assert shop.build().stdout == first.stdout
    name = _reference(shop.objects()["Pod app"])
    assert name.startswith("db-")
    assert shop.objects()[f"Secret {name}"]["metadata"] == {**SECRET["metadata"], "name": name}  # type: ignore[dict-item]


@pytest.mark.parametrize("behavior", ["merge", "replace"])
def test_a_generated_secret_merges_with_or_replaces_the_one_of_the_base(shop: Workshop, behavior: str) -> None:
    bare = {name: field for name, field in SECRET.items() if name != "stringData"}  # kustomize merges `data` alone
    shop.write("base/secret.yaml", {**bare, "data": {"old": "MQ==", "password": "MQ=="}})
    shop.write("base/kustomization.yaml", {"resources": ["secret.yaml"]})
    data = {"password": base64.b64encode(VALUE.encode()).decode()}
    shop.encrypt("db.enc.yaml", _annotated({**bare, "data": data}, behavior=behavior))
    shop.write("generator.yaml", shop.ksops_config(files=["db.enc.yaml"]))
    shop.write("kustomization.yaml", {"resources": ["base"], "generators": ["generator.yaml"]})
    expected = {**data, **({"old": "MQ=="} if behavior == "merge" else {})}
    assert shop.objects()["Secret db"]["data"] == expected


def test_the_legacy_exec_plugin_generates_the_same(shop: Workshop) -> None:
    shop.write("generator.yaml", {"apiVersion": "viaduct.ai/v1", "kind": "ksops", "metadata": {"name": "g"},
                                  "files": ["db.enc.yaml", "more.enc.yaml"]})  # fmt: skip
    shop.encrypt("more.enc.yaml", {**SECRET, "metadata": {"name": "more"}})
    shop.write("kustomization.yaml", {"generators": ["generator.yaml"]})
    plugins = shop.folder.parent / "plugins"
    place = plugins / "viaduct.ai" / "v1" / "ksops"
    place.mkdir(parents=True)
    shutil.copy(shop.ksops, place / "ksops")
    environ = {**shop.sops.environ, "KUSTOMIZE_PLUGIN_HOME": str(plugins)}
    objects = shop.objects("--enable-alpha-plugins", environ=environ)
    assert objects["Secret db"] == SECRET
    assert set(objects) == {"Secret db", "Secret more"}
    refused = shop.build("--enable-alpha-plugins", code=1, environ={"KUSTOMIZE_PLUGIN_HOME": str(plugins)})
    assert refused.stdout == b""
    assert "no key" in refused.stderr.lower()


def test_a_transformer_reveals_resources_where_they_stand(shop: Workshop) -> None:
    shop.write("pod.yaml", POD)
    shop.write("transformer.yaml", shop.function(shop.krm, {"kind": "SecretTransformer"}))
    shop.write("kustomization.yaml", {"resources": ["db.enc.yaml", "pod.yaml"], "transformers": ["transformer.yaml"]})
    assert shop.objects() == {"Secret db": SECRET, "Pod app": POD}


def test_a_transformer_verifies_the_documents_of_one_file_together(shop: Workshop) -> None:
    both = "\n---\n".join(json.dumps({**SECRET, "metadata": {"name": name}}) for name in ("a", "b"))
    data = shop.sops.encrypt(both.encode(), "yaml", "--encrypted-regex", "^stringData$")
    (shop.folder / "both.enc.yaml").write_bytes(data)
    shop.write("transformer.yaml", shop.function(shop.krm, {"kind": "SecretTransformer"}))
    shop.write("kustomization.yaml", {"resources": ["both.enc.yaml"], "transformers": ["transformer.yaml"]})
    objects = shop.objects()
    assert [_values(objects[f"Secret {name}"]) for name in ("a", "b")] == [SECRET["stringData"]] * 2


def test_a_transformer_refuses_what_kustomize_has_changed_and_names_the_remedy(shop: Workshop) -> None:
    shop.write("transformer.yaml", shop.function(shop.krm, {"kind": "SecretTransformer"}))
    kustomization = {"resources": ["db.enc.yaml"], "transformers": ["transformer.yaml"], "namePrefix": "pre-"}
    unsorted = {**SECRET, "stringData": {"password": VALUE, "number": "0123"}}
    for secret, prefix in ((SECRET, "pre-"), (unsorted, "")):
        shop.encrypt("db.enc.yaml", secret)
        shop.write("kustomization.yaml", {**kustomization, "namePrefix": prefix})
        refused = shop.build(code=1)
        assert refused.stdout == b""
        assert "SecretGenerator" in refused.stderr
    shop.encrypt("db.enc.yaml", SECRET, "--encrypted-regex", "^stringData$", "--mac-only-encrypted")
    shop.write("kustomization.yaml", kustomization)
    assert _values(shop.objects()["Secret pre-db"]) == SECRET["stringData"]


def test_a_validator_lets_nothing_encrypted_and_no_plain_secret_through(shop: Workshop) -> None:
    shop.write("validator.yaml", shop.function(shop.krm, {"kind": "SecretValidator", "plaintext": "allow"}))
    kustomization: Tree = {"resources": ["db.enc.yaml"], "validators": ["validator.yaml"]}
    shop.write("kustomization.yaml", kustomization)
    assert "Secret prod/db: is encrypted still" in shop.build(code=1).stderr
    shop.write("generator.yaml", shop.ksops_config(files=["db.enc.yaml"]))
    shop.write("kustomization.yaml", {"generators": ["generator.yaml"], "validators": ["validator.yaml"]})
    assert shop.objects() == {"Secret db": SECRET}
    shop.write("validator.yaml", shop.function(shop.krm, {"kind": "SecretValidator"}))
    refused = shop.build(code=1)
    assert "Secret prod/db: is a Secret in the clear" in refused.stderr
    assert refused.stdout == b""


def test_without_enable_exec_kustomize_succeeds_and_leaves_the_secret_out(shop: Workshop) -> None:
    """kustomize does not say that it skipped a function (kustomize issue 4556): pages and `doctor` must."""
    shop.write("generator.yaml", shop.ksops_config(files=["db.enc.yaml"]))
    shop.write("pod.yaml", POD)
    shop.write("kustomization.yaml", {"resources": ["pod.yaml"], "generators": ["generator.yaml"]})
    assert set(shop.objects("--enable-alpha-plugins")) == {"Pod app"}


def test_without_a_key_nothing_is_rendered(shop: Workshop) -> None:
    shop.write("generator.yaml", shop.ksops_config(files=["db.enc.yaml"]))
    shop.write("pod.yaml", POD)
    shop.write("kustomization.yaml", {"resources": ["pod.yaml"], "generators": ["generator.yaml"]})
    refused = shop.build(code=1, environ={"HOME": str(shop.folder)})
    assert refused.stdout == b""
    assert "db.enc.yaml" in refused.stderr


def test_a_transformer_seals_last_for_the_final_name_and_namespace(shop: Workshop) -> None:
    key = shop.folder.parent / "seal.key"
    key.write_bytes(os.urandom(32))
    sealing = ("--cert", certificate(shop.folder.parent), "--seal-key", str(key))
    shop.write("generator.yaml", shop.ksops_config(files=["db.enc.yaml"]))
    shop.write("pod.yaml", POD)
    config = {"kind": "SecretTransformer", "mode": "seal"}
    shop.write("transformer.yaml", shop.function(shop.krm, config, *sealing))
    kustomization = {"resources": ["pod.yaml"], "generators": ["generator.yaml"], "transformers": ["transformer.yaml"]}
    shutil.copy(REPOSITORY / "deploy" / "kustomize" / "sealed-secrets-references.yaml", shop.folder)
    renaming = {"namePrefix": "pre-", "namespace": "final", "configurations": ["sealed-secrets-references.yaml"]}
    shop.write("kustomization.yaml", {**kustomization, **renaming})
    first = shop.build()
    assert VALUE.encode() not in first.stdout
    assert shop.build().stdout == first.stdout
    sealed = shop.objects()["SealedSecret pre-db"]
    assert sealed["metadata"] == {"name": "pre-db", "namespace": "final"}
    assert _unsealed(sealed) == SECRET["stringData"]
    assert _reference(shop.objects()["Pod pre-app"]) == "pre-db"


def test_without_a_seal_key_a_transformer_refuses_a_secret_in_the_clear(shop: Workshop) -> None:
    config = {"kind": "SecretTransformer", "mode": "seal"}
    shop.write("generator.yaml", shop.ksops_config(files=["db.enc.yaml"]))
    shop.write("transformer.yaml", shop.function(shop.krm, config, "--cert", certificate(shop.folder.parent)))
    shop.write("kustomization.yaml", {"generators": ["generator.yaml"], "transformers": ["transformer.yaml"]})
    assert "is in the clear" in shop.build(code=1).stderr


def test_a_generator_seals_under_a_hashed_name_which_references_follow(shop: Workshop) -> None:
    shutil.copy(REPOSITORY / "deploy" / "kustomize" / "sealed-secrets-references.yaml", shop.folder)
    shop.encrypt("db.enc.yaml", _annotated(SECRET, needs_hash="true"))
    config = {"kind": "SecretGenerator", "mode": "seal", "files": ["db.enc.yaml"]}
    sealing = ("--cert", certificate(shop.folder.parent))
    shop.write("pod.yaml", POD)
    kustomization = {"resources": ["pod.yaml"], "generators": ["generator.yaml"], "namePrefix": "pre-"}
    shop.write("kustomization.yaml", {**kustomization, "configurations": ["sealed-secrets-references.yaml"]})
    for scope in ("", "strict"):
        chosen = {**config, **({"scope": scope} if scope else {})}
        shop.write("generator.yaml", shop.function(shop.krm, chosen, *sealing))
        assert "a hash will be added" in shop.build(code=1).stderr
    shop.write("generator.yaml", shop.function(shop.krm, {**config, "scope": "namespace-wide"}, *sealing))
    first = shop.build()
    assert shop.build().stdout == first.stdout
    objects = shop.objects()
    name = _reference(objects["Pod pre-app"])
    assert name.startswith("pre-db-")
    sealed = objects[f"SealedSecret {name}"]
    assert sealed["metadata"]["annotations"] == {"sealedsecrets.bitnami.com/namespace-wide": "true"}
    assert "kustomize.config.k8s.io" not in first.stdout.decode()
    assert _unsealed(sealed) == SECRET["stringData"]


def test_a_hash_that_kustomize_will_add_is_seen_by_a_transformer(shop: Workshop) -> None:
    shutil.copy(REPOSITORY / "deploy" / "kustomize" / "sealed-secrets-references.yaml", shop.folder)
    key = shop.folder.parent / "seal.key"
    key.write_bytes(os.urandom(32))
    sealing = ("--cert", certificate(shop.folder.parent), "--seal-key", str(key))
    shop.encrypt("db.enc.yaml", _annotated(SECRET, needs_hash="true"))
    shop.write("generator.yaml", shop.ksops_config(files=["db.enc.yaml"]))
    shop.write("pod.yaml", POD)
    kustomization = {"resources": ["pod.yaml"], "generators": ["generator.yaml"], "transformers": ["transformer.yaml"]}
    shop.write("kustomization.yaml", {**kustomization, "configurations": ["sealed-secrets-references.yaml"]})
    config = {"kind": "SecretTransformer", "mode": "seal"}
    shop.write("transformer.yaml", shop.function(shop.krm, config, *sealing))
    assert "a hash will be added" in shop.build(code=1).stderr
    shop.write("transformer.yaml", shop.function(shop.krm, {**config, "scope": "namespace-wide"}, *sealing))
    objects = shop.objects()
    name = _reference(objects["Pod app"])
    assert name.startswith("db-")
    assert _unsealed(objects[f"SealedSecret {name}"]) == SECRET["stringData"]


@pytest.mark.parametrize("hostile", ["absolute", "parent", "link out", "device", "pipe", "folder", "plaintext"])
def test_a_generator_reads_only_encrypted_files_of_its_folder(shop: Workshop, hostile: str) -> None:
    outside = shop.folder.parent / "outside.yaml"
    shutil.copy(shop.folder / "db.enc.yaml", outside)
    place = shop.folder / "file.yaml"
    path = {"absolute": str(outside), "parent": "../outside.yaml"}.get(hostile, "file.yaml")
    match hostile:
        case "link out":
            place.symlink_to(outside)
        case "device":
            place.symlink_to("/dev/zero")
        case "pipe":
            os.mkfifo(place)
        case "folder":
            place.mkdir()
        case "plaintext":
            shop.write("file.yaml", SECRET)
    for field in ({"files": [path]}, {"secretFrom": [{"metadata": {"name": "x"}, "files": [f"k={path}"]}]}):
        shop.write("generator.yaml", shop.ksops_config(**field))
        shop.write("kustomization.yaml", {"generators": ["generator.yaml"]})
        refused = shop.build(code=1)
        assert refused.stdout == b""
        assert VALUE not in refused.stderr
        errors = [line for line in refused.stderr.splitlines() if line.startswith("secretsync: error:")]
        assert len(errors) == 1


def test_under_an_operators_configuration_the_kustomization_widens_nothing(shop: Workshop) -> None:
    """Its environment and arguments are the tenant's; the test moves the file, which nothing outside the process can."""
    path = shop.folder.parent / "hook.yaml"
    identities = {"identities": {"age": [str(shop.sops.identity)]}, "outputs": {"kinds": ["Secret"]}}
    path.write_text(yaml.safe_dump({"apiVersion": "secretsync/v1", "kind": "HookConfiguration", **identities}))
    moved = f"from secretsync.hooks import __main__, context as c; c.DEFAULT_PATH = {str(path)!r}; __main__.main()"
    shop.krm.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{moved}" krm "$@"\n')
    shop.write("kustomization.yaml", {"generators": ["generator.yaml"]})
    config = {"kind": "SecretGenerator", "files": ["db.enc.yaml"]}
    function = {"exec": {"path": str(shop.krm), "envs": ["SOPS_AGE_KEY_FILE=/dev/null", "HOME=/tmp"]}}
    generator = shop.function(shop.krm, config)
    generator["metadata"]["annotations"]["config.kubernetes.io/function"] = yaml.safe_dump(function)
    shop.write("generator.yaml", generator)
    assert shop.objects(environ={}) == {"Secret db": SECRET}
    for arguments in (["--cert", "mine.pem"], ["--seal-key", "mine.key"], ["--allow-expired"]):
        shop.write("generator.yaml", shop.function(shop.krm, config, *arguments))
        assert "the hook's configuration does not allow it" in shop.build(code=1, environ={}).stderr
    another = str(_configuration(shop.folder.parent / "another.yaml", identities=identities["identities"]))
    shop.write("generator.yaml", shop.function(shop.krm, config, "--operator-config", another))
    assert "another configuration was asked for" in shop.build(code=1, environ={}).stderr
    settings = {"metadata": {"name": "settings"}, "files": ["db.enc.yaml"]}
    shop.write("generator.yaml", shop.function(shop.krm, {"kind": "SecretGenerator", "configMapFrom": [settings]}))
    assert "the hook's configuration allows no output of kind 'ConfigMap'" in shop.build(code=1, environ={}).stderr


def _configuration(path: Path, **fields: object) -> Path:
    path.write_text(yaml.safe_dump({"apiVersion": "secretsync/v1", "kind": "HookConfiguration", **fields}))
    return path


def test_no_argument_of_a_kustomization_names_a_configuration_of_the_checkout(shop: Workshop) -> None:
    overlay = shop.folder / "overlays" / "prod"
    shop.write("overlays/prod/kustomization.yaml", {"generators": ["generator.yaml"]})
    shutil.copy2(shop.folder / "db.enc.yaml", overlay)
    (shop.folder / ".git").mkdir()
    own = {"identities": {"age": [str(shop.sops.identity)]}, "confined": False}
    inside = [_configuration(folder / "hook.yaml", **own) for folder in (overlay, shop.folder)]
    link = shop.folder.parent / "link.yaml"
    link.symlink_to(inside[1])
    names = [
        "hook.yaml",
        "../../hook.yaml",
        *inside,
        link,
        "/proc/self/cwd/hook.yaml",
        "/proc/self/cwd/../../hook.yaml",
    ]
    config = {"kind": "SecretGenerator", "files": ["db.enc.yaml"]}
    for name in map(str, names):
        shop.write("overlays/prod/generator.yaml", shop.function(shop.krm, config, "--operator-config", name))
        refused = shop.build(*BOTH, code=1, folder="overlays/prod", environ={})
        assert "lies in the checkout" in refused.stderr or "takes an absolute path" in refused.stderr, name
        assert VALUE not in refused.stderr
    outside = str(_configuration(shop.folder.parent / "hook.yaml", **own))
    shop.write("overlays/prod/generator.yaml", shop.function(shop.krm, config, "--operator-config", outside))
    assert shop.objects(*BOTH, folder="overlays/prod", environ={}) == {"Secret db": SECRET}


def test_an_archive_without_git_brings_no_configuration_either(shop: Workshop) -> None:
    own = _configuration(shop.folder / "hook.yaml", identities={"age": [str(shop.sops.identity)]})
    shop.write("base/kustomization.yaml", {"generators": ["generator.yaml"]})
    shutil.copy2(shop.folder / "db.enc.yaml", shop.folder / "base")
    config = {"kind": "SecretGenerator", "files": ["db.enc.yaml"]}
    for name, words in (
        (str(shop.folder / "base" / "hook.yaml"), "lies in the checkout"),
        ("/proc/self/cwd/../hook.yaml", "leads through /proc"),
        ("../hook.yaml", "takes an absolute path"),
    ):
        shop.write("base/generator.yaml", shop.function(shop.krm, config, "--operator-config", name))
        assert words in shop.build(*BOTH, code=1, folder="base", environ={}).stderr
    shop.write("kustomization.yaml", {"resources": ["base"]})
    shop.write("base/generator.yaml", shop.function(shop.krm, config, "--operator-config", str(own)))
    assert "lies in the checkout" in shop.build(code=1, environ={}).stderr


@pytest.mark.parametrize("kind", ["SecretGenerator", "SecretTransformer"])
def test_a_kustomization_widens_no_seal(shop: Workshop, kind: str) -> None:
    sealing = {"certificate": certificate(shop.folder.parent)}
    identities = {"age": [str(shop.sops.identity)]}
    path = shop.folder.parent / "hook.yaml"
    generates = kind == "SecretGenerator"
    shop.write("kustomization.yaml", {"generators": ["f.yaml"]} if generates else {"resources": ["db.enc.yaml"]})
    if not generates:
        shop.write("kustomization.yaml", {"resources": ["db.enc.yaml"], "transformers": ["f.yaml"]})
    for scopes, scope, allowed in (
        (None, "strict", True),
        (None, "namespace-wide", False),
        (None, "cluster-wide", False),
        (["namespace-wide"], "namespace-wide", True),
        (["namespace-wide"], "cluster-wide", False),
    ):
        governed = {**sealing, "scopes": scopes} if scopes else sealing
        _configuration(path, mode="seal", identities=identities, sealing=governed)
        tree: Tree = {"kind": kind, "scope": scope, **({"files": ["db.enc.yaml"]} if generates else {})}
        shop.write("f.yaml", shop.function(shop.krm, tree, "--operator-config", str(path)))
        if allowed:
            assert list(shop.objects(environ={})) == ["SealedSecret db"]
        else:
            assert "functionConfig scope" in shop.build(code=1, environ={}).stderr


@pytest.mark.parametrize("form", ["krm", "ksops"])
def test_a_failure_leaves_a_result_for_other_runners(shop: Workshop, form: str) -> None:
    config = shop.ksops_config(files=["absent.yaml"])
    listed = {"apiVersion": "config.kubernetes.io/v1", "kind": "ResourceList", "items": [config]}
    program = shop.krm if form == "krm" else shop.ksops
    ended = run([program], stdin=yaml.safe_dump(listed).encode(), cwd=shop.folder, check=False)
    answered = yaml.safe_load(ended.stdout)
    assert ended.code == (12 if form == "krm" else 1)
    assert answered["items"] == ([] if form == "krm" else [config])
    assert answered["results"][0]["message"] in ended.stderr


def _reference(pod: Tree) -> str:
    name: str = pod["spec"]["containers"][0]["env"][0]["valueFrom"]["secretKeyRef"]["name"]
    return name


def _values(secret: Tree) -> dict[str, str]:
    decoded = {key: base64.b64decode(value).decode() for key, value in secret.get("data", {}).items()}
    return {**decoded, **secret.get("stringData", {})}


def _unsealed(sealed: Tree) -> dict[str, str]:
    return _values(unseal(sealed, load_private_keys(unsealing_pem())))


def _annotated(secret: Tree, **options: str) -> Tree:
    annotations = {f"kustomize.config.k8s.io/{name.replace('_', '-')}": value for name, value in options.items()}
    return {**secret, "metadata": {**secret["metadata"], "annotations": annotations}}
