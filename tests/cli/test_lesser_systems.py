"""Each verb that shares work, on systems that lack something for it: the same result, and nothing half done."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from secretsync import age, sops
from secretsync.documents.stores import store_named
from secretsync.masterkeys import MasterKeys
from secretsync.sops.selectors import Selector
from tests.unit.rotation.repositories import NOW

PROGRAM = Path(__file__).with_name("lesser_systems.py")
FILES = 70  # more than two processes' worth for every verb
SYSTEMS = ["macos", "no-fork", "no-processes", "no-descriptors"]


class Place:
    """A folder of many encrypted files."""

    def __init__(self, root: Path) -> None:
        identity = age.generate()
        self.root, self.recipient = root / "work", str(identity)
        self.environ = {
            "PATH": os.environ["PATH"], "HOME": str(root), "SOPS_AGE_KEY": identity.expose(), "NO_COLOR": "1",
            "GIT_CONFIG_GLOBAL": os.devnull, "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org",
            "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.org",
        }  # fmt: skip
        self.root.mkdir()
        for number in range(FILES):
            text = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: n{number}}}\ndata: {{a: secret-{number}}}\n"
            data = sops.encrypt(
                store_named("yaml").load(text.encode()),
                groups=[[("age", str(identity))]],
                keys=MasterKeys({}),
                now=NOW,
                selector=sops_selector(),
            )
            (self.root / f"f{number:02}.yaml").write_bytes(data)
        (self.root / ".sops.yaml").write_text(f"creation_rules:\n  - age: {age.generate()},{identity}\n")

    def run(self, *arguments: str, system: str = "") -> subprocess.CompletedProcess[bytes]:
        """Run the command line on a system."""
        start = [str(PROGRAM), system] if system else ["-m", "secretsync.cli"]
        return subprocess.run(
            [sys.executable, *start, *arguments], cwd=self.root, env=self.environ, capture_output=True, check=False
        )

    def copied(self, to: Path) -> Place:
        """Return the same in another folder."""
        other = object.__new__(Place)
        shutil.copytree(self.root, to)
        other.root, other.recipient, other.environ = to, self.recipient, self.environ
        return other


def sops_selector() -> Selector:
    """Return what is encrypted: the data."""
    return Selector("encrypted_regex", "^data$")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Return the folder, which tests copy before they change it."""
    return Place(tmp_path_factory.mktemp("lesser"))


@pytest.mark.parametrize("system", SYSTEMS)
def test_rendering_gives_the_same_bytes(place: Place, system: str) -> None:
    usual = place.run("render", ".")
    lesser = place.run("render", ".", system=system)
    assert (lesser.returncode, lesser.stderr) == (0, b"")
    assert lesser.stdout == usual.stdout
    assert lesser.stdout.count(b"secret-") == FILES


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_file_is_rotated(place: Place, system: str, tmp_path: Path) -> None:
    here = place.copied(tmp_path / "work")
    before = {path.name: path.read_bytes() for path in here.root.glob("*.yaml")}
    ended = here.run("rotate", "-i", ".", system=system)
    assert ended.returncode == 0, ended.stderr
    after = {path.name: path.read_bytes() for path in here.root.glob("f*.yaml")}
    assert len(after) == FILES
    assert all(data != before[name] for name, data in after.items())
    _is_sound(here.run("check", ".", system=system).stdout)


@pytest.mark.parametrize("system", ["macos"])
def test_every_file_gets_its_recipients(place: Place, system: str, tmp_path: Path) -> None:
    here = place.copied(tmp_path / "work")
    ended = here.run("updatekeys", "-y", ".", system=system)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr.count(b": adds ") == FILES
    assert here.run("updatekeys", "-y", ".").stderr.count(b"already up to date") == FILES


