"""Where we write the command line, a hook runs no module of the checkout: whatever PYTHONPATH and the like lead to."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.peers.traps import lay_traps
from tests.unit.render.workshop import CONFIG, ENVIRON, SECRET, encrypted

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
LAUNCHERS = sorted((ROOT / "deploy").glob("helm*/*/hook"))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a folder with a Secret, and with modules that would leave a file beside it."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    lay_traps(folder, tmp_path / "ran")
    (folder / "app").mkdir()
    (folder / "app" / "secret.yaml").write_bytes(encrypted(SECRET))
    (folder / "config.yaml").write_text(CONFIG)
    return folder


def start(
    command: list[object], checkout: Path, *, path: str = f"{BIN}:/usr/bin:/bin", stdin: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """Run a command in the checkout, with every variable that leads Python there."""
    environ = {
        **ENVIRON,
        "PATH": path,
        "HOME": str(checkout),
        "PYTHONPATH": f":.:{checkout}",
        "PYTHONSTARTUP": str(checkout / "startup.py"),
        "PYTHONUSERBASE": str(checkout),
        "PYTHONINSPECT": "1",
        "ARGOCD_APP_NAME": "app",
    }
    words = [os.fspath(word) if isinstance(word, Path) else str(word) for word in command]
    return subprocess.run(words, input=stdin, capture_output=True, check=False, env=environ, cwd=checkout)


def ran(checkout: Path) -> bool:
    return (checkout.parent / "ran").exists()


def test_the_trap_closes_on_a_start_that_is_not_isolated(checkout: Path) -> None:
    start([BIN / "secretsync-hook", "--version"], checkout)
    assert ran(checkout)


def printed(source: str) -> dict[str, list[str]]:
    """Return what the printed plugin runs."""
    command = [sys.executable, "-m", "secretsync.cli", "hook", "argocd", "print", "--source", source]
    text = subprocess.run([*command, "--part", "configuration"], capture_output=True, check=True).stdout
    plugin = yaml.safe_load(yaml.safe_load(text)["data"]["plugin.yaml"])
    generate: dict[str, list[str]] = plugin["spec"]["generate"]
    return generate


def test_the_printed_plugin_runs_nothing_of_the_checkout(checkout: Path) -> None:
    plain = printed("plain")
    outcome = start([*plain["command"], *plain["args"]], checkout)
    assert (outcome.returncode, outcome.stderr) == (0, b"")
    assert b"hunter2" in outcome.stdout
    assert not ran(checkout)


@pytest.mark.parametrize("tool", ["kustomize", "helm"])
def test_the_printed_pipes_run_nothing_of_the_checkout(tool: str, checkout: Path, tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / tool).write_text("#!/bin/sh\ncat app/secret.yaml\n")
    (programs / tool).chmod(0o755)
    generate = printed(tool)
    outcome = start([*generate["command"], *generate["args"]], checkout, path=f"{programs}:{BIN}:/usr/bin:/bin")
    assert (outcome.returncode, outcome.stderr) == (0, b"")
    assert outcome.stdout.decode() == SECRET
    assert not ran(checkout)


@pytest.mark.parametrize("launcher", LAUNCHERS, ids=lambda path: "/".join(path.parts[-3:-1]))
def test_helms_plugins_run_nothing_of_the_checkout(launcher: Path, checkout: Path) -> None:
    outcome = start([launcher, "helm"], checkout, stdin=encrypted(SECRET))
    assert (outcome.returncode, outcome.stdout.decode(), outcome.stderr) == (0, SECRET, b"")
    getter = launcher.parent / "get"
    if getter.exists():
        outcome = start([getter, "", "", "", "secrets://app/secret.yaml"], checkout)
        assert (outcome.returncode, outcome.stdout.decode(), outcome.stderr) == (0, SECRET, b"")
    assert not ran(checkout)


def test_every_plugin_of_helm_has_the_same_launcher() -> None:
    assert len(LAUNCHERS) == 3
    assert len({launcher.read_bytes() for launcher in LAUNCHERS}) == 1
    assert all(os.access(launcher, os.X_OK) for launcher in LAUNCHERS)


SCRIPTS = {
    "as pip writes it": "#!{python}\nimport sys\n",
    "with a blank and flags": "#! {python} -sP\nimport sys\n",
    "with a path that is too long": "#!/bin/sh\n'''exec' \"{spaced}\" \"$0\" \"$@\"\n' '''\nimport sys\n",
    "as uv writes that": "#!/bin/sh\n'''exec' '{spaced}' \"$0\" \"$@\"\n' '''\nimport sys\n",
    "by env": "#!/usr/bin/env python3\nimport sys\n",
    "by a shim": "#!/usr/bin/env bash\nexec pyenv exec secretsync-hook\n",
    "by a program": "\x7fELF\n\x01\n",
    "without a line break": "#!{python}",
}


@pytest.mark.parametrize("kind", SCRIPTS)
def test_the_launcher_finds_the_python_of_the_script(kind: str, checkout: Path, tmp_path: Path) -> None:
    spaced = tmp_path / "a folder" / "bin"
    spaced.parent.mkdir()
    shutil.copytree(BIN.parent, spaced.parent, symlinks=True, dirs_exist_ok=True, ignore=lambda *_: ["lib", "share"])
    (spaced.parent / "lib").symlink_to(BIN.parent / "lib")
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    script = scripts / "secretsync-hook"
    script.write_text(SCRIPTS[kind].format(python=sys.executable, spaced=spaced / "python"))
    script.chmod(0o755)
    outcome = start([LAUNCHERS[0], "--version"], checkout, path=f"{scripts}:{BIN}:/usr/bin:/bin")
    assert (outcome.returncode, outcome.stderr) == (0, b"")
    assert outcome.stdout.startswith(b"secretsync-hook ")
    assert not ran(checkout)


def test_the_launcher_takes_nothing_from_the_current_folder(checkout: Path) -> None:
    hostile = checkout / "secretsync-hook"
    hostile.write_text(f"#!/bin/sh\ntouch {checkout.parent / 'ran'}\n")
    hostile.chmod(0o755)
    for path in ("/usr/bin:/bin", ".:/usr/bin:/bin", ":/usr/bin:/bin"):
        outcome = start([LAUNCHERS[0], "--version"], checkout, path=path)
        assert (outcome.returncode, outcome.stdout) == (127, b"")
        assert outcome.stderr == b"secretsync: error: secretsync-hook is not on PATH\n"
    assert not ran(checkout)


def test_the_scripts_of_the_image_run_nothing_of_the_checkout(checkout: Path, tmp_path: Path) -> None:
    text = (ROOT / "deploy" / "Containerfile").read_text()
    assert 'ENTRYPOINT ["python3", "-I", "-m", "secretsync.hooks"]' in text
    step = text.partition("&& for name in ")[2].partition("done")[0]
    copies = tmp_path / "bin"
    copies.mkdir()
    for name in ("secretsync", "secretsync-hook", "ksops", "kubectl-secretsync"):
        shutil.copy2(BIN / name, copies / name)
    edit = f"for name in {step}done".replace("\\\n", "\n")
    assert start(["sh", "-c", edit], tmp_path, path=f"{copies}:/usr/bin:/bin").returncode == 0
    for name in ("secretsync", "secretsync-hook"):
        outcome = start([copies / name, "--version"], checkout)
        assert (outcome.returncode, outcome.stderr) == (0, b""), name
    assert start([copies / "ksops"], checkout).returncode == 1
    assert not ran(checkout)
