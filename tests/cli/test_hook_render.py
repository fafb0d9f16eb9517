"""`secretsync-hook render` as an engine starts it: output, messages, exit codes."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.unit.render.workshop import (
    CANARY,
    CONFIG,
    ENVIRON,
    KEYS,
    SECRET,
    STRANGER,
    certificate,
    encrypted,
    stream,
)

if TYPE_CHECKING:
    from collections.abc import Callable


def hook(
    *arguments: str | Path, stdin: bytes = b"", environ: dict[str, str] | None = None, folder: Path | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run the hook with nothing in its environment but the tests' identity."""
    command = [sys.executable, "-m", "secretsync.hooks", *map(str, arguments)]
    return subprocess.run(
        command, input=stdin, capture_output=True, check=False, env=ENVIRON if environ is None else environ, cwd=folder
    )


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """Return a folder with an encrypted Secret, a ConfigMap, and what must be left out."""
    folder = tmp_path / "app"
    (folder / "sub").mkdir(parents=True)
    (folder / ".git").mkdir()
    (folder / "secret.yaml").write_bytes(encrypted(SECRET.replace("hunter2", CANARY)))
    (folder / "sub" / "config.yml").write_text(CONFIG)
    (folder / ".sops.yaml").write_text("creation_rules: []\n")
    (folder / ".git" / "x.yaml").write_text("not: rendered\n")
    (folder / "README.md").write_text("# no manifest\n")
    return folder


def test_a_folder_is_printed_as_one_stream(app: Path) -> None:
    outcome = hook("render", app)
    assert outcome.returncode == 0
    assert outcome.stdout.decode() == SECRET.replace("hunter2", CANARY) + "---\n" + CONFIG
    assert outcome.stderr == b""


def test_the_working_folder_is_named_without_a_prefix(app: Path) -> None:
    (app / "sub" / "bad.yaml").write_text("a: [")
    outcome = hook("render", ".", folder=app)
    assert outcome.returncode == 4
    assert outcome.stderr.startswith(b"secretsync: error: sub/bad.yaml")


def test_standard_input_is_rendered() -> None:
    outcome = hook("render", "-", stdin=CONFIG.encode() + b"---\n" + encrypted(SECRET))
    assert outcome.stdout.decode() == CONFIG + "---\n" + SECRET


def test_json_on_standard_input_stays_json() -> None:
    text = b'{"kind": "ConfigMap",\t"data": {"a": "\\ud83d\\ude00"}}'
    assert hook("render", "-", stdin=text).stdout == text


def test_the_hook_renders_as_the_engine_does(app: Path, tmp_path: Path) -> None:
    for mode in ("reveal", "seal", "redact"):
        arguments = ["--mode", mode, "--cert", certificate(tmp_path), "-n", "x", "-o", "json"]
        expected = stream(app, mode=mode, cert_file=certificate(tmp_path), namespace="x", output="json")
        assert hook("render", *arguments, app).stdout.decode() == expected


def test_an_output_folder_mirrors_the_tree(app: Path, tmp_path: Path) -> None:
    target = tmp_path / "out"
    outcome = hook("render", app, "--output-dir", target)
    assert (outcome.returncode, outcome.stdout) == (0, b"")
    assert (target / "sub" / "config.yml").read_text() == CONFIG
    assert CANARY in (target / "secret.yaml").read_text()
    assert sorted(path.name for path in target.rglob("*")) == ["config.yml", "secret.yaml", "sub"]


def test_an_output_folder_inside_of_the_input_is_refused(app: Path) -> None:
    outcome = hook("render", app, "--output-dir", app / "out")
    assert outcome.returncode == 3
    assert not (app / "out").exists()


FAILURES = {
    "tampered": (encrypted(SECRET + f"  c: {CANARY}\n").replace(b"name: db", b"name: xx"), 7, "MAC"),
    "no key": (encrypted(SECRET, recipient=STRANGER), 5, STRANGER),
    "cut off": (encrypted(SECRET)[:600], 4, ""),
    "not utf-8": (b"kind: \xff\n", 4, "UTF-8"),
    "nul": (b"kind: a\0b\n", 4, "U+0000"),
    "empty": (b"", 4, "no object"),
    "duplicate": (b"kind: a\nkind: b\n", 4, "'kind'"),
    "deep": (b"[" * 10_000, 4, "deeper than"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_prints_one_line_and_no_manifest(name: str, app: Path) -> None:
    data, code, words = FAILURES[name]
    (app / "z.yaml").write_bytes(data)
    for arguments in ([app], ["--output-dir", app.parent / "out", app], [app / "z.yaml"]):
        if name == "empty" and arguments != [app / "z.yaml"]:
            continue
        outcome = hook("render", *arguments)
        lines = outcome.stderr.decode().splitlines()
        assert (outcome.returncode, outcome.stdout) == (code, b"")
        assert lines[0].startswith("secretsync: error: ")
        assert "z.yaml" in lines[0]
        assert words in lines[0]
        assert all(line.startswith("secretsync: hint: ") for line in lines[1:])
        assert CANARY not in outcome.stderr.decode()
        assert not (app.parent / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "no command given"),
        (["what"], "no such command: what"),
        (["render"], "no PATH given"),
        (["render", "--what", "x"], "no such option: --what"),
        (["render", "--mode", "x", "y"], "invalid value 'x' for --mode"),
        (["render", "--max-size", "1k", "y"], "--max-size takes a number"),
        (["render", "--allow-demo-keys", "y"], "no such option: --allow-demo-keys"),
    ],
)
def test_a_wrong_command_line_is_explained(arguments: list[str], words: str) -> None:
    outcome = hook(*arguments)
    assert (outcome.returncode, outcome.stdout) == (2, b"")
    assert outcome.stderr.decode().startswith(f"secretsync: error: {words}")


