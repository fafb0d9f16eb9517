"""The door to git: what it is told, what it is not told, and whom it trusts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from secretsync import programs
from secretsync.errors import MissingDependencyError, RepositoryError
from secretsync.git import Repository, running, settings
from secretsync.git.running import Git
from tests.unit.git.repositories import Made, canary, ran


def _told(environ: Mapping[str, str], *, signing: bool = False) -> dict[str, str]:
    return programs.environment(settings.kind(signing=signing), environ, settings.given(environ))


SECRETS = {
    "SOPS_AGE_KEY": "AGE-SECRET-KEY-1CANARY",
    "SOPS_AGE_KEY_FILE": "/canary",
    "VAULT_TOKEN": "canary",
    "AWS_SECRET_ACCESS_KEY": "canary",
}


def test_git_removes_the_variables_that_name_another_repository(made: Made) -> None:
    named = made.text("rev-parse", "--local-env-vars").split()
    told = _told({**dict.fromkeys(named, "canary"), "PATH": os.defpath})
    assert "GIT_DIR" in named
    assert {name for name, value in told.items() if value == "canary"} == set()


@pytest.mark.parametrize("signing", [False, True])
def test_git_sees_nothing_that_opens_secrets(signing: bool) -> None:
    told = _told({**SECRETS, "PATH": os.defpath}, signing=signing)
    assert SECRETS.keys() & told.keys() == set()


def test_only_what_signs_gets_the_environment_of_the_user() -> None:
    users = {"GNUPGHOME": "/g", "SSH_AUTH_SOCK": "/s", "OP_ACCOUNT": "x", "GIT_EXTERNAL_DIFF": "/d", "HOME": "/h"}
    assert set(_told(users)) & users.keys() == {"HOME", "GNUPGHOME", "SSH_AUTH_SOCK"}
    assert users.keys() - _told(users, signing=True).keys() == {"GIT_EXTERNAL_DIFF"}


def test_programs_are_looked_up_in_absolute_places_only() -> None:
    told = _told({"PATH": os.pathsep.join(["", ".", "bin", "/usr/bin", "./x", "/bin"])})
    assert told["PATH"] == os.pathsep.join(["/usr/bin", "/bin"])


def test_a_git_in_the_repository_is_not_started(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    program = canary(made.root, "git")
    monkeypatch.setenv("PATH", f".{os.pathsep}{os.environ['PATH']}")
    assert Repository.containing(made.root).root == str(made.root)
    monkeypatch.setenv("PATH", ".")
    with pytest.raises(MissingDependencyError, match="git is not installed"):
        Repository.containing(made.root)
    assert ran(program.parent) == []


def test_git_that_called_us_says_which_index_is_meant(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    made.write("committed")
    made.commit()
    other = str(made.root / ".git" / "other-index")
    made.git("update-index", "--add", "--cacheinfo", f"100644,{made.text('rev-parse', 'HEAD:committed')},staged", env={
        "GIT_INDEX_FILE": other
    })  # fmt: skip
    monkeypatch.setenv("GIT_INDEX_FILE", other)
    monkeypatch.setenv("GIT_CONFIG_PARAMETERS", "'core.fsmonitor'='false'")
    listing = ("ls-files", "-z", "--cached")
    assert Git(str(made.root)).names(*listing) == ["committed"]
    assert Git.called_by_git(str(made.root)).names(*listing) == ["staged"]


def test_a_repository_of_somebody_else_is_refused_with_the_remedy_of_git(made: Made) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    made.commit()
    for path in (made.root, made.root / ".git"):
        os.chown(path, 12345, 12345)
    with pytest.raises(RepositoryError, match="belongs to somebody else") as caught:
        Repository.containing(made.root)
    assert caught.value.hint == f"git config --global --add safe.directory {made.root}"
    made.git("config", "--global", "--add", "safe.directory", str(made.root))
    assert Repository.containing(made.root).root == str(made.root)


def _bare(folder: Path, *, settings_of: str = "\tbare = false\n\tworktree = .\n") -> None:
    for name in ("objects", "refs"):
        (folder / name).mkdir(parents=True)
    (folder / "HEAD").write_text("ref: refs/heads/main\n")
    (folder / "config").write_text(f"[core]\n\trepositoryformatversion = 0\n{settings_of}")


@pytest.mark.parametrize("form", ["\tbare = true\n", "\tbare = false\n\tworktree = .\n"])
def test_a_folder_that_looks_like_a_repository_is_none(made: Made, form: str) -> None:
    program = canary(made.root.parent / "canaries", "monitor")
    _bare(made.root / "sub", settings_of=f'{form}\tfsmonitor = "{program}"\n')
    for folder in (made.root / "sub", made.root / "sub" / "refs"):
        with pytest.raises(RepositoryError, match="bare repository") as caught:
            Repository.containing(folder)
        assert "--git-dir" in str(caught.value.hint)
    assert Repository.containing(made.root).listed(str(made.root)) == ["sub/HEAD", "sub/config"]
    assert ran(program.parent) == []


def test_an_old_git_that_knows_no_such_setting_is_not_led_there(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    _bare(made.root / "sub")
    told = {name: value for name, value in settings.FIXED.items() if name != "safe.bareRepository"}
    monkeypatch.setattr(running, "FIXED", told)
    with pytest.raises(RepositoryError, match=r"without \.git"):
        Repository.containing(made.root / "sub")


def test_a_bare_repository_is_read_where_it_is_named(made: Made) -> None:
    made.write("a", "the text")
    commit = made.commit()
    bare = made.root.parent / "bare.git"
    made.git("clone", "-q", "--bare", str(made.root), str(bare))
    with pytest.raises(RepositoryError, match="bare repository"):
        Repository.containing(bare)
    repository = Repository.at(bare)
    assert repository.resolve("HEAD") == commit
    assert repository.files_with(commit, b"the text") == ["a"]
    with pytest.raises(RepositoryError, match="not a git repository"):
        Repository.at(made.home)
    with pytest.raises(RepositoryError, match="no such folder"):
        Repository.at(made.root / "absent")


def test_files_that_the_settings_put_elsewhere_are_refused(made: Made) -> None:
    made.commit()
    made.git("config", "core.worktree", str(made.home))
    with pytest.raises(RepositoryError, match="elsewhere") as caught:
        Repository.containing(made.root)
    assert "core.worktree" in str(caught.value.hint)


def test_submodules_and_worktrees_are_repositories_as_any(made: Made) -> None:
    made.write("a", "the text")
    commit = made.commit()
    made.git("worktree", "add", "-q", "-b", "side", str(made.root.parent / "side"))
    (made.root.parent / "side" / "deeper").mkdir()
    assert Repository.containing(made.root.parent / "side" / "deeper").resolve("HEAD") == commit
    outer = Made(made.root.parent / "outer")
    outer.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(made.root), "inner")
    inner = Repository.containing(outer.root / "inner")
    assert inner.root == str(outer.root / "inner")
    assert inner.files_with(commit, b"the text") == ["a"]


def test_a_partial_clone_contacts_nobody(made: Made, tmp_path: Path) -> None:
    made.write("a", "the text")
    commit = made.commit()
    made.git("config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "clone"
    made.git("clone", "-q", "--filter=blob:none", "--no-checkout", f"file://{made.root}", str(clone))
    program = canary(tmp_path / "canaries", "upload-pack")
    partial = Repository.containing(clone)
    partial.git.output("config", "remote.origin.uploadpack", str(program))
    partial.git.output("config", "protocol.file.allow", "always")
    with pytest.raises(RepositoryError, match=r"no object|could not give object") as caught:
        partial.read(commit, "a")
    assert "partial clone" in str(caught.value.hint)
    assert ran(program.parent) == []


def test_settings_are_read_with_the_place_where_each_stands() -> None:
    listed = b"global\0gpg.program\n/bin/a\0local\0filter.A.b=c.CLEAN\nrun\nthis\0local\0core.bare\0"
    assert list(settings.parse(listed)) == [
        settings.ConfigEntry("global", "gpg.program", "/bin/a"),
        settings.ConfigEntry("local", "filter.A.b=c.clean", "run\nthis"),
        settings.ConfigEntry("local", "core.bare", ""),
    ]
    found = settings.without_programs(settings.parse(listed))
    assert found["filter.A.b=c.clean"] == ""
    assert settings.signing_programs(settings.parse(listed))["gpg.openpgp.program"] == "/bin/a"


def test_programs_that_sign_come_from_system_and_user() -> None:
    names = ("gpg.program", "gpg.x509.program", "gpg.ssh.program", "gpg.ssh.defaultkeycommand")
    local = settings.signing_programs(settings.ConfigEntry("local", name, "canary") for name in names)
    assert "canary" not in local.values()
    users = settings.signing_programs(settings.ConfigEntry("global", name, "wanted") for name in names)
    assert set(users.values()) == {"wanted"}
