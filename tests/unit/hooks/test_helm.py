"""`secretsync-hook helm` as Helm starts it: post-renderer, value files, and what is said where Helm drops it."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from secretsync.hooks.helm.command import error_file
from secretsync.hooks.helm.stream import MARK
from tests.unit.render.workshop import CANARY, CONFIG, ENVIRON, SECRET, certificate, encrypted

VALUES = f"# for the shop\npassword: {CANARY}\nreplicas: 2\n"
STREAM = f"---\n# Source: shop/templates/cm.yaml\n{CONFIG}---\n# Source: shop/templates/db.yaml\n"
MARKED = f"metadata:\n  annotations:\n    helm.sh/resource-policy: keep\n    {MARK}: 'shop/templates/db.yaml'\n"


def helm(
    *arguments: object, stdin: bytes = b"", folder: Path | None = None, **environ: str
) -> subprocess.CompletedProcess[bytes]:
    """Run `secretsync-hook helm` with the tests' identity and `environ`."""
    command = [sys.executable, "-m", "secretsync.hooks", "helm", *map(str, arguments)]
    return subprocess.run(
        command, input=stdin, capture_output=True, check=False, env={**ENVIRON, **environ}, cwd=folder
    )


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    """Return a folder with value files, beside a file that is none of its business."""
    folder = tmp_path / "chart"
    (folder / "env").mkdir(parents=True)
    (folder / "values.yaml").write_text("replicas: 1\n")
    (folder / "env" / "secrets.yaml").write_bytes(encrypted(VALUES, None))
    (folder / "secrets.json").write_bytes(encrypted('{"password": "x"}', None, store="json"))
    (tmp_path / "outside.yaml").write_text("outside: true\n")
    (folder / "link.yaml").symlink_to(tmp_path / "outside.yaml")
    return folder


# --- the post-renderer -----------------------------------------------------------------------------------------------


def test_the_templates_of_helm_3_come_back_with_their_secrets_revealed() -> None:
    outcome = helm(stdin=STREAM.encode() + encrypted(SECRET))
    assert (outcome.returncode, outcome.stderr) == (0, b"")
    assert outcome.stdout.decode() == STREAM + SECRET


def test_the_templates_of_helm_4_are_sealed_and_keep_what_helm_reads(tmp_path: Path) -> None:
    written = encrypted(SECRET.replace("metadata:\n", "metadata:\n  annotations:\n    helm.sh/resource-policy: keep\n"))
    handed = written.replace(b"resource-policy: keep\n", f"resource-policy: keep\n    {MARK}: t/db.yaml\n".encode())
    assert MARK.encode() in handed
    outcome = helm("--mode", "seal", "--cert", certificate(tmp_path), stdin=CONFIG.encode() + b"---\n" + handed)
    config, sealed = outcome.stdout.decode().split("---\n")
    assert config == CONFIG
    made = yaml.safe_load(sealed)
    assert made["kind"] == "SealedSecret"
    assert made["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep", MARK: "t/db.yaml"}
    assert MARK not in made["spec"]["template"]["metadata"].get("annotations", {})


def test_a_failure_names_the_template_and_prints_no_manifest() -> None:
    broken = encrypted(SECRET + f"  c: {CANARY}\n").replace(b"namespace: prod", b"namespace: test")
    outcome = helm(stdin=STREAM.encode() + broken)
    assert (outcome.returncode, outcome.stdout) == (7, b"")
    assert outcome.stderr.startswith(b"secretsync: error: stdin#2 (shop/templates/db.yaml)")
    assert b"secrets://FILE" in outcome.stderr
    assert CANARY.encode() not in outcome.stderr


def test_standard_output_is_never_empty_with_success() -> None:
    for nothing in (b"", b"---\n# Source: shop/templates/off.yaml\n"):
        assert helm(stdin=nothing).returncode == 4
    assert helm("--allow-empty", stdin=b"---\n# Source: x\n").stdout == b"---\n# Source: x\n"


def test_a_stream_that_is_too_large_is_refused() -> None:
    outcome = helm("--max-size=100", stdin=STREAM.encode())
    assert (outcome.returncode, outcome.stdout) == (4, b"")


@pytest.mark.parametrize("arguments", [["x"], ["--output", "json"], ["--output-dir", "x"], ["get", "x"], ["values"]])
def test_what_a_post_renderer_must_not_do_is_no_option(arguments: list[str]) -> None:
    assert helm(*arguments, stdin=CONFIG.encode()).returncode == 2


