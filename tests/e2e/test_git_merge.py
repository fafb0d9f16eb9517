"""The merge driver where git runs it: merge, rebase, cherry-pick, revert, stash, criss-cross, renames, linked work trees."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from secretsync import age
from secretsync.cli.__main__ import run
from tests.unit.git.repositories import Made

FILE = "apps/db.enc.yaml"
PLAIN = "# head\na: 1\nb: 2 # why\nc: 3\nlist:\n  - x\nd: 4\n"
NOTES = ".git/secretsync/unresolved"
DRIVER = f"{sys.executable} -m secretsync.cli git merge-driver --marker-size %L -- %O %A %B %P"


class Team(Made):
    """A repository with one encrypted file whose people have a key, and the driver."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.identity = age.generate()
        self.key = root.parent / "identity"
        self.key.touch(0o600)
        self.key.write_text(self.identity.expose() + "\n")
        self.git("config", "merge.secretsync.driver", DRIVER)
        self.git("config", "merge.secretsync.recursive", "binary")
        self.write(".gitattributes", "*.enc.* merge=secretsync\n")
        self.write(".sops.yaml", f"creation_rules:\n  - age: {self.identity}\n")

    def begin(self) -> None:
        """Make the first commit, from within the repository."""
        self.write(FILE, PLAIN)
        self.run("encrypt", "-i", FILE)
        self.commit("base")

    @property
    def environ(self) -> dict[str, str]:
        """The environment of its user, with the key in it."""
        return {**super().environ, "SOPS_AGE_KEY_FILE": str(self.root.parent / "identity")}

    def run(self, *arguments: str) -> None:
        """Run secretsync in the repository."""
        assert run([*arguments]) == 0

    def change(self, key: str, value: int, file: str = FILE) -> str:
        """Set a value, in a commit of its own."""
        self.run("set", file, f'["{key}"]', str(value))
        return self.commit(f"{key}={value}")

    def branch(self, name: str, *changes: tuple[str, int], start: str = "main") -> None:
        """Make a branch with a commit for each change."""
        self.git("checkout", "-q", "-b", name, start)
        for key, value in changes:
            self.change(key, value)
        self.git("checkout", "-q", "main")

    def tries(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run git, which may fail."""
        return subprocess.run(
            ["git", *arguments], cwd=self.root, env=self.environ, capture_output=True, text=True, check=False
        )

    def values(self, file: str = FILE) -> dict[str, object]:
        """Open the file of the work tree, and return its numbers."""
        ended = subprocess.run(
            [sys.executable, "-m", "secretsync.cli", "decrypt", "--output-type", "json", file],
            cwd=self.root, env=self.environ, capture_output=True, check=True,
        )  # fmt: skip
        found = json.loads(ended.stdout)
        return {key: found[key] for key in sorted(found) if key != "list"}


@pytest.fixture
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Team:
    root = tmp_path / "repository"
    made = Team(root)
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(made.key))
    monkeypatch.chdir(root)
    made.begin()
    return made


def test_a_merge_brings_two_values_together(team: Team) -> None:
    team.branch("other", ("b", 20))
    team.change("a", 10)
    team.git("merge", "-q", "-m", "m", "other")
    assert team.values() == {"a": 10, "b": 20, "c": 3, "d": 4}
    assert not (team.root / NOTES).exists()
    text = (team.root / FILE).read_text()
    assert "type:comment" in text


def test_a_rebase_merges_each_commit(team: Team) -> None:
    team.branch("other", ("b", 20), ("d", 40))
    team.change("a", 10)
    team.git("checkout", "-q", "other")
    team.git("rebase", "-q", "main")
    assert team.values() == {"a": 10, "b": 20, "c": 3, "d": 40}


def test_cherry_pick_and_revert_merge(team: Team) -> None:
    team.branch("other", ("b", 20), ("d", 40))
    team.change("a", 10)
    team.git("cherry-pick", "other")
    assert team.values() == {"a": 10, "b": 2, "c": 3, "d": 40}
    team.change("c", 30)
    team.git("revert", "--no-edit", "HEAD~1")
    assert team.values() == {"a": 10, "b": 2, "c": 30, "d": 4}


def test_stash_pop_merges(team: Team) -> None:
    team.run("set", FILE, '["b"]', "20")
    team.git("stash")
    team.change("a", 10)
    team.git("stash", "pop")
    assert team.values() == {"a": 10, "b": 20, "c": 3, "d": 4}


def test_criss_cross_histories_merge(team: Team) -> None:
    team.branch("one", ("a", 10))
    team.branch("two", ("b", 20))
    one, two = team.text("rev-parse", "one"), team.text("rev-parse", "two")
    for name, other in (("one", two), ("two", one)):
        team.git("checkout", "-q", name)
        team.git("merge", "-q", "-m", "m", other)
    team.change("d", 40)
    team.git("checkout", "-q", "one")
    team.change("c", 30)
    team.git("merge", "-q", "-m", "m", "two")
    assert team.values() == {"a": 10, "b": 20, "c": 30, "d": 40}


def test_a_rename_on_one_side_is_followed(team: Team) -> None:
    team.git("checkout", "-q", "-b", "other")
    team.git("mv", FILE, "moved.enc.yaml")
    team.commit("move")
    team.change("b", 20, "moved.enc.yaml")
    team.git("checkout", "-q", "main")
    team.change("a", 10)
    team.git("merge", "-q", "-m", "m", "other")
    assert team.values("moved.enc.yaml") == {"a": 10, "b": 20, "c": 3, "d": 4}


def test_an_octopus_runs_no_driver_and_loses_nothing(team: Team) -> None:
    team.branch("one", ("a", 10))
    team.branch("two", ("b", 20))
    team.change("c", 30)
    assert team.tries("merge", "-m", "m", "one", "two").returncode == 2
    team.git("reset", "--merge")
    assert team.values() == {"a": 1, "b": 2, "c": 30, "d": 4}
    for name in ("one", "two"):
        team.git("merge", "-q", "-m", "m", name)
    assert team.values() == {"a": 10, "b": 20, "c": 30, "d": 4}


def test_a_linked_work_tree_has_notes_of_its_own(team: Team) -> None:
    team.branch("other", ("b", 20), ("a", 11))
    team.change("a", 10)
    team.git("worktree", "add", "-q", "../linked", "-b", "linked")
    linked = team.root.parent / "linked"
    ended = subprocess.run(
        ["git", "merge", "other"], cwd=linked, env=team.environ, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert f"secretsync: conflict: {FILE} a: both sides changed it\n" in ended.stderr
    assert not (team.root / NOTES).exists()
    assert (team.root / ".git/worktrees/linked/secretsync/unresolved").exists()


def test_git_dir_and_index_of_the_caller_count(team: Team) -> None:
    team.branch("other", ("b", 20))
    team.change("a", 10)
    where = {
        "GIT_DIR": str(team.root / ".git"),
        "GIT_INDEX_FILE": str(team.root / ".git" / "index"),
        "GIT_WORK_TREE": str(team.root),
    }
    team.git("merge", "-q", "-m", "m", "other", env=where)
    assert team.values() == {"a": 10, "b": 20, "c": 3, "d": 4}


def test_a_conflict_leaves_a_valid_file_three_stages_a_note_and_no_value(team: Team) -> None:
    team.branch("other", ("a", 777_001), ("b", 20))
    team.change("a", 888_002)
    ended = team.tries("merge", "other")
    assert ended.returncode == 1
    assert f"secretsync: conflict: {FILE} a: both sides changed it\n" in ended.stderr
    assert f"secretsync: hint: secretsync resolve {FILE}\n" in ended.stderr
    assert team.values() == {"a": 888_002, "b": 20, "c": 3, "d": 4}
    assert len(team.git("ls-files", "-u").splitlines()) == 3
    for text in (ended.stderr, ended.stdout, (team.root / NOTES).read_text()):
        assert "777001" not in text
        assert "888002" not in text


def test_without_a_key_git_merges_the_text_with_markers(team: Team, tmp_path: Path) -> None:
    team.branch("other", ("b", 20))
    team.change("a", 10)
    (tmp_path / "identity").write_text(age.generate().expose() + "\n")
    ended = team.tries("merge", "other")
    assert ended.returncode == 1
    assert "no identity here opens this file" in ended.stderr
    text = (team.root / FILE).read_text()
    assert "<<<<<<< ours\n" in text
    assert ">>>>>>> theirs\n" in text
    assert (team.root / NOTES).exists()


def test_a_side_that_was_tampered_with_leaves_ours(team: Team) -> None:
    team.git("checkout", "-q", "-b", "other")
    path = team.root / FILE
    path.write_text("".join(line for line in path.read_text().splitlines(keepends=True) if not line.startswith("b:")))
    commit = team.commit("tampered")
    team.git("checkout", "-q", "main")
    team.change("a", 10)
    before = path.read_bytes()
    ended = team.tries("merge", "other")
    assert ended.returncode == 1
    assert (
        f"secretsync: error: {FILE} theirs: the MAC does not match the file's values; it was not merged"
        f" (theirs is commit {commit[:12]})\n" in ended.stderr
    )
    assert path.read_bytes() == before
    assert (team.root / NOTES).exists()


@pytest.fixture
def disputed(team: Team) -> Team:
    """Return a repository whose branch `other` has another recipient, and where both sides changed the rules."""
    rules, other = team.root / ".sops.yaml", age.generate()
    team.git("checkout", "-q", "-b", "other")
    rules.write_text(f"creation_rules:\n  - age: {team.identity},{other}\n")
    team.run("updatekeys", "--yes", FILE)
    team.change("b", 20)
    team.git("checkout", "-q", "main")
    rules.write_text(f"# ours\ncreation_rules:\n  - age: {team.identity}\n")
    team.change("a", 10)
    return team


def test_rules_that_both_sides_changed_are_to_be_merged_first(disputed: Team) -> None:
    team = disputed
    ended = team.tries("merge", "other")
    assert ended.returncode == 1
    assert f"{FILE}: recipients differ, and both sides changed the rules, which are to be merged first" in ended.stderr
    assert f"hint: merge .sops.yaml first, then: secretsync resolve {FILE}" in ended.stderr
    assert team.values() == {"a": 10, "b": 2, "c": 3, "d": 4}


def test_a_rebase_says_what_it_merges_too(disputed: Team) -> None:
    disputed.git("checkout", "-q", "other")
    ended = disputed.tries("rebase", "main")
    assert "both sides changed the rules, which are to be merged first" in ended.stderr
    assert "a: 10" in _opened(disputed)


def test_nobody_named_in_a_file_is_contacted(team: Team) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        host = f"http://127.0.0.1:{server.getsockname()[1]}"
        vault = (
            f"    hc_vault:\n        - vault_address: {host}\n          engine_path: transit\n          key_name: k\n"
        )
        vault += '          created_at: "2026-01-02T03:04:05Z"\n          enc: vault:v1:AAAA\n'
        team.git("checkout", "-q", "-b", "other")
        path = team.root / FILE
        path.write_text(path.read_text().replace("sops:\n", f"sops:\n{vault}"))
        team.commit("smuggled")
        team.git("checkout", "-q", "main")
        rule = f"creation_rules:\n  - age: {team.identity}\n    hc_vault_transit_uri: {host}/v1/transit/keys/k\n"
        team.write(".sops.yaml", rule)
        team.change("a", 10)
        head = team.text("rev-parse", "main")
        team.run("rotate", "-i", "--keep-recipients", FILE)
        rotated = team.commit("rotate")
        mine, nobodys = team.identity.expose(), age.generate().expose()
        for start, identity, code in ((head, mine, 0), (rotated, mine, 1), (head, nobodys, 1)):
            team.git("reset", "-q", "--hard", start)
            team.key.write_text(identity + "\n")
            assert team.tries("merge", "other").returncode == code
            with pytest.raises(BlockingIOError):
                server.accept()


def test_a_bare_repository_merges_trees(team: Team) -> None:
    team.branch("other", ("b", 20))
    team.change("a", 10)
    bare = team.root.parent / "bare.git"
    team.git("clone", "-q", "--bare", ".", str(bare))
    (bare / "info").mkdir(exist_ok=True)
    (bare / "info" / "attributes").write_text("*.enc.* merge=secretsync\n")
    command = ["git", "-c", f"merge.secretsync.driver={DRIVER}", "merge-tree", "--write-tree", "main", "other"]
    ended = subprocess.run(command, cwd=bare, env=team.environ, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    team.write("merged.enc.yaml", subprocess.run(
        ["git", "show", f"{ended.stdout.strip()}:{FILE}"], cwd=bare, env=team.environ, capture_output=True, check=True
    ).stdout)  # fmt: skip
    assert team.values("merged.enc.yaml") == {"a": 10, "b": 20, "c": 3, "d": 4}


def test_a_sparse_checkout_merges_what_it_does_not_show(team: Team) -> None:
    team.branch("other", ("b", 20))
    team.change("a", 10)
    team.git("sparse-checkout", "set", "--no-cone", "/*", "!/apps/")
    assert not (team.root / FILE).exists()
    team.git("merge", "-q", "-m", "m", "other")
    team.git("sparse-checkout", "disable")
    assert team.values() == {"a": 10, "b": 20, "c": 3, "d": 4}


def _opened(team: Team) -> str:
    return str(team.values()).replace("'", "").strip("{}")


def test_what_only_theirs_says_of_the_rules_does_not_let_anybody_in(team: Team) -> None:
    rules, eve = team.root / ".sops.yaml", age.generate()
    team.git("checkout", "-q", "-b", "other")
    rules.write_text(f"creation_rules:\n  - age: {team.identity},{eve}\n")
    team.run("updatekeys", "--yes", FILE)
    team.change("b", 20)
    team.git("checkout", "-q", "main")
    team.change("a", 10)
    team.git("merge", "-q", "-m", "m", "other")
    assert str(eve) not in (team.root / FILE).read_text()
    assert team.values() == {"a": 10, "b": 20, "c": 3, "d": 4}


_KILLED = """
import os, signal, sys
calls, at = 0, int(sys.argv[1])
def counted(original):
    def call(*arguments, **more):
        global calls
        calls += 1
        if calls == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*arguments, **more)
    return call
