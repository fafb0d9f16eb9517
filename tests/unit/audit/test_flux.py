"""`check --as flux` over repositories whose fate at the real controller is known; `tests/proofs/test_flux.py` compares."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import yaml

from secretsync import age, sops
from secretsync.audit.flux import check_flux
from secretsync.documents.stores import store_named
from secretsync.errors import ConfigError, MissingFileError
from secretsync.masterkeys import MasterKeys
from secretsync.sops.selectors import Selector
from tests.proofs.flux_layouts import ADD, ENTRY, LAYOUTS, VALUE, Files, Maker, built, dump

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 1, 1, tzinfo=UTC)
IDENTITY = age.generate()
KEYS = MasterKeys({"SOPS_AGE_KEY": IDENTITY.expose()})


def encrypt(content: bytes, store: str, kind: str, pattern: str) -> bytes:
    source = store_named(store).load(content)
    selector = Selector(kind, pattern) if kind else None
    return sops.encrypt(source, groups=[[("age", str(IDENTITY))]], keys=KEYS, now=NOW, selector=selector)


def written(root: Path, files: Files) -> str:
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    return str(root)


def said(root: str, keys: MasterKeys | None = KEYS, **options: list[str]) -> dict[str, str]:
    found = check_flux(root, keys=keys, **options)
    for finding in found:
        assert VALUE not in finding.message
        assert "ENC[AES256_GCM,data" not in finding.message
    named = [each for each in found if each.rule != "flux-unverified"]
    files = {each.file.removeprefix(f"{root}/"): each.rule.removeprefix("flux-") for each in named}
    assert len(files) == len(named), "one finding a file"
    return files


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_gets_the_verdicts_that_the_controller_bears_out(name: str, tmp_path: Path) -> None:
    layout = LAYOUTS[name]
    assert said(written(tmp_path, layout.files(Maker(encrypt, "flux-system")))) == layout.says


MAKER = Maker(encrypt, "flux-system")
SYNC = MAKER.sync("app", "./app")
SECRET = MAKER.values(MAKER.secret())


def messages(root: str, keys: MasterKeys | None = KEYS, **options: list[str]) -> str:
    return "\n".join(f"{each.location} {each.message} {each.hint}" for each in check_flux(root, keys=keys, **options))


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_is_judged_alike_without_a_key_but_for_what_stands_in_values(name: str, tmp_path: Path) -> None:
    layout = LAYOUTS[name]
    root = written(tmp_path, layout.files(MAKER))
    assert "this check verified" not in messages(root, None)
    if not any(b"postBuild" in path.read_bytes() for path in tmp_path.rglob("*.yaml")):
        assert said(root, None) == layout.says


def test_verified_is_said_of_what_was_verified(tmp_path: Path) -> None:
    root = written(tmp_path, {ENTRY: dump(SYNC), "app/s.yaml": SECRET})
    assert "this check verified all of it" in messages(root)
    (tmp_path / "app" / "two.yaml").write_bytes(SECRET.replace(b"name: web", b"name: two"))
    assert "this check verified 1 of 2 files" in messages(root)
    assert "this check verified" not in messages(root, None)
    assert "this check verified" not in messages(root, MasterKeys({}))


def test_entries_are_found_by_what_bootstrap_wrote(tmp_path: Path) -> None:
    files = {
        "clusters/a/flux-system/gotk-sync.yaml": dump(MAKER.sync("flux-system", "./clusters/a", decrypts=False)),
        "clusters/a/app.yaml": dump(SYNC),
        "app/s.yaml": SECRET,
        "contrib/ks.yaml": dump(MAKER.sync("contrib", "./nowhere")),
    }
    assert said(written(tmp_path, files)) == {"app/s.yaml": "decrypts"}


@pytest.mark.parametrize(
    "instance",
    [
        {"apiVersion": "fluxcd.controlplane.io/v1", "kind": "FluxInstance", "metadata": {"name": "flux"}, "spec": {}},
        {"instance": {}},
        {"apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease", "spec": {"values": {"instance": {}}}},
    ],
)
def test_entries_are_found_by_an_instance_of_the_operator(instance: dict[str, object], tmp_path: Path) -> None:
    place: dict[str, object] = instance
    for step in ("spec", "values", "instance"):
        place = place.get(step, place)  # type: ignore[assignment]
    place["sync"] = {"kind": "GitRepository", "url": "https://git.example/r", "path": "clusters/a"}
    place["kustomize"] = {"patches": [{"patch": yaml.safe_dump(ADD), "target": {"kind": "Kustomization"}}]}
    files = {
        "bootstrap/instance.yaml": dump(instance),
        "clusters/a/s.yaml": SECRET,
        "old/ks.yaml": dump(MAKER.sync("old", "./gone")),
    }
    assert said(written(tmp_path, files)) == {"clusters/a/s.yaml": "decrypts"}


def test_an_entry_can_be_named_as_a_file_or_a_folder(tmp_path: Path) -> None:
    files = {
        "clusters/a/ks.yaml": dump(SYNC),
        "clusters/b/ks.yaml": dump(MAKER.sync("app", "./app", decrypts=False)),
        "app/s.yaml": SECRET,
    }
    root = written(tmp_path, files)
    assert said(root, entry=["clusters/a"]) == {"app/s.yaml": "decrypts"}
    assert said(root, entry=[f"{root}/clusters/b/ks.yaml"]) == {"app/s.yaml": "missed"}
    with pytest.raises(MissingFileError):
        check_flux(root, entry=["gone"])
    with pytest.raises(ConfigError, match="holds no Kustomization"):
        check_flux(root, entry=["app/s.yaml"])


def test_another_source_is_named_and_can_be_mapped(tmp_path: Path) -> None:
    other = MAKER.sync("other", "./deploy", sourceRef={"kind": "OCIRepository", "name": "platform"})
    files = {ENTRY: dump(SYNC, other), "app/s.yaml": SECRET}
    root = written(tmp_path / "here", files)
    written(tmp_path / "there", {"deploy/t.yaml": SECRET.replace(b"name: web", b"name: t")})
    assert said(root) == {"app/s.yaml": "decrypts", ENTRY: "not-judged"}
    assert "reads OCIRepository flux-system/platform" in messages(root)
    mapped = said(root, map_source=[f"OCIRepository/platform={tmp_path}/there"])
    assert mapped == {"app/s.yaml": "decrypts", f"{tmp_path}/there/deploy/t.yaml": "decrypts"}
    for wrong in ("platform=x", "Git/platform=x", "OCIRepository/=x", "OCIRepository/platform"):
        with pytest.raises(ConfigError, match="which source lies where"):
            check_flux(root, map_source=[wrong])


def test_what_is_left_out_of_the_artifact_is_not_there(tmp_path: Path) -> None:
    root = written(
        tmp_path, {ENTRY: dump(SYNC), "app/s.yaml": SECRET, "app/old/t.yaml": SECRET, ".sourceignore": b"old/\n"}
    )
    assert said(root) == {"app/s.yaml": "decrypts", "app/old/t.yaml": "unreached"}
    (tmp_path / ".sourceignore").write_text("/app\n")
    assert said(root) == {"app/s.yaml": "unreached", "app/old/t.yaml": "unreached", ENTRY: "fails"}
    assert ".sourceignore" in messages(root)
    (tmp_path / ".sourceignore").unlink()
    source = {
        "kind": "GitRepository",
        "metadata": {"name": "flux-system"},
        "spec": {"ignore": "# all\n/*\n!/app\n!/clusters\nold/\n"},
    }
    (tmp_path / "clusters" / "git.yaml").write_bytes(dump({"apiVersion": "source.toolkit.fluxcd.io/v1", **source}))
    assert said(root) == {"app/s.yaml": "decrypts", "app/old/t.yaml": "unreached"}


def test_a_link_is_in_no_artifact(tmp_path: Path) -> None:
    root = written(tmp_path, {ENTRY: dump(SYNC), "app/s.yaml": SECRET})
    (tmp_path / "app" / "gone.yaml").symlink_to("nowhere")
    (tmp_path / "app" / "twice.yaml").symlink_to("s.yaml")
    assert said(root) == {"app/s.yaml": "decrypts"}


def test_a_file_is_named_once_however_many_reach_it(tmp_path: Path) -> None:
    overlays = {
        f"overlays/{n}/kustomization.yaml": built(resources=["../../app"], namePrefix=f"p{n}-") for n in range(11)
    }
    syncs = dump(*(MAKER.sync(f"s{n}", f"./overlays/{n}", decrypts=n != 7) for n in range(11)))
    root = written(
        tmp_path,
        {ENTRY: syncs, **overlays, "app/kustomization.yaml": built(resources=["s.yaml"]), "app/s.yaml": SECRET},
    )
    assert said(root) == {"app/s.yaml": "missed"}
    assert "Kustomization s7 has no spec.decryption" in messages(root)


def test_what_stands_in_a_decrypted_value_is_never_told(tmp_path: Path) -> None:
    secret = MAKER.values(MAKER.secret(password="x-${canary_name}-y"))
    post = {"postBuild": {"substitute": {"env": "prod"}}}
    root = written(tmp_path, {ENTRY: dump(MAKER.sync("app", "./app", **post)), "app/s.yaml": secret})  # type: ignore[arg-type]
    assert "stringData.password" in messages(root)
    assert "canary" not in messages(root)
    assert said(root, None) == {"app/s.yaml": "decrypts", ENTRY: "not-judged"}
    assert "not checked without a key" in messages(root, None)


def test_a_variable_of_the_cluster_is_not_known_and_nothing_fails(tmp_path: Path) -> None:
    post = {"substituteFrom": [{"kind": "ConfigMap", "name": "settings"}]}
    files = {
        ENTRY: dump(MAKER.sync("apps", "./apps", decrypts=False, postBuild=post)),
        "apps/web.yaml": dump(MAKER.sync("web", "./${cluster}/web")),
        "apps/settings.yaml": dump(MAKER.settings("x", host="${domain}")),
        "prod/web/s.yaml": SECRET,
    }
    root = written(tmp_path, files)
    assert said(root) == {"apps/web.yaml": "not-judged", "prod/web/s.yaml": "unreached"}
    assert "not known here" in messages(root)


def test_a_generated_config_map_is_substituted_as_well(tmp_path: Path) -> None:
    generator = {"name": "script", "namespace": "shop", "files": ["run.sh"]}
    post = {"postBuild": {"substitute": {"env": "prod"}}}
    files = {
        ENTRY: dump(MAKER.sync("app", "./app", **post)),  # type: ignore[arg-type]
        "app/kustomization.yaml": built(configMapGenerator=[generator]),
        "app/run.sh": b"echo ${HOME}\n",
    }
    root = written(tmp_path, files)
    assert said(root) == {"app/kustomization.yaml": "fails"}
    off = {"annotations": {"kustomize.toolkit.fluxcd.io/substitute": "disabled"}}
    (tmp_path / "app" / "kustomization.yaml").write_bytes(built(configMapGenerator=[{**generator, "options": off}]))
    assert said(root) == {}


def test_kustomizations_in_circles_and_without_end_are_settled(tmp_path: Path) -> None:
    grows = MAKER.sync("grows", "./grows", postBuild={"substitute": {"v": "${v}x"}})
    around = [MAKER.sync("a", "./b", decrypts=False), MAKER.sync("b", "./a", decrypts=False)]
    files = {
        "grows/ks.yaml": dump(grows),
        "a/ks.yaml": dump(around[0]),
        "b/ks.yaml": dump(around[1]),
        "a/s.yaml": SECRET,
    }
    assert said(written(tmp_path, files)) == {"a/s.yaml": "missed"}


def test_includes_that_double_at_each_step_are_bounded(tmp_path: Path) -> None:
    files = {f"k{n}/kustomization.yaml": built(resources=[f"../k{n + 1}", f"../k{n + 1}/."]) for n in range(40)}
    root = written(tmp_path, {ENTRY: dump(MAKER.sync("app", "./k0")), **files, "k40/kustomization.yaml": built()})
    assert "more than 5000 kustomizations" in messages(root)


def test_the_hint_fits_the_kind(tmp_path: Path) -> None:
    release = {
        "apiVersion": "helm.toolkit.fluxcd.io/v2",
        "kind": "HelmRelease",
        "metadata": {"name": "x", "namespace": "y"},
    }
    text = dump({**release, "spec": {"values": {"password": VALUE}}}).replace(
        b"    password", b"    # hide\n    password"
    )
    content = encrypt(text, "yaml", "encrypted_comment_regex", "hide")
    root = written(tmp_path, {ENTRY: dump(SYNC), "app/r.yaml": content})
    assert "'^values$'" in messages(root)
    assert "stringData" not in messages(root)


def test_a_repository_without_kustomizations_is_told(tmp_path: Path) -> None:
    assert [each.level for each in check_flux(written(tmp_path, {"s.yaml": SECRET}))] == ["warning"]
