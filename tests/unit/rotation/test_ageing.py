"""How old data keys are: what keeps a data key keeps its age, whatever the file is called; a new one begins anew."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from secretsync.git import Repository
from secretsync.rotation.ageing import Age, ages
from secretsync.rotation.file_metadata import options_for
from secretsync.sops.datakey import MasterKey
from secretsync.sops.operations import json_value, set_value
from secretsync.sops.recipients import update_keys
from tests.unit.rotation.repositories import NOW, Sandbox

OLD: Final = datetime(2024, 1, 10, tzinfo=UTC)
PATH: Final = "dev/app.env"
TEXT: Final = "PASSWORD=hunter2-env\n"
PEOPLE: Final = ("alice", "bob", "carol")


@pytest.fixture
def old(tmp_path: Path) -> Sandbox:
    """Return a repository with one encrypted file of one value, committed long ago."""
    made = Sandbox(tmp_path / "shop")
    made.write({PATH: made.encrypt(PATH, TEXT, *PEOPLE)})
    _commit(made, OLD)
    return made


def _commit(sandbox: Sandbox, at: datetime) -> None:
    sandbox.git("add", "-A")
    sandbox.git("-c", "user.name=T", "commit", "-q", "--no-gpg-sign", "--date", at.isoformat(), "-m", "change")
    # --date is the author's; the committer's is what counts
    tree, parents = (
        sandbox.git("rev-parse", "HEAD^{tree}"),
        sandbox.git("rev-list", "--parents", "-1", "HEAD").split()[1:],
    )
    raw = "".join([f"tree {tree}\n", *(f"parent {one}\n" for one in parents)])
    who = f"T <t@example.org> {int(at.timestamp())} +0000"
    path = sandbox.root.parent / "commit"
    path.write_text(f"{raw}author {who}\ncommitter {who}\n\nchange\n")
    sandbox.git("reset", "-q", "--soft", sandbox.git("hash-object", "-w", "-t", "commit", str(path)))


def _ages(sandbox: Sandbox, *paths: str, who: str | None = "alice", root: Path | None = None) -> list[Age]:
    repository = Repository.containing(root or sandbox.root)
    keys = sandbox.keys(who) if who else None
    return ages(repository, repository.resolve("HEAD"), paths or [PATH], keys)


def _set(sandbox: Sandbox, path: str, value: str) -> None:
    target = sandbox.root / path
    data = target.read_bytes()
    changed = set_value(data, ("PASSWORD",), json_value(f'"{value}"'), options_for(path, data, sandbox.keys()), now=NOW)
    target.write_bytes(changed.data)


def _rewrap(sandbox: Sandbox, path: str, readers: Sequence[str]) -> None:
    """Give a file other recipients and new envelopes under its data key."""
    target = sandbox.root / path
    for who, names in (("alice", ["dave"]), ("dave", readers)):
        groups = [[MasterKey("age", sandbox.recipient(name)) for name in names]]
        data = target.read_bytes()
        target.write_bytes(update_keys(data, groups, options_for(path, data, sandbox.keys(who)), now=NOW).data)


@pytest.mark.parametrize("who", ["alice", None], ids=["with a key", "without"])
def test_what_keeps_the_data_key_makes_nothing_young(old: Sandbox, who: str | None) -> None:
    """`set` in a file with one value keeps envelopes; `updatekeys` keeps values; a copy or a new name keeps both."""
    _set(old, PATH, "another")
    _commit(old, NOW)
    _rewrap(old, PATH, PEOPLE)
    _commit(old, NOW)
    shutil.copy(old.root / PATH, old.root / "copy.env")
    _commit(old, NOW)
    old.git("mv", PATH, "dev/moved.env")
    _set(old, "dev/moved.env", "more")
    _commit(old, NOW)
    found = _ages(old, "dev/moved.env", "copy.env", who=who)
    assert [(one.path, one.since, one.estimated) for one in found] == [
        ("copy.env", OLD, False),
        ("dev/moved.env", OLD, False),
    ]


def test_a_new_data_key_is_as_old_as_its_commit(old: Sandbox) -> None:
    old.write({PATH: old.encrypt(PATH, TEXT, *PEOPLE)})
    _commit(old, NOW)
    assert [(one.since, one.estimated) for one in _ages(old)] == [(NOW, False)]
    assert [(one.since, one.estimated) for one in _ages(old, who=None)] == [(NOW, True)]


def test_new_envelopes_and_values_in_one_commit_are_told_by_a_key_at_hand(old: Sandbox) -> None:
    _rewrap(old, PATH, PEOPLE)
    _set(old, PATH, "another")
    old.git("mv", PATH, "dev/moved.env")
    _commit(old, NOW)
    assert [one.since for one in _ages(old, "dev/moved.env")] == [OLD]
    assert [one.since for one in _ages(old, "dev/moved.env", who="dave")] == [NOW]


def test_ciphertext_in_a_comment_or_in_the_clear_part_carries_no_age(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path / "shop")
    quoted = "ENC[AES256_GCM,data:AAAA,iv:AAAA,tag:AAAA,type:str]"
    text = f"# {quoted}\nmetadata: {{note: '{quoted}'}}\nstringData:\n  password: one\n"
    for at in (OLD, NOW):
        sandbox.write({"prod/db.yaml": sandbox.encrypt("prod/db.yaml", text, "alice")})
        _commit(sandbox, at)
    assert [one.since for one in _ages(sandbox, "prod/db.yaml")] == [NOW]


def test_the_oldest_branch_that_was_merged_tells_the_age(old: Sandbox) -> None:
    old.git("checkout", "-q", "--orphan", "other")
    old.git("rm", "-q", "-rf", ".")
    old.write({"dev/side.env": old.encrypt("dev/side.env", TEXT, *PEOPLE)})
    _commit(old, OLD.replace(month=3))
    old.git("checkout", "-q", "main")
    old.git("merge", "-q", "--allow-unrelated-histories", "-m", "merge", "other")
    assert [one.since for one in _ages(old, PATH, "dev/side.env")] == [OLD, OLD.replace(month=3)]


def test_an_unresolved_merge_joins_no_data_keys(old: Sandbox) -> None:
    ours = old.root.joinpath(PATH).read_text()
    theirs = old.encrypt(PATH, TEXT, *PEOPLE).decode()
    old.write({PATH: f"<<<<<<< ours\n{ours}=======\n{theirs}>>>>>>> theirs\n"})
    _commit(old, OLD.replace(month=2))
    assert [one.since for one in _ages(old)] == [None]
    old.write({PATH: theirs})
    _commit(old, NOW)
    assert [one.since for one in _ages(old)] == [NOW]


def test_the_age_is_unknown_where_history_is_cut_off(old: Sandbox) -> None:
    _set(old, PATH, "another")
    old.write({"dev/new.env": old.encrypt("dev/new.env", TEXT, *PEOPLE)})
    _commit(old, NOW)
    for name, how in {"shallow": "--depth=1", "partial": "--filter=blob:none"}.items():
        old.git("config", "uploadpack.allowFilter", "true")
        clone = old.root.parent / name
        old.git("clone", "-q", how, f"file://{old.root}", str(clone))
        assert {one.since for one in _ages(old, PATH, "dev/new.env", root=clone)} == {None}, name


def test_what_got_its_data_key_after_the_cut_has_an_age(old: Sandbox) -> None:
    clone = old.root.parent / "shallow"
    old.git("clone", "-q", "--depth=1", f"file://{old.root}", str(clone))
    old.git("-C", str(clone), "config", "user.name", "T")
    old.git("-C", str(clone), "config", "user.email", "t@example.org")
    (clone / PATH).write_bytes(old.encrypt(PATH, TEXT, *PEOPLE))
    old.git("-C", str(clone), "commit", "-q", "-am", "rotate")
    (found,) = _ages(old, root=clone)
    assert found.commit == old.git("-C", str(clone), "rev-parse", "HEAD")
