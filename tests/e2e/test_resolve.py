"""`resolve` after real merges of the real git, which the real sops opens; with an editor that is a script."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from secretsync.git.unresolved import UnresolvedMerges
from tests.peers import Completed
from tests.peers.sops import Sops

FILES: Final = {
    "app.enc.yaml": "# kept\ndb:\n    password: {password}\n    user: app # who\ntoken: {token}\nlast: end\n",
    "app.enc.json": '{{\n\t"db": {{\n\t\t"password": "{password}",\n\t\t"user": "app"\n\t}},\n\t"token": "{token}",\n\t"last": "end"\n}}\n',
    "app.enc.env": "# kept\npassword={password}\nuser=app\ntoken={token}\nlast=end\n",
    "app.enc.ini": "[db]\npassword = {password}\nuser     = app\n\n[rest]\ntoken = {token}\nlast  = end\n",
}
MARKERS: Final = (b"<<<<<<<", b"=======", b">>>>>>>")


class Terminal:
    """A person at a terminal, who types some lines."""

    def __init__(self, *lines: str) -> None:
        self._lines = [*lines]

    def isatty(self) -> bool:
        return True

    def readline(self) -> str:
        return self._lines.pop(0) if self._lines else ""


class SharedRepository:
    """A repository with one encrypted file, whose editor is a script in Python that gets and gives the text."""

    def __init__(self, root: Path, sops: Sops, run: Callable[..., Completed]) -> None:
        self.root = root
        self.sops = sops
        self.name = "app.enc.yaml"
        self._run = run
        self.env = {
            **sops.environ,
            "PATH": os.environ["PATH"],
            "HOME": str(root.parent),
            "EDITOR": f"{sys.executable} {root.parent / 'editor.py'}",
            **{f"GIT_{who}_{what}": "a@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
            "GIT_EDITOR": "true",
        }
        self.edits("raise SystemExit('no editor was expected')")
        root.mkdir()
        (root / ".sops.yaml").write_text(f"creation_rules:\n  - age: {sops.recipient}\n")
        self.git("init", "-q", "-b", "main")
        self.commit("rules")

    @property
    def file(self) -> Path:
        return self.root / self.name

    def edits(self, code: str) -> None:
        """Let the editor run `code` on `text`, the lines of the file; what it was given is kept."""
        script = f"import sys\npath = sys.argv[1]\ntext = open(path).read()\nopen({str(self.root.parent / 'given')!r}, 'w').write(text)\n{code}\nopen(path, 'w').write(text)\n"
        (self.root.parent / "editor.py").write_text(script)

    def given(self) -> str:
        return (self.root.parent / "given").read_text()

    def git(self, *arguments: str, code: int | None = 0) -> str:
        ended = subprocess.run(
            ["git", *arguments], cwd=self.root, env=self.env, capture_output=True, text=True, check=False
        )
        assert code is None or ended.returncode == code, ended.stderr + ended.stdout
        return ended.stdout

    def secretsync(self, *arguments: str, code: int | None = 0) -> Completed:
        ended = self._run(*arguments, env=self.env, cwd=self.root)
        assert code is None or ended.code == code, ended.stderr
        assert "canary" not in ended.stderr
        return ended

    def write(self, password: str, token: str = "canary-token", message: str = "change") -> None:
        """Write the whole file with these values, as one commit; what is as it was keeps its ciphertext."""
        plain = FILES[f"app.enc.{self.name.rpartition('.')[2]}"].format(password=password, token=token).encode()
        if not self.file.exists():
            self.file.write_bytes(plain)
            self.secretsync("encrypt", "-i", self.name)
        else:
            (self.root.parent / "next").write_bytes(plain)
            self.edits(f"text = open({str(self.root.parent / 'next')!r}).read()")
            self.secretsync("edit", self.name)
        self.commit(message)

    def commit(self, message: str) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)

    def diverge(self, name: str = "app.enc.yaml") -> None:
        """Let both branches change the password, and theirs the token as well."""
        self.name = name
        self.write("canary-first")
        self.git("checkout", "-q", "-b", "theirs")
        self.write("canary-theirs", "canary-other", "theirs")
        self.git("checkout", "-q", "main")
        self.write("canary-ours", message="ours")

    def opened(self) -> str:
        """Return the file as the real sops opens it."""
        return self.sops.decrypt(self.file.read_bytes(), self.name.rpartition(".")[2]).decode()

    def is_settled(self) -> bool:
        """Whether git has one version of every file, and the work tree has it, too."""
        return not self.git("ls-files", "--unmerged") and not self.git("diff", "--name-only")


@pytest.fixture
def shared(tmp_path: Path, sops_peer: Sops, in_process: Callable[..., Completed]) -> SharedRepository:
    return SharedRepository(tmp_path / "work", sops_peer, in_process)


WITHOUT_MARKERS: Final = (
    "text = ''.join(line for line in text.splitlines(True) if line[:7] not in ('<' * 7, '=' * 7, '>' * 7))"
)
TAKE_THEIRS: Final = """
kept, side = [], 'both'
for line in text.splitlines(True):
    mark = line[:7]
    side = {'<' * 7: 'ours', '=' * 7: 'theirs', '>' * 7: 'both'}.get(mark, side)
    if mark not in ('<' * 7, '=' * 7, '>' * 7) and side != 'ours':
        kept.append(line)
