"""Commits on a branch of their own: bytes as they are, signed as the user signs, and no program of the repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from secretsync.errors import RepositoryError
from secretsync.git import Repository, Worktree
from tests.unit.git.repositories import Made, canary, ran

FILES = {
    "crlf.yaml": b"a: 1\r\nb: 2\r\n",
    "ident.yaml": b"$Id$\n",
    "utf16.yaml": "a: é\n".encode("utf-16"),
    "large.bin": bytes(range(256)) * 5000,
    "empty": b"",
    "odd\nname\x1e": b"x",
}
ATTRIBUTES = (
    "* text=auto eol=crlf ident filter=canary diff=canary merge=canary\nutf16.yaml working-tree-encoding=UTF-16\n"
)


@pytest.fixture
def hostile(made: Made) -> Made:
    """A repository with attributes and settings that would change what is committed."""
    for name, data in FILES.items():
        made.write(name, data)
    made.write("run.sh", b"#!/bin/sh\n", 0o755)
    made.git("add", "-A")
    made.git("commit", "-q", "-m", "begin")
    made.write(".gitattributes", ATTRIBUTES)
    made.git("-c", "core.autocrlf=false", "add", ".gitattributes")
    made.git("commit", "-q", "-m", "attributes")
    folder = made.root.parent / "canaries"
    for name in ("clean", "smudge", "process"):
        made.git("config", f"filter.canary.{name}", str(canary(folder, name)))
    made.git("config", "filter.canary.required", "true")
    made.git("config", "core.hooksPath", str(folder))
    for name in (
        "post-checkout",
        "pre-commit",
        "commit-msg",
        "post-commit",
        "reference-transaction",
        "post-index-change",
    ):
        canary(folder, name)
    made.git("config", "core.autocrlf", "true", env={"GIT_CONFIG_NOSYSTEM": "1"})
    for mark in folder.glob("*.ran"):
        mark.unlink()
    return made


def _worktree(made: Made) -> tuple[Repository, Worktree, Path]:
    repository = Repository.containing(made.root)
    folder = made.root / ".git" / "ours" / "tree"
    return repository, Worktree(repository, str(folder), "secretsync/x"), folder


def test_files_are_committed_byte_for_byte_and_nothing_runs(hostile: Made) -> None:
    repository, worktree, folder = _worktree(hostile)
    base = repository.resolve("HEAD")
    worktree.create(base, [*FILES, "run.sh", "new/file"])
    assert {name: (folder / name).read_bytes() for name in FILES} == FILES
    for name, data in FILES.items():
        (folder / name).write_bytes(data + b"\r\nmore $Id$\n")
    (folder / "run.sh").write_bytes(b"#!/bin/sh\ntrue\n")
    (folder / "new").mkdir()
    (folder / "new/file").write_bytes(b"new\r\n")
    (folder / "empty").unlink()
    tip = worktree.commit([*FILES, "run.sh", "new/file"], "a message\n\nSecretsync-Op: x\n")
    assert {name: repository.read(tip, name) for name in FILES if name != "empty"} == {
        name: data + b"\r\nmore $Id$\n" for name, data in FILES.items() if name != "empty"
    }
    entries = repository.entries(tip)
    assert "empty" not in entries
    assert entries["run.sh"].mode == "100755"
    assert entries["new/file"].mode == "100644"
    assert {one.trailer("Secretsync-Op") for one in worktree.commits(base)} == {"x"}
    assert hostile.text("log", "-1", "--format=%an %ae %cn", "secretsync/x") == "Test test@example.org Test"
    worktree.remove()
    worktree.delete_branch(tip)
    assert ran(hostile.root.parent / "canaries") == []


def test_what_is_dirty_is_known_without_filters(hostile: Made) -> None:
    repository = Repository.containing(hostile.root)
    names = [*FILES, "run.sh", ".gitattributes"]
    assert repository.dirty(names) == []
    hostile.write("large.bin", FILES["large.bin"])  # touched, and the same
    hostile.write("crlf.yaml", b"a: 1\r\nb: 3\r\n")
    (hostile.root / "empty").unlink()
    hostile.write("untracked")
    assert repository.dirty([*names, "untracked", "absent"]) == ["crlf.yaml", "empty", "untracked"]
    assert ran(hostile.root.parent / "canaries") == []


def test_line_ends_of_a_checkout_do_not_make_a_file_dirty(made: Made) -> None:
    made.write("a.yaml", "a: 1\nb: 2\n")
    made.commit()
    made.write("a.yaml", "a: 1\r\nb: 2\r\n")
    assert Repository.containing(made.root).dirty(["a.yaml"]) == []


def test_the_index_of_the_user_is_left_alone(hostile: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    index = hostile.root / ".git" / "index"
    before = index.read_bytes()
    monkeypatch.setenv("GIT_INDEX_FILE", str(index))
    monkeypatch.setenv("GIT_DIR", str(hostile.root / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(hostile.home))
    repository, worktree, folder = _worktree(hostile)
    worktree.create(repository.resolve("HEAD"), ["crlf.yaml"])
    (folder / "crlf.yaml").write_bytes(b"changed")
    worktree.commit(["crlf.yaml"], "change\n")
    assert index.read_bytes() == before


@pytest.mark.parametrize("path", ["link/file", "link", "file/below", "module/file", "module"])
def test_nothing_is_written_through_a_link_a_file_or_a_submodule(made: Made, path: str) -> None:
    made.write("file")
    (made.root / "link").symlink_to("../outside")
    made.git("add", "-A")
    made.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},module")
    made.git("commit", "-q", "-m", "begin")
    repository, worktree, folder = _worktree(made)
    with pytest.raises(RepositoryError, match="nothing is written through it"):
        worktree.create(repository.resolve("HEAD"), [path])
    assert not folder.exists()
    assert worktree.tip() == ""


@pytest.mark.parametrize("path", ["../x", "a/../../x", ".git/config", "a/.GIT/x", "/etc/x", "a//b"])
def test_a_path_that_leads_out_is_refused(made: Made, path: str) -> None:
    made.write("a")
    made.commit()
    repository, worktree, _ = _worktree(made)
    with pytest.raises(RepositoryError, match="not a path that git would check out"):
        worktree.create(repository.resolve("HEAD"), [path])


def test_a_branch_that_moved_meanwhile_is_not_overwritten(made: Made) -> None:
    made.write("a", "1")
    base = made.commit()
    repository, worktree, folder = _worktree(made)
    worktree.create(base, ["a"])
    (folder / "a").write_text("2")
    made.write("b", "3")
    made.git("update-ref", "refs/heads/secretsync/x", made.commit())
    with pytest.raises(RepositoryError, match="already exists"):
        worktree.create(base, ["a"])
    assert repository.resolve("secretsync/x") == made.text("rev-parse", "HEAD")


def _signer(folder: Path, name: str) -> Path:
    """Return a program that signs as gpg does for git, and leaves a mark."""
    program = canary(folder, name)
    program.write_text(
        f'#!/bin/sh\ncat > /dev/null\necho "$*" >> {folder / name}.ran\nenv >> {folder / name}.env\n'
        "echo '[GNUPG:] SIG_CREATED D 1 8 00 1 F' >&2\n"
        "printf -- '-----BEGIN PGP SIGNATURE-----\\nx\\n-----END PGP SIGNATURE-----\\n'\n"
    )
    return program


@pytest.mark.parametrize("name", ["gpg.program", "gpg.openpgp.program"])
def test_a_commit_is_signed_by_the_program_of_the_user_and_never_of_the_repository(
    made: Made, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("SOPS_AGE_KEY", "AGE-SECRET-KEY-1CANARY")
    monkeypatch.setenv("GPG_TTY", "/dev/pts/x")
    folder = made.root.parent / "canaries"
    made.write("a", "1")
    base = made.commit()
    made.git("config", "--global", "commit.gpgSign", "true")
    made.git("config", "--global", "user.signingKey", "KEY-OF-THE-USER")
    made.git("config", "--global", name, str(_signer(folder, "users")))
    for each in ("gpg.program", "gpg.openpgp.program", "gpg.ssh.program", "gpg.x509.program"):
        made.git("config", each, str(_signer(folder, "repositorys")))
    _, worktree, tree = _worktree(made)
    worktree.create(base, ["a"])
    (tree / "a").write_text("2")
    tip = worktree.commit(["a"], "change\n")
    assert b"gpgsig -----BEGIN PGP SIGNATURE-----" in made.git("cat-file", "commit", tip)
    assert ran(folder) == ["users.ran: --status-fd=2 -bsau KEY-OF-THE-USER"]
    seen = (folder / "users.env").read_text()
    assert "AGE-SECRET-KEY" not in seen
    assert "GPG_TTY=/dev/pts/x" in seen


def test_a_commit_is_not_signed_where_nobody_asked_for_it(made: Made) -> None:
    folder = made.root.parent / "canaries"
    made.write("a", "1")
    base = made.commit()
    made.git("config", "--global", "gpg.program", str(_signer(folder, "users")))
    _, worktree, tree = _worktree(made)
    worktree.create(base, ["a"])
    (tree / "a").write_text("2")
    worktree.commit(["a"], "change\n")
    assert ran(folder) == []


def test_a_key_command_of_the_repository_does_not_run(made: Made) -> None:
    folder = made.root.parent / "canaries"
    made.write("a", "1")
    base = made.commit()
    for name, value in {
        "commit.gpgSign": "true",
        "gpg.format": "ssh",
        "gpg.ssh.defaultKeyCommand": str(canary(folder, "key-command")),
    }.items():
        made.git("config", name, value)
    _, worktree, tree = _worktree(made)
    worktree.create(base, ["a"])
    (tree / "a").write_text("2")
    with pytest.raises(RepositoryError, match="git commit-tree"):
        worktree.commit(["a"], "change\n")
    assert ran(folder) == []


def test_commits_are_made_where_objects_are_named_by_sha256(made: Made) -> None:
    other = Made(made.root.parent / "wide", "--object-format=sha256")
    other.write("a", "1")
    base = other.commit()
    repository, worktree, folder = _worktree(other)
    worktree.create(base, ["a"])
    (folder / "a").write_text("2")
    assert repository.read(worktree.commit(["a"], "change\n"), "a") == b"2"


@pytest.mark.parametrize("form", ["sha1", "sha256"])
def test_many_files_become_one_pack_whatever_they_hold(made: Made, form: str) -> None:
    other = Made(made.root.parent / "many", f"--object-format={form}")
    contents = {f"{number}": b"twice" if number < 2 else b"%d\n" % number * number for number in range(150)}
    other.write("README", "a")
    other.commit()
    repository, worktree, folder = _worktree(other)
    worktree.create(repository.resolve("HEAD"), contents)
    for path, data in contents.items():
        (folder / path).write_bytes(data)
    tip = worktree.commit(list(contents), "many\n")
    assert {path: repository.read(tip, path) for path in contents} == contents
    assert len(list((other.root / ".git/objects/pack").glob("*.pack"))) == 1
    other.git("fsck", "--strict")
