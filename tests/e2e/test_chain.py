"""The output of each command is clean input of the next: a repository from `init` to its evidence, as people do it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from secretsync import age
from secretsync.keyring import lockfile

FILES = {
    "apps/shop/db.enc.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {password: s-3cr3t}\n",
    "apps/shop/two.sops.yaml": "data: {a: one}\n---\nstringData: {b: two}\n",
    "apps/web/config.enc.json": '{"token": "abc", "list": [1, true, null]}\n',
    "apps/web/app.enc.env": "PASSWORD=hunter2\n# a remark\n",
    "apps/web/old.enc.ini": "[one]\nkey = value\n",
    "apps/web/key.enc.bin": "-----BEGIN SOMETHING-----\n",
    "odd names/mit Lücke & 'quotes'.enc.yaml": "data: {a: b}\n",
    "odd names/-dash.enc.yaml": "data: {a: b}\n",
    "odd names/line\nbreak.enc.yaml": "data: {a: b}\n",
}
NEIGHBOURS = {
    "README.md": "Encrypted files look so:\n\n```yaml\na: ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]\nsops:\n    mac: x\n```\n",
    "flake.lock": '{"nodes": {"sops": {"locked": {}}}}\n',
    "chart/templates/secret.yaml": "kind: Secret\nsops: {{ .Values.sops }}\n",
    "values.yaml": "sops:\n  enabled: true\n",
    "tests/fixture.json": json.dumps({"text": "sops:\n mac: ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]\n"}),
}


class Shop:
    """A repository, and what alice has on her machine."""

    def __init__(self, root: Path, files: Mapping[str, str]) -> None:
        self.root, self.files = root / "shop", files
        self.environ = {
            "PATH": os.environ["PATH"], "HOME": str(root), "NO_COLOR": "1", "GIT_CONFIG_GLOBAL": os.devnull,
            **{f"GIT_{who}_{what}": f"a@{what}" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
        }  # fmt: skip
        self.root.mkdir()
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str) -> str:
        """Run git."""
        return subprocess.check_output(["git", *arguments], cwd=self.root, env=self.environ, text=True)

    def write(self, files: Mapping[str, str]) -> None:
        """Write files."""
        for path, text in files.items():
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).write_text(text)

    def commit(self) -> None:
        """Commit everything."""
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "change")

    def run(self, *arguments: str) -> str:
        """Run a command, which must succeed."""
        command = [sys.executable, "-m", "secretsync.cli", *arguments]
        ended = subprocess.run(command, cwd=self.root, env=self.environ, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, (arguments, ended.stdout, ended.stderr)
        return ended.stdout

    def runbook(self, scenario: str, *arguments: str) -> None:
        """Plan, carry out, verify and merge."""
        self.run("runbook", scenario, "plan", *arguments)
        self.run("runbook", scenario, "apply", *arguments, "--yes")
        self.run("runbook", scenario, "verify")
        branch = json.loads(self.run("runbook", scenario, "status", "-o", "json"))["branch"]
        self.git("merge", "-q", "--ff-only", branch)
        self.require_clean()

    def require_clean(self) -> None:
        """Find nothing wrong, and nothing that would have to be written."""
        assert self.run("check", ".").endswith(f"{len(self.files)} encrypted: 0 findings\n")
        assert self.run("keys", "lint").endswith("0 findings\n")
        assert self.run("keys", "lint", "--fix").endswith("0 findings\n")
        assert self.git("status", "--porcelain") == ""


def _set_up(root: Path, files: Mapping[str, str]) -> Shop:
    """Return a repository that alice has set up, with encrypted files and files that only look so."""
    shop = Shop(root, files)
    shop.write(NEIGHBOURS)
    shop.commit()
    shop.run("init", "--name", "alice", "--owner", "alice@example.org")
    assert shop.run("check", ".").endswith(" 0 encrypted: 0 findings\n")
    assert shop.run("keys", "lint").endswith("0 findings\n")
    shop.commit()
    shop.write(files)
    for path in files:
        shop.run("encrypt", "-i", f"./{path}")
    shop.commit()
    shop.require_clean()
    return shop


def test_a_repository_stays_clean_from_its_first_day_to_a_farewell(tmp_path: Path) -> None:
    shop = _set_up(tmp_path, FILES)
    shop.runbook("add", "bob", "--recipient", str(age.generate()), "--groups", "admins")
    shop.run("rotate", "-i", ".")
    shop.commit()
    shop.require_clean()
    assert f"0 of {len(FILES)} files are due" in shop.run("due", "--max-age", "30")
    assert "bob could open" in shop.run("exposure", "bob")
    shop.runbook("remove", "bob")
    shop.run("updatekeys", "-y", ".")
    shop.require_clean()
    assert shop.run("decrypt", "./odd names/line\nbreak.enc.yaml") == "data: {a: b}\n"


def test_an_older_lock_is_read_and_the_next_change_writes_it_anew(tmp_path: Path) -> None:
    shop = _set_up(tmp_path, {"db.enc.yaml": "data: {a: b}\n"})
    path = shop.root / "keys/keyring.lock"
    lock = json.loads(path.read_bytes())
    old = {name: value for name, value in lock.items() if name not in {"sops_yaml", "digest", "prev"}}
    old |= {"version": 1, "sops": lock["sops_yaml"]}
    path.write_text(json.dumps({**old, "digest": lockfile.digest(old), "prev": ""}, sort_keys=True, indent=2) + "\n")
    shop.commit()
    before = path.read_bytes()
    assert shop.run("check", ".").endswith("0 findings\n")
    assert shop.run("keys", "lint").endswith("0 findings\n")
    assert shop.run("keys", "diff", "HEAD~1").strip() in {"", "no file changes its readers"}
    shop.run("exposure", "alice")
    assert path.read_bytes() == before
    shop.runbook("add", "bob", "--recipient", str(age.generate()), "--groups", "admins")
    assert json.loads(path.read_bytes())["version"] == lockfile.VERSION
