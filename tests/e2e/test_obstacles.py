"""What keeps a repository from being written to is told in one line before anything is, and what fails later resumes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.rotation.repositories import FILES, Sandbox

AS_ANYBODY = (
    ["setpriv", "--bounding-set", "-dac_override,-dac_read_search,-fowner", "--inh-caps", "-all"]
    if os.geteuid() == 0
    else []
)
"""root may write anywhere; without these capabilities it may not."""
READING = (
    ["keys", "lint"],
    ["due", "--max-age", "1"],
    ["exposure", "bob"],
    ["check", "prod"],
    ["runbook", "remove", "plan", "bob"],
)
APPLY = ("runbook", "remove", "apply", "bob", "--yes")


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    """Return a repository with a key ring and four encrypted files."""
    made = Sandbox(tmp_path / "shop")
    made.fill()
    return made


def _ran(sandbox: Sandbox, *arguments: str, before: list[str] | None = None) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": os.environ["PATH"], "HOME": str(sandbox.root.parent), "GIT_CONFIG_NOSYSTEM": "1"}
    keys = {"SOPS_AGE_KEY_FILE": str(sandbox.key_file("alice")), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [*(before or []), sys.executable, "-m", "secretsync.cli", *arguments]
    return subprocess.run(
        command, cwd=sandbox.root, env={**environ, **keys}, capture_output=True, text=True, check=False
    )


def _refused(sandbox: Sandbox, *words: str, before: list[str] | None = None) -> None:
    """Applying says in one line and a hint why not, and leaves neither branch, operation nor object behind."""
    objects = sandbox.git("count-objects")
    ended = _ran(sandbox, *APPLY, before=before)
    error, hint = ended.stderr.splitlines()
    assert ended.returncode in {10, 12}, ended.stderr
    assert all(word in error for word in words), error
    assert hint.startswith("secretsync: hint: ")
    assert sandbox.git("branch", "--format=%(refname:short)") == "main"
    assert not (sandbox.root / ".git/secretsync/ops").exists()
    assert sandbox.git("count-objects") == objects


@pytest.mark.skipif(bool(AS_ANYBODY) and not shutil.which("setpriv"), reason="root, and nothing that makes it less")
@pytest.mark.parametrize("folder", [".", ".git/objects", ".git/refs/heads"])
def test_a_repository_that_cannot_be_written_to_can_be_read(sandbox: Sandbox, folder: str) -> None:
    subprocess.run(["chmod", "-R", "a-w", str(sandbox.root / folder)], check=True)
    try:
        for command in READING if folder == "." else ():
            ended = _ran(sandbox, *command, before=AS_ANYBODY)
            assert ended.returncode in {0, 1}, ended.stderr
        _refused(sandbox, ".git", before=AS_ANYBODY)
    finally:
        subprocess.run(["chmod", "-R", "u+w", str(sandbox.root)], check=True)


def test_a_signature_that_cannot_be_made_is_told_before_anything_is_written(sandbox: Sandbox) -> None:
    sandbox.git("config", "commit.gpgSign", "true")
    sandbox.git("config", "gpg.format", "ssh")
    sandbox.git("config", "user.signingKey", str(sandbox.root.parent / "none"))
    _refused(sandbox, "commit-tree")
    sandbox.git("config", "commit.gpgSign", "false")
    assert _ran(sandbox, *APPLY).returncode == 0


@pytest.fixture
def signing(sandbox: Sandbox) -> Path:
    """Let commits be signed with an SSH key, by a program that fails once there is a file `locked`; return that."""
    key, locked, program = (sandbox.root.parent / name for name in ("signer", "locked", "signs"))
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    # The trial is signed; what follows fails, until the file is gone.
    program.write_text(
        f'#!/bin/sh\n[ -e {locked}.now ] && exit 1\n[ -e {locked} ] && : > {locked}.now\nexec ssh-keygen "$@"\n'
    )
    program.chmod(0o755)
    sandbox.git("config", "--global", "gpg.ssh.program", str(program))
    sandbox.git("config", "commit.gpgSign", "true")
    sandbox.git("config", "gpg.format", "ssh")
    sandbox.git("config", "user.signingKey", f"{key}.pub")
    return locked


@pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="no ssh-keygen here")
def test_a_signature_that_fails_later_leaves_nothing_half_made_and_can_be_resumed(
    sandbox: Sandbox, signing: Path
) -> None:
    signing.touch()
    ended = _ran(sandbox, *APPLY)
    assert ended.returncode == 10, ended.stderr
    assert "hint: commits are signed here" in ended.stderr
    branch = sandbox.git("for-each-ref", "--format=%(refname:short)", "refs/heads/secretsync")
    assert sandbox.git("rev-parse", branch) == sandbox.git("rev-parse", "main")
    signing.unlink()
    Path(f"{signing}.now").unlink()
    assert _ran(sandbox, "runbook", "remove", "resume").returncode == 0
    assert "gpgsig" in sandbox.git("cat-file", "commit", branch)
    assert sandbox.text("prod/db.yaml", ref=branch) == FILES["prod/db.yaml"].encode()


def test_hooks_that_refuse_are_not_asked(sandbox: Sandbox) -> None:
    for name in ("pre-commit", "commit-msg", "reference-transaction", "post-checkout", "prepare-commit-msg"):
        hook = sandbox.root / ".git/hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text("#!/bin/sh\ntouch ran; exit 1\n")
        hook.chmod(0o755)
    for command in (APPLY, ("runbook", "remove", "verify"), ("runbook", "remove", "rollback")):
        ended = _ran(sandbox, *command)
        assert ended.returncode in {0, 1}, ended.stderr
    assert not list(sandbox.root.rglob("ran"))


def test_a_promisor_that_is_away_is_told_in_a_line_before_anything_is_written(sandbox: Sandbox) -> None:
    sandbox.git("config", "uploadpack.allowFilter", "true")
    clone, away = sandbox.root.parent / "clone", sandbox.root.parent / "away"
    sandbox.git("clone", "-q", "--filter=blob:none", "--no-checkout", f"file://{sandbox.root}", str(clone))
    sandbox.root.rename(away)
    sandbox.root = clone
    for command in (*READING[1:3], READING[4]):
        ended = _ran(sandbox, *command)
        assert ended.returncode == 10, ended.stderr
        assert "partial clone" in ended.stderr
    _refused(sandbox, "clone")