@pytest.mark.parametrize("system", ["macos", "no-fork"])
def test_a_runbook_and_exposure_go_through(place: Place, system: str, tmp_path: Path) -> None:
    here = place.copied(tmp_path / "work")
    for number in range(FILES):
        shutil.copy(here.root / f"f{number:02}.yaml", here.root / f"g{number:02}.yaml")
    (here.root / ".sops.yaml").unlink()
    subprocess.run(["git", "init", "-q", "-b", "main"], cwd=here.root, env=here.environ, check=True)
    assert here.run("init", "--name", "alice", "--recipient", here.recipient, "--path", "*.yaml").returncode == 0
    subprocess.run(["git", "add", "-A"], cwd=here.root, env=here.environ, check=True)
    subprocess.run(["git", "commit", "-q", "-m", "all"], cwd=here.root, env=here.environ, check=True)
    joins = ("runbook", "add", "apply", "bob", "--recipient", str(age.generate()), "--groups", "admins", "--yes")
    ended = here.run(*joins, system=system)
    assert ended.returncode == 0, ended.stderr
    exposed = here.run("exposure", "alice", system=system)
    assert (exposed.returncode, exposed.stderr) == (0, b"")
    assert f"{2 * FILES} still live".encode() in exposed.stdout


def _is_sound(found: bytes) -> None:
    """Hold that nothing is found but whom the rule names and the files are not encrypted for yet."""
    assert found.count(b": warning: ") == found.count(b" [missing-recipient]\n")
    assert b": error: " not in found
    assert f"{FILES}".encode() in found


def _runs(place: Place, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    ended = place.run(*arguments, system="windows")
    assert ended.returncode == 0, ended.stderr
    return ended


def test_one_process_encrypts_edits_checks_and_renders_on_windows(place: Place, tmp_path: Path) -> None:
    here = place.copied(tmp_path / "work")
    plain = b"apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {a: before}\n"
    (here.root / "new.yaml").write_bytes(plain)
    _runs(here, "encrypt", "-i", "new.yaml", "--encrypted-regex", "^stringData$")
    here.environ = {**here.environ, "EDITOR": "sed -i s/before/after/"}
    assert b"plaintext lies on disk" in _runs(here, "edit", "new.yaml").stderr
    assert _runs(here, "decrypt", "new.yaml").stdout == plain.replace(b"before", b"after")
    _is_sound(here.run("check", ".", system="windows").stdout)
    assert _runs(here, "render", "new.yaml").stdout == plain.replace(b"before", b"after")
    assert _runs(here, "render", ".").stdout == place_with(here, "render", ".")
    assert _runs(here, "hook:", "render", "new.yaml").stdout == plain.replace(b"before", b"after")
    _runs(here, "render", "--output-dir", "../out", ".")
    assert len(list((tmp_path / "out").iterdir())) == FILES + 1
    _runs(here, "rotate", "-i", ".")
    assert _runs(here, "decrypt", "f01.yaml").stdout.count(b"secret-1")


def place_with(place: Place, *arguments: str) -> bytes:
    """Return what this system prints."""
    return place.run(*arguments).stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("exec-env", "f00.yaml", "true"), b"has no /bin/sh to run a command with"),
        (("exec-file", "f00.yaml", "true"), b"has no /bin/sh to run a command with"),
    ],
    ids=lambda each: each[0] if isinstance(each, tuple) else "",
)
def test_what_windows_cannot_do_says_so_in_one_line(place: Place, arguments: tuple[str, ...], says: bytes) -> None:
    ended = place.run(*arguments, system="windows")
    assert (ended.returncode, ended.stdout) == (1, b"")
    assert says in ended.stderr.splitlines()[0]
    assert len(ended.stderr.splitlines()) == 2


def test_a_runbook_is_not_begun_without_file_locks(place: Place, tmp_path: Path) -> None:
    here = place.copied(tmp_path / "work")
    (here.root / ".sops.yaml").unlink()
    subprocess.run(["git", "init", "-q", "-b", "main"], cwd=here.root, env=here.environ, check=True)
    assert here.run("init", "--name", "alice", "--recipient", here.recipient, "--path", "*.yaml").returncode == 0
    subprocess.run(["git", "add", "-A"], cwd=here.root, env=here.environ, check=True)
    subprocess.run(["git", "commit", "-q", "-m", "all"], cwd=here.root, env=here.environ, check=True)
    joins = ("runbook", "add", "apply", "bob", "--recipient", str(age.generate()), "--groups", "admins", "--yes")
    ended = here.run(*joins, system="windows")
    assert (ended.returncode, ended.stdout) == (10, b"")
    assert b"error: runbooks need the file locks of Unix" in ended.stderr
    assert subprocess.check_output(["git", "status", "--porcelain"], cwd=here.root, env=here.environ) == b""