text = ''.join(kept)
"""


@pytest.mark.parametrize("name", FILES)
def test_the_editor_shows_both_values_and_what_it_gives_is_staged(shared: SharedRepository, name: str) -> None:
    shared.diverge(name)
    shared.git("merge", "theirs", code=1)
    shared.edits(TAKE_THEIRS)
    shared.secretsync("resolve", name)
    assert shared.given().count("<<<<<<< ours\n") == 1
    assert "canary-ours" in shared.given()
    assert "canary-theirs" in shared.given()
    assert "canary-theirs" in shared.opened()
    decrypted = shared.secretsync("decrypt", name).stdout.decode()
    assert decrypted == FILES[name].format(password="canary-theirs", token="canary-other")
    assert shared.is_settled()
    shared.git("commit", "-q", "--no-edit")
    assert shared.git("status", "--porcelain") == ""


def test_values_that_were_not_in_conflict_keep_their_ciphertext(shared: SharedRepository) -> None:
    shared.diverge()
    token = next(line for line in shared.git("show", "theirs:app.enc.yaml").splitlines() if line.startswith("token:"))
    user = next(line for line in shared.file.read_text().splitlines() if "user:" in line)
    shared.git("merge", "theirs", code=1)
    shared.edits(
        "text = text.replace('canary-theirs', 'x'); "
        + WITHOUT_MARKERS.replace("text = ", "text = ")
        + ".replace('    password: x\\n', '')"
    )
    shared.secretsync("resolve", "app.enc.yaml")
    assert token in shared.file.read_text()
    assert user in shared.file.read_text()
    assert "password: canary-ours" in shared.opened()


def test_a_rebase_goes_on_and_says_whose_ours_is(shared: SharedRepository) -> None:
    shared.diverge()
    shared.git("rebase", "theirs", code=1)
    shared.edits(TAKE_THEIRS)
    ended = shared.secretsync("resolve", "app.enc.yaml")
    assert "ours is the branch that you rebase onto" in ended.stderr
    shared.git("rebase", "--continue")
    assert "password: canary-ours" in shared.opened()  # theirs, in a rebase, is one's own commit
    assert "token: canary-other" in shared.opened()


def test_a_cherry_pick_and_a_revert_go_on(shared: SharedRepository) -> None:
    shared.diverge()
    shared.git("cherry-pick", "theirs", code=1)
    shared.secretsync("resolve", "--all-theirs", "app.enc.yaml")
    shared.git("cherry-pick", "--continue")
    assert "password: canary-theirs" in shared.opened()
    shared.write("canary-later", "canary-other")
    shared.git("revert", "--no-edit", "HEAD~1", code=1)
    shared.secretsync("resolve", "--all-ours", "app.enc.yaml")
    shared.git("revert", "--continue")
    assert "password: canary-later" in shared.opened()
    assert "token: canary-token" in shared.opened()


def test_a_stash_pop_goes_on(shared: SharedRepository) -> None:
    shared.write("canary-first")
    shared.secretsync("set", "app.enc.yaml", '["db"]["password"]', '"canary-stashed"')
    shared.git("stash", "-q")
    shared.write("canary-next")
    shared.git("stash", "pop", code=1)
    shared.secretsync("resolve", "--theirs", "db.password", "app.enc.yaml")
    assert "password: canary-stashed" in shared.opened()
    assert shared.is_settled()


def test_a_file_that_both_added_and_one_that_moved_are_resolved(shared: SharedRepository) -> None:
    shared.git("checkout", "-q", "-b", "theirs")
    shared.write("canary-theirs", "canary-other")
    shared.git("checkout", "-q", "main")
    shared.write("canary-ours")
    shared.git("merge", "theirs", code=1)
    shared.secretsync("resolve", "--theirs", "db", "--ours", "token", "app.enc.yaml")
    assert "password: canary-theirs" in shared.opened()
    assert "token: canary-token" in shared.opened()
    shared.git("commit", "-q", "--no-edit")
    shared.git("checkout", "-q", "-b", "moved")
    shared.write("canary-one")
    shared.git("mv", "app.enc.yaml", "new.enc.yaml")
    shared.git("commit", "-q", "-m", "moved")
    shared.git("checkout", "-q", "main")
    shared.write("canary-two")
    shared.git("merge", "moved", code=1)
    shared.name = "new.enc.yaml"
    shared.secretsync("resolve", "--all-theirs", "new.enc.yaml")
    assert "password: canary-one" in shared.opened()
    assert shared.is_settled()


def _delete_there(shared: SharedRepository) -> None:
    """Begin a merge with a branch that deleted the file, which this one changed."""
    shared.write("canary-first")
    shared.git("checkout", "-q", "-b", "theirs")
    shared.git("rm", "-q", "app.enc.yaml")
    shared.git("commit", "-q", "-m", "gone")
    shared.git("checkout", "-q", "main")
    shared.write("canary-ours")
    shared.git("merge", "theirs", code=1)


@pytest.mark.parametrize(("side", "is_there"), [("--all-ours", True), ("--all-theirs", False)])
def test_a_file_changed_here_and_deleted_there_is_kept_or_deleted(
    shared: SharedRepository, side: str, is_there: bool
) -> None:
    _delete_there(shared)
    asked = shared.secretsync("resolve", "app.enc.yaml", code=3)
    assert "changed here and deleted there" in asked.stderr
    assert "--all-ours keeps it, --all-theirs deletes it" in asked.stderr
    shared.secretsync("resolve", side, "app.enc.yaml")
    assert shared.file.exists() is is_there
    assert shared.git("ls-files", "--unmerged") == ""
    shared.git("commit", "-q", "--no-edit")


def test_a_binary_file_takes_one_side(shared: SharedRepository) -> None:
    shared.name = "key.bin"
    for branch, text in (("main", "one"), ("theirs", "two"), ("main", "three")):
        if branch == "theirs":
            shared.git("checkout", "-q", "-b", "theirs")
        elif text == "three":
            shared.git("checkout", "-q", "main")
        shared.file.write_text(f"canary-{text}")
        shared.secretsync("encrypt", "-i", "key.bin")
        shared.commit(text)
    shared.git("merge", "theirs", code=1)
    assert "--all-ours or --all-theirs" in shared.secretsync("resolve", "key.bin", code=3).stderr
    shared.secretsync("resolve", "--all-theirs", "key.bin")
    assert shared.sops.decrypt(shared.file.read_bytes(), "bin", "--input-type", "binary") == b"canary-two"


@pytest.mark.parametrize("code", [WITHOUT_MARKERS.replace("'=' * 7", "'~'"), "text = text.replace('db:', 'db: [')"])
def test_markers_that_are_left_and_broken_text_leave_all_as_it_was(shared: SharedRepository, code: str) -> None:
    shared.diverge()
    shared.git("merge", "theirs", code=1)
    before, staged = shared.file.read_bytes(), shared.git("ls-files", "--stage")
    shared.edits(code)
    assert "conflict markers of Git" in shared.secretsync("resolve", "app.enc.yaml", code=4).stderr
    shared.edits("")
    assert "has not changed" in shared.secretsync("resolve", "app.enc.yaml", code=12).stderr
    assert (shared.file.read_bytes(), shared.git("ls-files", "--stage")) == (before, staged)


def test_a_file_without_conflicts_is_just_finished(shared: SharedRepository) -> None:
    shared.write("canary-first")
    shared.git("checkout", "-q", "-b", "theirs")
    shared.write("canary-first", "canary-other")
    shared.git("checkout", "-q", "main")
    shared.write("canary-ours")
    shared.git("merge", "theirs", code=1)
    shared.secretsync("resolve", "app.enc.yaml")
    assert "password: canary-ours" in shared.opened()
    assert "token: canary-other" in shared.opened()


def test_a_file_resolved_by_other_means_is_shown_and_kept(shared: SharedRepository) -> None:
    shared.diverge()
    shared.git("merge", "theirs", code=1)
    shared.git("checkout", "--ours", "app.enc.yaml")
    shared.secretsync("set", "app.enc.yaml", '["db"]["password"]', '"canary-third"')
    ended = shared.secretsync("resolve", "--keep", "app.enc.yaml")
    assert "changed  db.password  encrypted, in none of ours, theirs like this" in ended.stdout.decode()
    assert "password: canary-third" in shared.opened()
    assert shared.is_settled()


def test_a_side_that_was_tampered_with_is_named_and_nothing_is_written(shared: SharedRepository) -> None:
    shared.diverge()
    shared.git("checkout", "-q", "theirs")
    shared.file.write_text(shared.file.read_text().replace("\nlast:", "\nsmuggled_unencrypted: 1\nlast:"))
    shared.commit("tampered")
    shared.git("checkout", "-q", "main")
    shared.git("merge", "theirs", code=1)
    before, staged = shared.file.read_bytes(), shared.git("ls-files", "--stage")
    ended = shared.secretsync("resolve", "--all-ours", "app.enc.yaml", code=7)
    assert "theirs: the MAC does not match" in ended.stderr
    assert "resolve --keep" in ended.stderr
    assert (shared.file.read_bytes(), shared.git("ls-files", "--stage")) == (before, staged)


def test_a_file_that_was_staged_unseen_is_still_merged_while_it_is_noted(shared: SharedRepository) -> None:
    shared.diverge()
    shared.git("merge", "theirs", code=1)
    shared.git("checkout", "--ours", "app.enc.yaml")
    UnresolvedMerges.of(str(shared.root)).note("app.enc.yaml", "conflict")
    shared.git("add", "app.enc.yaml")
    shared.secretsync("resolve", "--all-theirs", "app.enc.yaml")
    assert "password: canary-theirs" in shared.opened()
    assert UnresolvedMerges.of(str(shared.root)).noted() == []
    UnresolvedMerges.of(str(shared.root)).note("app.enc.yaml", "conflict")
    shared.git("commit", "-q", "-a", "--no-edit")
    shared.git("read-tree", "HEAD")
    assert "--keep says so" in shared.secretsync("resolve", "app.enc.yaml", code=3).stderr
    shared.secretsync("resolve", "--keep", "app.enc.yaml")
    assert UnresolvedMerges.of(str(shared.root)).noted() == []


@pytest.mark.parametrize("linked", [False, True], ids=["own folder", "linked work tree"])
def test_a_conflict_that_the_driver_noted_is_resolved_and_the_note_goes(
    shared: SharedRepository, tmp_path: Path, linked: bool
) -> None:
    program = f"{sys.executable} -m secretsync.cli git merge-driver --marker-size %L -- %O %A %B %P"
    shared.git("config", "merge.secretsync.driver", program)
    (shared.root / ".gitattributes").write_text("*.enc.* merge=secretsync\n")
    shared.diverge()
    if linked:
        shared.git("worktree", "add", "-q", "-b", "third", str(tmp_path / "linked"), "main")
        shared.root = tmp_path / "linked"
    shared.git("merge", "theirs", code=1)
    notes = UnresolvedMerges.of(str(shared.root))
    assert [one.path for one in notes.unresolved()] == ["app.enc.yaml"]
    assert "password: canary-ours" in shared.opened()
    shared.edits(TAKE_THEIRS)
    shared.secretsync("resolve", "app.enc.yaml")
    assert notes.unresolved() == []
    assert "password: canary-theirs" in shared.opened()
    assert "token: canary-other" in shared.opened()
    shared.git("commit", "-q", "--no-edit")


def test_what_was_set_by_hand_after_the_driver_is_not_lost_unseen(
    shared: SharedRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared.diverge()
    shared.git("merge", "theirs", code=1)
    shared.git("checkout", "--ours", "app.enc.yaml")
    shared.secretsync("set", "app.enc.yaml", '["db"]["password"]', '"canary-third"')
    before = shared.file.read_bytes()
    monkeypatch.setattr("secretsync.cli._resolving.sys.stdin", Terminal())
    monkeypatch.setattr("secretsync.cli._resolving.confirm", lambda _: True)
    ended = shared.secretsync("resolve", "app.enc.yaml")
    assert "db.password  encrypted, in none of ours, theirs" in ended.stdout.decode()
    assert shared.file.read_bytes() == before
    assert shared.is_settled()


def test_a_person_keeps_or_deletes_and_chooses_a_side(
    shared: SharedRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    _delete_there(shared)
    monkeypatch.setattr("secretsync.cli._terminal.sys.stdin", Terminal("what\n", "d\n"))
    shared.secretsync("resolve", "app.enc.yaml")
    assert not shared.file.exists()
    assert shared.git("ls-files", "app.enc.yaml") == ""


def test_the_other_verbs_name_resolve_while_a_merge_is_not_finished(shared: SharedRepository) -> None:
    shared.diverge()
    shared.git("merge", "theirs", code=1)
    for arguments in (["decrypt", "app.enc.yaml"], ["repair", "app.enc.yaml"], ["rotate", "-i", "app.enc.yaml"]):
        ended = shared.secretsync(*arguments, code=None)
        assert "conflict markers of Git" in ended.stderr
        assert "secretsync resolve app.enc.yaml" in ended.stderr
    shared.git("checkout", "--ours", "app.enc.yaml")
    ours, theirs = (
        next(line for line in text.splitlines() if line.startswith("token:"))
        for text in (shared.file.read_text(), shared.git("show", "theirs:app.enc.yaml"))
    )
    shared.file.write_text(shared.file.read_text().replace(ours, theirs))
    ended = shared.secretsync("decrypt", "app.enc.yaml", code=51)
    assert "a merge is not finished: secretsync resolve app.enc.yaml; see what changed it: git log -p" in ended.stderr


def test_a_file_is_found_from_a_subfolder_and_in_the_index_that_git_names(shared: SharedRepository) -> None:
    shared.name = "apps/ä b.enc.yaml"
    (shared.root / "apps").mkdir()
    shared.diverge(shared.name)
    shared.git("merge", "theirs", code=1)
    shared.env["GIT_INDEX_FILE"] = str(shared.root / ".git" / "other-index")
    (shared.root / ".git" / "other-index").write_bytes((shared.root / ".git" / "index").read_bytes())
    shared.root /= "apps"
    shared.secretsync("resolve", "--all-theirs", "ä b.enc.yaml")
    assert shared.git("ls-files", "--unmerged") == ""
    del shared.env["GIT_INDEX_FILE"]
    assert shared.git("ls-files", "--unmerged") != ""
    shared.root = shared.root.parent
    assert "password: canary-theirs" in shared.opened()


def test_documents_are_named_and_a_conflict_in_one_of_them_is_decided(shared: SharedRepository) -> None:
    for branch, values in (("main", "ab"), ("theirs", "xy"), ("main", "mn")):
        plain = "".join(
            f"---\nkind: Secret\nmetadata:\n  name: {each}\nvalue: canary-{values[at]}\n"
            for at, each in enumerate("pq")
        )
        if values == "ab":
            shared.file.write_text(plain)
            shared.secretsync("encrypt", "-i", shared.name)
        else:
            shared.git("checkout", "-q", *(("-b", "theirs") if branch == "theirs" else ("main",)))
            for at, value in enumerate(values):
                (shared.root.parent / "next").write_text(plain)
                shared.edits(f"text = text.replace('canary-{'ab'[at]}', 'canary-{value}')")
                shared.secretsync("edit", shared.name)
        shared.commit(values)
    shared.git("merge", "theirs", code=1)
    shared.secretsync("resolve", "--ours", "#1 value", "--theirs", "#2 value", shared.name)
    assert [line for line in shared.opened().splitlines() if "canary" in line] == ["value: canary-m", "value: canary-y"]


def test_a_file_that_changes_meanwhile_is_left_and_the_decision_kept(shared: SharedRepository) -> None:
    shared.diverge()
    shared.git("merge", "theirs", code=1)
    shared.edits(f"{TAKE_THEIRS}\nopen({str(shared.file)!r}, 'a').write('#')")
    before, staged = shared.file.read_bytes(), shared.git("ls-files", "--stage")
    ended = shared.secretsync("resolve", "app.enc.yaml", code=12)
    assert "app.enc.yaml.resolved" in ended.stderr
    assert (shared.file.read_bytes(), shared.git("ls-files", "--stage")) == (before + b"#", staged)
    kept = (shared.root / "app.enc.yaml.resolved").read_bytes()
    assert b"canary" not in kept
    assert b"password: canary-theirs" in shared.sops.decrypt(kept, "yaml")


def test_documents_that_cannot_be_told_apart_take_one_side_or_the_editor(shared: SharedRepository) -> None:
    shared.file.write_text("a: canary-a\n---\nb: canary-b\n")
    shared.secretsync("encrypt", "-i", shared.name)
    shared.commit("two")
    shared.git("checkout", "-q", "-b", "theirs")
    shared.edits("text = 'k: canary-n\\n---\\n' + text")
    shared.secretsync("edit", shared.name)
    shared.commit("three")
    shared.git("checkout", "-q", "main")
    shared.secretsync("set", shared.name, '["a"]', '"canary-m"')
    shared.commit("ours")
    shared.git("merge", "theirs", code=1)
    shared.secretsync("resolve", "--all-theirs", shared.name)
    assert shared.opened().split() == ["k:", "canary-n", "---", "a:", "canary-a", "---", "b:", "canary-b"]


def test_what_is_no_merge_or_no_conflict_is_said(shared: SharedRepository) -> None:
    shared.diverge()
    assert "no merge left it unresolved" in shared.secretsync("resolve", "app.enc.yaml", code=10).stderr
    shared.git("merge", "theirs", code=1)
    ended = shared.secretsync("resolve", "--ours", "nothing", "app.enc.yaml", code=3)
    assert "the conflicts are: db.password" in ended.stderr


def test_git_mergetool_resolves_with_it(shared: SharedRepository) -> None:
    shared.diverge()
    shared.git("merge", "theirs", code=1)
    shared.edits(TAKE_THEIRS)
    program = f"{sys.executable} -m secretsync.cli resolve --stages"
    command = f'{program} "$BASE" "$LOCAL" "$REMOTE" "$MERGED"'
    settings = ("-c", f"mergetool.secretsync.cmd={command}", "-c", "mergetool.secretsync.trustExitCode=true")
    shared.git(*settings, "mergetool", "-y", "--tool=secretsync", "app.enc.yaml")
    assert "password: canary-theirs" in shared.opened()
    assert shared.git("ls-files", "--unmerged") == ""


def test_a_kill_in_the_editor_leaves_all_as_it_was(shared: SharedRepository, tmp_path: Path) -> None:
    shared.diverge()
    shared.git("merge", "theirs", code=1)
    before, staged = shared.file.read_bytes(), shared.git("ls-files", "--stage")
    seen = tmp_path / "seen"
    os.mkfifo(seen)
    shared.edits(f"open({str(seen)!r}, 'w').write(path)\nimport signal\nsignal.pause()")
    command = [sys.executable, "-m", "secretsync.cli", "resolve", "app.enc.yaml"]
    with subprocess.Popen(
        command, cwd=shared.root, env=shared.env, stderr=subprocess.DEVNULL, start_new_session=True
    ) as running:
        place = Path(seen.read_text())
        assert place.parent.stat().st_mode & 0o777 == 0o700
        os.killpg(running.pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while place.parent.exists() and time.monotonic() < deadline:
        os.sched_yield()
    assert not place.parent.exists()
    assert (shared.file.read_bytes(), shared.git("ls-files", "--stage")) == (before, staged)


def test_recipients_that_neither_side_has_from_the_rule_are_asked_for(
    shared: SharedRepository, peer: Callable[[str], Path]
) -> None:
    shared.diverge()
    keys = [
        subprocess.run([peer("age-keygen")], capture_output=True, text=True, check=True).stderr.split()[-1]
        for _ in "ab"
    ]
    shared.secretsync("rotate", "-i", "--keep-recipients", "--add-age", keys[0], "app.enc.yaml")
    shared.commit("one more")
    shared.git("checkout", "-q", "theirs")
    shared.secretsync("rotate", "-i", "--keep-recipients", "--add-age", keys[1], "app.enc.yaml")
    shared.commit("another")
    shared.git("checkout", "-q", "main")
    shared.git("merge", "theirs", code=1)
    asked = shared.secretsync("resolve", "--all-ours", "--theirs", "db", "app.enc.yaml")
    assert f"age {keys[0]} is a recipient of the file" in asked.stderr
    assert keys[1] not in shared.file.read_text()
    assert "password: canary-theirs" in shared.opened()