@pytest.mark.parametrize("arguments", [["--help"], ["render", "--help"], ["--version"]])
def test_help_is_data(arguments: list[str]) -> None:
    outcome = hook(*arguments)
    assert (outcome.returncode, outcome.stderr) == (0, b"")
    assert b"secretsync-hook" in outcome.stdout


def test_a_missing_file_is_named() -> None:
    outcome = hook("render", "/does/not/exist.yaml")
    assert outcome.returncode == 12
    assert outcome.stderr == b"secretsync: error: /does/not/exist.yaml: no such file or directory\n"


def test_a_name_cannot_write_to_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "a\x1b[31m.yaml").write_text("a: [")
    assert b"\x1b" not in hook("render", tmp_path).stderr


def test_a_limit_can_be_raised_and_lowered(app: Path) -> None:
    assert hook("render", "--max-size", "100", app).returncode == 4
    assert hook("render", "--max-documents=1", app).returncode == 0


def test_a_reader_that_went_away_is_quiet(app: Path) -> None:
    (app / "big.yaml").write_text("kind: ConfigMap\ndata:\n" + "".join(f"  k{n}: {'x' * 90}\n" for n in range(5000)))
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "secretsync.hooks", "render", str(app)]
    outcome = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, check=False, env=ENVIRON)
    os.close(write)
    assert (outcome.returncode, outcome.stderr) == (141, b"")


def test_a_full_disk_is_an_error(app: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", "secretsync.hooks", "render", str(app)]
        outcome = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False, env=ENVIRON)
    assert outcome.returncode == 12
    assert outcome.stderr.startswith(b"secretsync: error: standard output: ")


def test_identities_come_from_the_environment(app: Path) -> None:
    key = (KEYS / "age-1.txt").read_text()
    assert hook("render", app, environ={"SOPS_AGE_KEY": key}).returncode == 0
    outcome = hook("render", app, environ={"HOME": str(app)})
    assert outcome.returncode == 5
    assert b"AGE-SECRET-KEY" not in outcome.stderr


def test_a_configuration_in_the_repository_changes_nothing(app: Path) -> None:
    (app / ".sops.yaml").write_text("- not\n- even valid: [")
    assert hook("render", app).returncode == 0


def _linked(target: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(target)


HOSTILE: dict[str, tuple[Callable[[Path], None], str]] = {
    "a link out": (_linked("../outside.yaml"), "leads out of '.'"),
    "an absolute link": (_linked("/etc/hostname"), "leads out of '.'"),
    "a link to the environment": (_linked("/proc/self/environ"), "leads out of '.'"),
    "a link to a device": (_linked("/dev/zero"), "leads out of '.'"),
    "a link to a folder outside": (_linked(".."), "is a link to a folder outside"),
    "a link in a circle": (_linked("a.yaml"), "is a symbolic link"),
    "a pipe that nobody writes to": (os.mkfifo, "is not a regular file"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_a_hostile_repository_holds_is_refused_in_one_line(name: str, app: Path) -> None:
    make, words = HOSTILE[name]
    (app.parent / "outside.yaml").write_text(SECRET.replace("db", CANARY))
    make(app / "a.yaml")
    outcome = hook("render", ".", folder=app)
    assert (outcome.returncode, outcome.stdout) == (12, b"")
    assert outcome.stderr.startswith(b"secretsync: error: ")
    assert outcome.stderr.count(b"\n") == 1
    assert words in outcome.stderr.decode()
    assert CANARY not in outcome.stderr.decode()


def test_more_files_than_the_operator_allows_are_not_even_listed_to_the_end(app: Path, tmp_path: Path) -> None:
    operator = tmp_path / "hook.yaml"
    operator.write_text("apiVersion: secretsync/v1\nkind: HookConfiguration\nlimits: {files: 20}\n")
    for number in range(30):
        (app / f"{number}.txt").touch()
    outcome = hook("render", "--operator-config", operator, app)
    assert (outcome.returncode, outcome.stdout) == (4, b"")
    assert b"more than 20 files" in outcome.stderr


def test_a_killed_call_prints_no_manifest_and_leaves_nothing(app: Path, tmp_path: Path) -> None:
    (app / "big.yaml").write_text("kind: ConfigMap\ndata:\n" + "".join(f"  k{n}: {'x' * 90}\n" for n in range(20_000)))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    before = sorted(tmp_path.rglob("*"))
    command = [sys.executable, "-m", "secretsync.hooks", "render", os.fspath(app)]
    environ = {**ENVIRON, "TMPDIR": os.fspath(scratch), "HOME": os.fspath(scratch)}
    for milliseconds in (40, 80, 120, 160):
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ) as process:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(milliseconds / 1000)
            process.kill()
            assert process.stdout is not None
            printed = process.stdout.read()
        assert printed == b"" or printed.startswith(b"kind: ConfigMap")
    assert sorted(tmp_path.rglob("*")) == before