@pytest.mark.parametrize("arguments", [["--help"], ["values", "--help"]])
def test_help_is_data(arguments: list[str]) -> None:
    outcome = helm(*arguments)
    assert (outcome.returncode, outcome.stderr) == (0, b"")
    assert b"secretsync-hook helm" in outcome.stdout


# --- what helm 4 loses -----------------------------------------------------------------------------------------------


def test_an_error_is_kept_in_the_file_that_was_named(tmp_path: Path) -> None:
    path = tmp_path / "new" / "error.txt"
    outcome = helm(stdin=b"a: [", SECRETSYNC_ERROR_FILE=str(path))
    assert outcome.returncode == 4
    assert path.read_bytes() == outcome.stderr != b""
    assert stat.S_IMODE(path.stat().st_mode) == 0o600

    assert helm(stdin=CONFIG.encode(), SECRETSYNC_ERROR_FILE=str(path)).returncode == 0
    assert path.read_bytes() == b""


def test_a_file_that_cannot_be_written_hides_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file" / "below"):
        outcome = helm(stdin=b"a: [", SECRETSYNC_ERROR_FILE=str(path))
        assert outcome.returncode == 4
        assert outcome.stderr.startswith(b"secretsync: error: stdin")


def test_only_helm_4_needs_the_state_directory() -> None:
    assert error_file({"HOME": "/h"}) is None
    assert error_file({"HOME": "/h", "HELM_PLUGIN_DIR": "/p"}) == "/h/.local/state/secretsync/last-error.txt"
    assert error_file({"XDG_STATE_HOME": "/s", "HELM_PLUGIN_DIR": "/p"}) == "/s/secretsync/last-error.txt"
    assert error_file({"HELM_PLUGIN_DIR": "/p"}) is None
    assert error_file({"SECRETSYNC_ERROR_FILE": "e", "HELM_PLUGIN_DIR": "/p", "HOME": "/h"}) == "e"


# --- value files -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "secrets://env/secrets.yaml",
        "secretsync://env/secrets.yaml",
        "secrets://?env/secrets.yaml",
        "secrets://sops!env/secrets.yaml",
        "secrets://env/../env/secrets.yaml",
    ],
)
def test_a_getter_prints_the_value_file_decrypted(url: str, chart: Path) -> None:
    outcome = helm("get", "", "", "", url, folder=chart)
    assert (outcome.returncode, outcome.stderr) == (0, b"")
    assert outcome.stdout.decode() == VALUES


def test_a_value_file_may_be_plain_or_json_or_named_in_full(chart: Path) -> None:
    assert helm("values", "values.yaml", folder=chart).stdout == b"replicas: 1\n"
    assert yaml.safe_load(helm("values", "secrets.json", folder=chart).stdout) == {"password": "x"}
    assert helm("values", chart / "env" / "secrets.yaml", folder=chart).stdout.decode() == VALUES


@pytest.mark.parametrize("path", ["../outside.yaml", "link.yaml", "{outside}", "env/../../outside.yaml"])
def test_no_path_leads_out_of_the_folder(path: str, chart: Path) -> None:
    name = path.format(outside=chart.parent / "outside.yaml")
    outcome = helm("get", "", "", "", f"secrets://{name}", folder=chart)
    assert (outcome.returncode, outcome.stdout) == (12, b"")
    assert b"SECRETSYNC_VALUES_ROOT" in outcome.stderr


def test_the_folder_can_be_a_wider_one(chart: Path) -> None:
    outcome = helm("values", "chart/link.yaml", folder=chart, SECRETSYNC_VALUES_ROOT="..")
    assert outcome.stdout == b"outside: true\n"


def test_only_a_missing_file_that_may_be_missing_is_empty(chart: Path) -> None:
    assert helm("get", "", "", "", "secrets://?none.yaml", folder=chart).returncode == 0
    assert helm("get", "", "", "", "secrets://none.yaml", folder=chart).returncode == 12
    assert helm("values", "?../none.yaml", folder=chart).returncode == 12


@pytest.mark.parametrize("url", ["secrets://https://example.org/x.yaml", "secrets+age-import://k?f", "secrets://"])
def test_other_urls_are_refused(url: str, chart: Path) -> None:
    outcome = helm("get", "", "", "", url, folder=chart)
    assert (outcome.returncode, outcome.stdout) == (3, b"")


def test_a_value_file_that_was_changed_is_refused(chart: Path) -> None:
    path = chart / "env" / "secrets.yaml"
    path.write_bytes(path.read_bytes().replace(b"replicas", b"replicaz"))
    outcome = helm("values", "env/secrets.yaml", folder=chart)
    assert (outcome.returncode, outcome.stdout) == (7, b"")
    assert CANARY.encode() not in outcome.stderr