for name in ("write", "fsync", "replace", "rename", "link", "unlink", "ftruncate"):
    setattr(os, name, counted(getattr(os, name)))
from secretsync.cli.__main__ import run
sys.exit(run(sys.argv[2:]))
"""


@pytest.mark.parametrize("clean", [True, False], ids=["clean", "conflict"])
def test_killed_at_any_write_the_driver_leaves_ours_or_the_result(team: Team, clean: bool) -> None:
    team.branch("other", ("b", 20), *(() if clean else [("a", 11)]))
    base = (team.root / FILE).read_bytes()
    team.change("a", 10)
    ours = (team.root / FILE).read_bytes()
    theirs = team.git("show", f"other:{FILE}")
    for name, data in (("base", base), ("theirs", theirs)):
        (team.root / name).write_bytes(data)
    result = team.root / "result"
    for at in range(1, 40):
        result.write_bytes(ours)
        (team.root / NOTES).unlink(missing_ok=True)
        command = [
            sys.executable,
            "-c",
            _KILLED,
            str(at),
            "git",
            "merge-driver",
            "--",
            "base",
            "result",
            "theirs",
            FILE,
        ]
        ended = subprocess.run(command, cwd=team.root, env=team.environ, capture_output=True, check=False)
        if result.read_bytes() != ours:
            team.write("result.enc.yaml", result.read_bytes())
            assert team.values("result.enc.yaml") == {"a": 10, "b": 20, "c": 3, "d": 4}
            assert clean or (team.root / NOTES).exists()  # nobody commits it unseen
        if ended.returncode >= 0:
            assert ended.returncode == (0 if clean else 1)
            assert at > 3
            return
    pytest.fail("the driver did not come to its end")


def test_a_command_line_that_is_none_ends_above_128(team: Team) -> None:
    for arguments in (
        [],
        ["a", "b", "c", "d"],
        ["--", "a"],
        ["--marker-size", "x", "--", "a", "b", "c", "d"],
        ["--", "no", "no", "no", "f.yaml"],
    ):
        ended = subprocess.run(
            [sys.executable, "-m", "secretsync.cli", "git", "merge-driver", *arguments],
            cwd=team.root, env=team.environ, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert ended.returncode in {1, 129}
        assert "Traceback" not in ended.stderr
    assert os.listdir(team.root / ".git")


def test_an_unfinished_merge_fails_check_until_it_is_resolved(team: Team, capfd: pytest.CaptureFixture[str]) -> None:
    """`git commit -a` would take ours' file, which is whole and valid, and nobody would miss theirs."""
    team.branch("other", ("a", 30))
    team.change("a", 10)
    assert team.tries("merge", "-q", "other").returncode == 1
    team.git("add", "-A")
    capfd.readouterr()
    for words in (["check", "."], ["check", "--staged"], ["check", "--keys", "none", FILE]):
        assert run(words) == 1
        assert f"{FILE}: error: its merge is not finished: conflict: a: both sides" in capfd.readouterr().out
    assert run(["git", "status"]) == 1
    assert FILE in capfd.readouterr().out
    assert run(["check", ".sops.yaml"]) == 0  # it is asked about another file
    team.run("resolve", "--all-theirs", FILE)
    for words in (["check", "."], ["check", "--staged"], ["git", "status"]):
        assert run(words) == 0
    team.git("commit", "-q", "-m", "m")
    assert team.values()["a"] == 30


def test_no_configuration_lets_an_unfinished_merge_pass(team: Team, capfd: pytest.CaptureFixture[str]) -> None:
    team.branch("other", ("a", 30))
    team.change("a", 10)
    team.tries("merge", "-q", "other")
    team.write(".secretsync.yaml", f"check:\n  ignore: [{FILE}]\n")
    assert run(["check", "."]) == 1
    team.write(".secretsync.yaml", "check:\n  rules: {unresolved-merge: off}\n")
    assert run(["check", "."]) > 1
    assert "unresolved-merge always counts, as an error" in capfd.readouterr().err
