"""A repository, a user and an environment in which everything about git is set: results as in clean ones, nothing runs.

Only the user's own signing program runs, and in both.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.hostile_git import ATTRIBUTES, Hostile
from tests.unit.rotation.repositories import FILES, Sandbox

SIGNER = """\
#!/bin/sh
cat > /dev/null
echo "$*" >> {mark}
echo '[GNUPG:] SIG_CREATED D 1 8 00 1 F' >&2
printf -- '-----BEGIN PGP SIGNATURE-----\\nx\\n-----END PGP SIGNATURE-----\\n'
"""
VOLATILE = {
    "operation",
    "made",
    "began",
    "ended",
    "seconds",
    "digest",
    "plan",
    "planned",
    "brought_in",
    "signature",
    "folder",
    "commit",
    "commits",
    "blob_after",
    "at",
    "days",
}
"""Fields that hold a time, or an id that follows from one."""


@dataclass
class Side:
    """One of two equal repositories, with the environment that its user has."""

    name: str
    folder: Path
    variables: dict[str, str]

    @property
    def root(self) -> Path:
        """The repository."""
        return self.folder / "shop"

    @property
    def home(self) -> Path:
        """The home of its user."""
        return self.folder / "home"

    @property
    def environ(self) -> dict[str, str]:
        """What every command gets."""
        plain = {"PATH": os.environ["PATH"], "HOME": str(self.home), "GIT_CONFIG_NOSYSTEM": "1"}
        keys = {"SOPS_AGE_KEY_FILE": str(self.folder / "alice.key"), "TZ": "UTC"}
        return {**plain, **self.variables, **keys}

    def run(self, *arguments: str, cwd: str = "shop", stdin: str = "") -> tuple[int, str, str]:
        """Run a command and return its code, output and errors, without what tells the sides apart."""
        command = [sys.executable, "-m", "secretsync.cli", *arguments]
        ended = subprocess.run(
            command, cwd=self.folder / cwd, env=self.environ, input=stdin, capture_output=True, text=True, check=False
        )
        out, err = (text.replace(str(self.folder), "SIDE") for text in (ended.stdout, ended.stderr))
        return ended.returncode, _stable(out), err

    def git(self, *arguments: str) -> bytes:
        """Run the plain git, told nothing but where."""
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": "/nowhere",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
        }
        off = (
            "core.hooksPath=/dev/null",
            "core.fsmonitor=false",
            "core.useReplaceRefs=false",
            "i18n.logOutputEncoding=UTF-8",
        )
        given = ["git", *(word for setting in off for word in ("-c", setting)), *arguments]
        return subprocess.run(given, cwd=self.root, env=environ, capture_output=True, check=True).stdout


def _stable(text: str) -> str:
    """Return output without times, digests and the ids that follow from them."""
    try:
        return json.dumps(_without(json.loads(text)), indent=1)
    except ValueError:
        return text


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without(each) for name, each in value.items() if name not in VOLATILE}
    return [_without(each) for each in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> tuple[Side, Side, Hostile]:
    """Return a clean repository and its hostile copy."""
    top = tmp_path_factory.mktemp("git")
    clean, hostile = Side("clean", top / "clean", {}), Side("hostile", top / "hostile", {})
    clean.folder.mkdir()
    sandbox = Sandbox(clean.root)
    sandbox.write({"plain.yaml": FILES["prod/db.yaml"], ".gitignore": "ignored\n", "ignored": "x\n"})
    sandbox.fill()
    sandbox.write({"dev/app.json": sandbox.encrypt("dev/app.json", FILES["dev/app.json"], "alice", "bob")})
    sandbox.commit("lose carol")
    sandbox.write({".gitattributes": ATTRIBUTES})
    sandbox.git("add", ".gitattributes")
    sandbox.git("commit", "-q", "-m", "attributes")
    sandbox.write({"prod/plain.yaml": FILES["prod/db.yaml"], "untracked": "x\n"})
    clean.home.mkdir()
    signer = clean.folder / "signer"
    signer.write_text(SIGNER.format(mark=clean.folder / "signed"))
    signer.chmod(0o755)
    (clean.home / ".gitconfig").write_text(
        f'[commit]\n\tgpgSign = true\n[gpg]\n\tprogram = "{signer}"\n[user]\n\tsigningKey = THE-KEY\n'
    )
    shutil.copytree(clean.folder, hostile.folder, symlinks=True)
    settings = hostile.home / ".gitconfig"
    settings.write_text(settings.read_text().replace(str(clean.folder), str(hostile.folder)))
    (hostile.folder / "signer").write_text(SIGNER.format(mark=hostile.folder / "signed"))
    canaries = Hostile(top / "canaries")
    canaries.set_for_repository(hostile.root, {**clean.environ, "HOME": "/nowhere"})
    canaries.set_for_user(settings)
    hostile.variables.update(canaries.variables(hostile.root))
    assert canaries.marks == []
    return clean, hostile, canaries


def test_a_hostile_repository_is_hostile_to_the_plain_git(sides: tuple[Side, Side, Hostile]) -> None:
    _, hostile, canaries = sides
    environ = {"PATH": os.environ["PATH"], "HOME": str(hostile.home), "GIT_OPTIONAL_LOCKS": "0"}
    for command in (["status"], ["log", "--all"], ["diff"]):
        subprocess.run(["git", *command], cwd=hostile.root, env=environ, capture_output=True, check=False)
    assert canaries.marks != []
    canaries.forget()


KINDS_OF_CLONES = ("this checkout is sparse", "this is a partial clone")
READING = [
    ("keys", "list", "-C", "prod"),
    ("keys", "lint"),
    ("keys", "diff", "--before", "HEAD~2"),
    ("explain", "prod/db.yaml"),
    ("check", "."),
    ("due", "--max-age", "1", "-o", "json"),
    ("due", "--max-age", "1", "--git-dir", ".git"),
    ("exposure", "carol"),
    ("exposure", "alice", "-o", "json"),
    ("runbook", "remove", "plan", "bob", "-o", "json"),
    ("runbook", "age-out", "plan", "--max-age", "1", "-o", "json"),
]


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_a_command_says_the_same(sides: tuple[Side, Side, Hostile], command: tuple[str, ...]) -> None:
    clean, hostile, canaries = sides
    with ThreadPoolExecutor() as both:
        told = both.map(lambda side: _of_any_clone(side.run(*command)), (hostile, clean))
    assert next(told) == next(told)
    assert canaries.marks == []


def test_a_file_is_encrypted_and_changed_the_same(sides: tuple[Side, Side, Hostile]) -> None:
    clean, hostile, canaries = sides
    seen = []
    for side in (hostile, clean):
        for folder, source in (("reused", "prod/db.yaml"), ("anew", "prod/db.yaml")):
            (side.root / folder).mkdir()
            shutil.copy(side.root / source, side.root / folder / "db.yaml")
        plain = side.run("decrypt", "prod/db.yaml")
        (side.root / "prod" / "db.yaml").write_text(plain[1])
        reused = side.run("encrypt", "--reuse", "HEAD", "-i", "prod/db.yaml")
        before, after = ((side.root / path).read_text() for path in ("reused/db.yaml", "prod/db.yaml"))
        kept = [line for line in before.splitlines() if "data:" in line and line in after.splitlines()]
        rotated = side.run("rotate", "-i", "anew/db.yaml", "--keep-recipients")
        updated = side.run("updatekeys", "-y", "prod/db.yaml")
        (side.root / "prod" / "db.yaml").write_bytes(side.git("cat-file", "blob", "HEAD:prod/db.yaml"))
        shutil.rmtree(side.root / "reused")
        shutil.rmtree(side.root / "anew")
        seen.append((plain, reused, len(kept), rotated, updated))
    assert seen[0] == seen[1]
    assert [seen[0][0][0], seen[0][1][0]] == [0, 0]
    assert canaries.marks == []


def test_a_repository_is_set_up_the_same(sides: tuple[Side, Side, Hostile]) -> None:
    clean, hostile, canaries = sides
    seen = []
    for side in (hostile, clean):
        fresh = side.folder / "fresh"
        fresh.mkdir()
        subprocess.run(["git", "init", "-q"], cwd=fresh, env={"PATH": os.environ["PATH"]}, check=True)
        if side is hostile:
            canaries.set_for_repository(fresh, {"PATH": os.environ["PATH"]}, committed=False)
        recipient = side.run("keygen", "-y", str(side.folder / "alice.key"))[1].strip()
        made = side.run("init", "--recipient", recipient, cwd="fresh")
        (fresh / "secret.enc.yaml").write_text(FILES["prod/db.yaml"])
        encrypted = side.run("encrypt", "-i", "secret.enc.yaml", cwd="fresh")
        checks = [side.run(*command, cwd="fresh") for command in (("check", "."), ("keys", "lint"))]
        names = sorted(str(path.relative_to(fresh)) for path in fresh.rglob("*") if ".git/" not in f"{path}/")
        seen.append((made, encrypted, checks, names))
    assert seen[0] == seen[1]
    assert (seen[0][0][0], seen[0][1][0]) == (0, 0), seen[0]
    assert canaries.marks == []


def _tree(side: Side, branch: str) -> dict[str, Any]:
    """Return what a branch holds: modes and names, and contents where they are not encrypted anew each time."""
    found: dict[str, Any] = {}
    for row in side.git("ls-tree", "-r", "-z", branch).split(b"\0"):
        if row:
            head, _, path = row.partition(b"\t")
            data = side.git("cat-file", "blob", head.split()[2].decode())
            found[os.fsdecode(path)] = (head.split()[0], None if b"ENC[" in data else data)
    return found


def _decrypted(side: Side, branch: str) -> dict[str, tuple[int, str, str]]:
    found = {}
    for path in FILES:
        target = side.folder / "seen" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(side.git("cat-file", "blob", f"{branch}:{path}"))
        found[path] = side.run("decrypt", str(target))
    return found


def test_a_runbook_does_the_same_and_signs_as_the_user_signs(sides: tuple[Side, Side, Hostile]) -> None:
    clean, hostile, canaries = sides
    seen = []
    for side in (hostile, clean):
        index = (side.root / ".git" / "index").read_bytes()
        applied = side.run("runbook", "remove", "apply", "bob", "--yes", "-o", "json")
        assert applied[0] == 0, applied
        branch = json.loads(applied[1])["branch"]
        again = [side.run("runbook", "remove", verb, "-o", "json") for verb in ("status", "verify", "resume")]
        what = (_tree(side, branch), _decrypted(side, branch))
        people = set(side.git("log", "--no-show-signature", "--format=%an %ae %cn %ce", branch).splitlines())
        undone = side.run("runbook", "remove", "rollback", "-o", "json")
        refs = side.git("for-each-ref", "--format=%(refname)", "refs/heads")
        signed = (side.folder / "signed").read_text()
        same = (side.root / ".git" / "index").read_bytes() == index
        seen.append(
            (
                _nameless(applied, branch),
                [_nameless(one, branch) for one in again],
                what,
                people,
                undone[0],
                refs,
                signed,
                same,
            )
        )
        assert applied[0] == 0, applied[2]
    for hostiles, cleans in zip(*seen, strict=True):
        assert hostiles == cleans
    *_, people, _, _, signed, same = seen[0]
    assert (people, same) == ({b"Test test@example.org Test test@example.org"}, True)
    assert set(signed.splitlines()) == {"--status-fd=2 -bsau THE-KEY", "-bsau THE-KEY"}  # commits, and the evidence
    assert canaries.marks == []


def _nameless(ran: tuple[int, str, str], branch: str) -> tuple[int, str, str]:
    """Return what a run said without the name of the operation, which holds a digest."""
    name = branch.removeprefix("secretsync/")
    code, told, said = _of_any_clone(ran)
    return code, told.replace(name, "OPERATION"), said.replace(name, "OPERATION")


def _of_any_clone(ran: tuple[int, str, str]) -> tuple[int, str, str]:
    """Return what a run said without what it says of the kind of clone: that one is sparse and partial is true."""
    code, told, said = ran
    return code, json.dumps(_without_kind(json.loads(told)), indent=1) if told.startswith("{") else told, said


def _without_kind(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_kind(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_without_kind(each) for each in value if not str(each).startswith(KINDS_OF_CLONES)]
    return value