def test_a_named_pipe_does_not_hang(chart: Path) -> None:
    os.mkfifo(chart / "pipe.yaml")
    assert helm("values", "pipe.yaml", folder=chart).returncode == 12


# --- the operator's word ---------------------------------------------------------------------------------------------


def operator(folder: Path, **fields: object) -> Path:
    """Write a hook's configuration that names the tests' identity."""
    given = {"identities": {"age": [ENVIRON["SOPS_AGE_KEY_FILE"]]}, **fields}
    path = folder / "hook.yaml"
    path.write_text(yaml.safe_dump({"apiVersion": "secretsync/v1", "kind": "HookConfiguration", **given}))
    return path


def test_an_operator_who_wants_sealing_gets_no_value_file_revealed(chart: Path, tmp_path: Path) -> None:
    config = operator(tmp_path, mode="seal", sealing={"certificate": certificate(tmp_path)})
    outcome = helm("values", "--operator-config", config, "env/secrets.yaml", folder=chart)
    assert (outcome.returncode, outcome.stdout) == (11, b"")
    sealed = helm("--operator-config", config, stdin=encrypted(SECRET)).stdout
    assert yaml.safe_load(sealed)["kind"] == "SealedSecret"
    assert helm("--operator-config", config, "--mode", "reveal", stdin=encrypted(SECRET)).returncode == 11


def test_an_operator_who_names_kinds_gets_no_value_file_out(chart: Path, tmp_path: Path) -> None:
    config = operator(tmp_path, outputs={"kinds": ["Secret"]})
    assert helm("values", "--operator-config", config, "env/secrets.yaml", folder=chart).returncode == 11
    assert helm("--operator-config", config, stdin=encrypted(SECRET)).stdout.decode() == SECRET
    assert helm("--operator-config", config, stdin=CONFIG.encode()).returncode == 11


@pytest.mark.parametrize("name", ["?env/secrets.yaml", "?none.yaml"])
def test_a_missing_value_file_is_fine_and_a_missing_identity_is_not(name: str, chart: Path, tmp_path: Path) -> None:
    whole = operator(tmp_path)
    assert helm("values", "--operator-config", whole, name, folder=chart).returncode == 0
    for lacking in (
        operator(tmp_path, identities={"age": [str(tmp_path / "not-mounted.txt")]}),
        operator(tmp_path, identities={"ssh": str(tmp_path / "not-mounted")}),
        tmp_path / "no-configuration.yaml",
    ):
        outcome = helm("values", "--operator-config", lacking, name, folder=chart)
        assert (outcome.returncode, outcome.stdout) == (12, b"")
    outcome = helm("values", name, folder=chart, SECRETSYNC_VALUES_ROOT=str(tmp_path / "no-folder"))
    assert (outcome.returncode, outcome.stdout) == (12, b"")


def test_a_value_file_may_be_missing_and_its_key_may_not(chart: Path) -> None:
    outcome = helm("values", "?env/secrets.yaml", folder=chart, SOPS_AGE_KEY_FILE="not-mounted.txt")
    assert (outcome.returncode != 0, outcome.stdout) == (True, b"")
    outcome = helm("values", "?none.yaml", folder=chart, SOPS_AGE_KEY_FILE="not-mounted.txt")
    assert (outcome.returncode, outcome.stdout) == (0, b"")


def test_no_configuration_comes_out_of_the_checkout(chart: Path, tmp_path: Path) -> None:
    inside = operator(chart)
    outside = operator(tmp_path)
    assert helm("values", "--operator-config", inside, "env/secrets.yaml", folder=chart).returncode == 0
    (chart / ".git").mkdir()
    link = tmp_path / "link.yaml"
    link.symlink_to(inside)
    for path in (inside, "hook.yaml", link):
        for arguments in (["values", "--operator-config", path, "env/secrets.yaml"], ["--operator-config", path]):
            outcome = helm(*arguments, stdin=encrypted(SECRET), folder=chart)
            assert (outcome.returncode, outcome.stdout) == (11, b"")
            assert b"lies in the checkout" in outcome.stderr
    assert helm("values", "--operator-config", outside, "env/secrets.yaml", folder=chart).returncode == 0


def test_a_chart_that_explodes_is_refused_quickly(tmp_path: Path) -> None:
    levels = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12))
    outcome = helm(stdin=b"# Source: x\na0: &a0 [x]\n" + levels.encode())
    assert (outcome.returncode, outcome.stdout) == (4, b"")
