"""`repair`: what a merge by hand left with a wrong MAC is shown, held against the rule, and given a new one."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from secretsync import age
from tests.cli.conftest import Invoke

PLAIN = "db:\n    password: canary-first\n    user: canary-app\nport_unencrypted: 80\ntoken: canary-token\n"


class HandMadeMerge:
    """A repository with one encrypted file, and branches `ours` and `theirs` that changed it."""

    def __init__(self, root: Path, recipient: str, invoke: Invoke) -> None:
        self.root = root
        self.file = root / "app.enc.yaml"
        self._invoke = invoke
        (root / ".sops.yaml").write_text(f"creation_rules:\n  - age: {recipient}\n")
        self.git("init", "-q", "-b", "main")
        self.file.write_text(PLAIN)
        self._ran("encrypt", "-i", self.file)
        self.commit("one")

    def git(self, *arguments: str, accept: tuple[int, ...] = (0,)) -> str:
        who = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgSign=false")
        ended = subprocess.run(["git", *who, *arguments], cwd=self.root, capture_output=True, text=True, check=False)
        assert ended.returncode in accept, ended.stderr
        return ended.stdout

    def _ran(self, *arguments: str | Path) -> None:
        outcome = self._invoke(*arguments)
        assert outcome.code == 0, outcome.err

    def set(self, path: str, value: str) -> None:
        """Set a value of the file with the program itself."""
        self._ran("set", self.file, path, json.dumps(value))

    def commit(self, message: str) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)

    def merged_by_hand(self, password: str = "canary-second") -> None:
        """Start a merge of two changes, and put both ciphertexts into one file, as people do."""
        self.git("checkout", "-q", "-b", "theirs")
        self.set('["token"]', "canary-other")
        self.commit("theirs")
        line = self.line("token")
        self.git("checkout", "-q", "main")
        self.set('["db"]["password"]', password)
        self.commit("ours")
        self.git("merge", "theirs", accept=(1,))
        self.git("checkout", "--ours", self.file.name)
        self.put("token", line)

    def line(self, key: str) -> str:
        return next(line for line in self.file.read_text().splitlines() if line.strip().startswith(f"{key}:"))

    def put(self, key: str, line: str) -> None:
        """Replace the line of a key."""
        self.file.write_text(self.file.read_text().replace(self.line(key), line))


@pytest.fixture
def merge(folder: Path, recipient: str, invoke: Invoke) -> HandMadeMerge:
    return HandMadeMerge(folder, recipient, invoke)


def answering(monkeypatch: pytest.MonkeyPatch, *, yes: bool) -> None:
    monkeypatch.setattr("secretsync.cli.repair.confirm", lambda _, **__: yes)


def test_a_merge_by_hand_is_shown_and_gets_a_mac_that_holds(
    merge: HandMadeMerge, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    merge.merged_by_hand()
    lines = [merge.line(key) for key in ("password", "user", "token")]
    assert invoke("decrypt", merge.file).code == 51
    answering(monkeypatch, yes=True)
    outcome = invoke("repair", merge.file)
    assert outcome.code == 0, outcome.err
    assert outcome.out.decode().splitlines() == [
        "compared with ours and theirs: 2 values",
        "  changed  db.password  encrypted, as in ours",
        "  changed  token  encrypted, as in theirs",
    ]
    assert [merge.line(key) for key in ("password", "user", "token")] == lines
    assert b"canary-second" in invoke("decrypt", merge.file).out
    assert b"canary-other" in invoke("decrypt", merge.file).out
    assert "nothing to repair" in invoke("repair", merge.file).err


def test_a_value_of_an_older_commit_and_one_in_the_clear_are_told(merge: HandMadeMerge, invoke: Invoke) -> None:
    old = merge.line("password")
    first = merge.git("rev-parse", "HEAD").strip()
    merge.set('["db"]["password"]', "canary-burnt")
    merge.commit("burn")
    merge.merged_by_hand()
    merge.put("password", old)
    merge.put("port_unencrypted", "port_unencrypted: 81\nsmuggled_unencrypted: hello")
    before = merge.file.read_bytes()
    outcome = invoke("repair", merge.file, "--dry-run", "-o", "json")
    assert outcome.code == 0, outcome.err
    found = json.loads(outcome.out)
    assert found["compared_with"] == ["ours", "theirs"]
    assert found["repaired"] is False
    told = {one["path"]: (one["change"], one["encrypted"], one["as_in"]) for one in found["changes"]}
    assert told == {
        "db.password": ("changed", True, []),
        "port_unencrypted": ("changed", False, []),
        "smuggled_unencrypted": ("added", False, []),
        "token": ("changed", True, ["theirs"]),
    }
    assert found["changes"][0]["replayed"]["commit"] == first
    assert merge.file.read_bytes() == before
    assert "canary" not in outcome.out.decode() + outcome.err


def test_without_a_terminal_it_shows_and_fails(merge: HandMadeMerge, invoke: Invoke) -> None:
    merge.merged_by_hand()
    before = merge.file.read_bytes()
    outcome = invoke("repair", merge.file)
    assert (outcome.code, merge.file.read_bytes()) == (3, before)
    assert b"db.password" in outcome.out
    assert "--since COMMIT --yes" in outcome.err


def test_yes_needs_the_commit_that_somebody_looked_at(merge: HandMadeMerge, invoke: Invoke) -> None:
    merge.merged_by_hand()
    assert "--yes needs --since" in invoke("repair", merge.file, "--yes").err
    outcome = invoke("repair", merge.file, "--yes", "--since", "HEAD")
    assert outcome.code == 0, outcome.err
    assert outcome.out.decode().splitlines()[1:] == ["  changed  token  encrypted"]
    assert invoke("decrypt", merge.file).code == 0


def test_what_was_committed_is_compared_with_the_parents(merge: HandMadeMerge, invoke: Invoke) -> None:
    merge.merged_by_hand()
    merge.commit("merged")
    outcome = invoke("repair", merge.file, "--dry-run")
    assert outcome.code == 0, outcome.err
    assert "compared with HEAD^1 and HEAD^2: 2 values" in outcome.out.decode()


def test_a_file_that_was_renamed_is_compared_under_its_old_name(merge: HandMadeMerge, invoke: Invoke) -> None:
    old = merge.line("password")
    merge.set('["db"]["password"]', "canary-next")
    merge.commit("two")
    merge.git("mv", "app.enc.yaml", "new.enc.yaml")
    merge.file = merge.root / "new.enc.yaml"
    merge.commit("three")
    merge.put("password", old)
    outcome = invoke("repair", merge.file, "--dry-run")
    assert "compared with HEAD: 1 value" in outcome.out.decode(), outcome.err
    assert "replayed: the ciphertext of commit" in outcome.out.decode()
    before = invoke("repair", merge.file, "--dry-run", "--since", "HEAD~2")
    assert "compared with HEAD~2: 0 values" in before.out.decode(), before.err


def test_a_smuggled_recipient_is_refused(merge: HandMadeMerge, invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    merge.merged_by_hand()
    other = str(age.generate())
    text = merge.file.read_text()
    start = text.index("        - ")
    stanza = text[start : text.index("    lastmodified:")]
    own = next(line for line in stanza.splitlines() if "recipient: " in line).rpartition(" ")[2]
    merge.file.write_text(text.replace(stanza, stanza + stanza.replace(own, other)))
    before = merge.file.read_bytes()
    answering(monkeypatch, yes=True)
    outcome = invoke("repair", merge.file)
    assert (outcome.code, merge.file.read_bytes()) == (11, before)
    assert f"age {other} is a recipient of the file" in outcome.err
    os.remove(merge.root / ".sops.yaml")
    outcome = invoke("repair", merge.file)
    assert (outcome.code, merge.file.read_bytes()) == (11, before)
    assert "ours names no such key" in outcome.err


def test_another_selector_and_a_mac_that_leaves_clear_values_out_are_refused(
    merge: HandMadeMerge, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    merge.merged_by_hand()
    good = merge.file.read_text()
    answering(monkeypatch, yes=True)
    merge.file.write_text(good.replace("unencrypted_suffix: _unencrypted", "unencrypted_suffix: _unencrypted2"))
    merge.put("port_unencrypted", "port_unencrypted2: 81")
    assert "its selector is unencrypted_suffix '_unencrypted2'" in invoke("repair", merge.file).err
    merge.file.write_text(good.replace("    version:", "    mac_only_encrypted: true\n    version:"))
    assert "its MAC leaves clear values out" in invoke("repair", merge.file).err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("token: canary-clear", "not in the form ENC["),
        ("token: ENC[AES256_GCM,data:AAAA,iv:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=,tag:AAAAAAAAAAAAAAAAAAAAAA==,type:str]", "does not authenticate"),
    ],
    ids=["clear", "forged"],
)  # fmt: skip
def test_a_value_that_does_not_open_is_named(merge: HandMadeMerge, invoke: Invoke, line: str, said: str) -> None:
    merge.merged_by_hand()
    merge.put("token", line)
    before = merge.file.read_bytes()
    outcome = invoke("repair", merge.file)
    assert said in outcome.err
    assert "#1 token" in outcome.err
    assert "canary" not in outcome.err
    assert (outcome.code != 0, outcome.out, merge.file.read_bytes()) == (True, b"", before)


def test_a_side_without_a_mac_that_holds_is_not_compared_with(merge: HandMadeMerge, invoke: Invoke) -> None:
    merge.put("port_unencrypted", "port_unencrypted: 81")
    merge.commit("forged")
    outcome = invoke("repair", merge.file, "--since", "HEAD", "--dry-run")
    assert "there is nothing to compare it with: HEAD: the MAC does not match" in outcome.err
    merge.git("checkout", "-q", "-b", "other", "HEAD~1")
    merge.set('["token"]', "canary-two")
    merge.commit("sound")
    merge.git("merge", "main", accept=(1,))
    merge.git("checkout", "--theirs", "app.enc.yaml")
    outcome = invoke("repair", merge.file, "--dry-run")
    assert outcome.out.decode().startswith("compared with ours: "), outcome.err
    assert "not compared with theirs: the MAC does not match the file's values" in outcome.err


def test_every_verb_names_repair_where_the_mac_does_not_hold(merge: HandMadeMerge, invoke: Invoke) -> None:
    merge.put("port_unencrypted", "port_unencrypted: 81")
    hint = "git log -p -- app.enc.yaml; after a merge by hand: secretsync repair app.enc.yaml"
    for arguments in (["decrypt"], ["rotate"], ["check"], ["set", "app.enc.yaml", '["a"]', '"b"']):
        outcome = invoke(*arguments, *(["app.enc.yaml"] if len(arguments) == 1 else []))
        assert outcome.code != 0
        assert hint in outcome.err + outcome.out.decode(), arguments
