"""Notes of unfinished merges: what makes them, what takes them off, and what they survive."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from secretsync.errors import RepositoryError
from secretsync.git.unresolved import UnresolvedMerge, UnresolvedMerges, noted_in
from tests.unit.git.repositories import Made

NAME = "a b/\xe9\n.yaml"


@pytest.fixture
def merging(made: Made) -> Made:
    """Return a repository in which a merge stopped at a file that is as ours has it, as our driver leaves it."""
    made.write(NAME, "base\n")
    made.write("other.yaml", "base\n")
    made.commit()
    made.git("checkout", "-q", "-b", "theirs")
    made.write(NAME, "theirs\n")
    made.commit()
    made.git("checkout", "-q", "main")
    made.write(NAME, "ours\n")
    made.commit()
    made.git("config", "merge.stops.driver", "exit 1")
    made.write(".git/info/attributes", "*.yaml merge=stops\n")
    made.git("-c", "alias.try=!git merge -q theirs || true", "try")
    return made


def noted(made: Made) -> UnresolvedMerges:
    merges = UnresolvedMerges.of(str(made.root))
    merges.note(NAME, "db.password: both sides changed it")
    return merges


def test_a_note_names_path_and_reason_and_comes_once(made: Made) -> None:
    merges = UnresolvedMerges.of(str(made.root / ".git" / ".."))
    assert merges.unresolved() == []
    merges.note("x", "first")
    merges.note(NAME, "why")
    merges.note("x", "then")
    assert merges.noted() == [UnresolvedMerge(NAME, "why"), UnresolvedMerge("x", "then")]
    merges.forget(NAME)
    merges.forget("never noted")
    merges.forget("x")
    assert merges.noted() == []
    assert not (made.root / ".git" / "secretsync" / "unresolved").exists()


def test_a_note_holds_until_the_merge_is_over_whatever_is_added(merging: Made) -> None:
    merges = noted(merging)
    assert [each.path for each in merges.unresolved()] == [NAME]
    merging.git("add", "-A")  # the file is now as HEAD has it, and theirs is lost
    assert [each.path for each in merges.unresolved()] == [NAME]


def test_an_aborted_merge_leaves_no_note(merging: Made) -> None:
    merges = noted(merging)
    merging.git("merge", "--abort")
    assert merges.unresolved() == []
    assert noted_in(str(merging.root)) == []


@pytest.mark.parametrize("left", ["changed in the tree", "changed in the index", "gone"])
def test_a_note_holds_while_the_file_is_not_as_head_has_it(made: Made, left: str) -> None:
    made.write(NAME, "base\n")
    made.commit()
    merges = noted(made)
    target = made.root / NAME
    if left == "gone":
        target.unlink()
    else:
        target.write_text("merged\n")
    if left == "changed in the index":
        made.git("add", "-A")
        target.write_text("base\n")
    assert [each.path for each in merges.unresolved()] == [NAME]
    made.git("checkout", "-q", "HEAD", "--", NAME)
    assert merges.unresolved() == []


def test_a_stash_that_stopped_is_noted_until_its_versions_are_gone(made: Made) -> None:
    made.write(NAME, "base\n")
    made.commit()
    made.write(NAME, "stashed\n")
    made.git("stash", "-q")
    made.write(NAME, "ours\n")
    made.commit()
    made.git("-c", "alias.try=!git stash pop -q || true", "try")
    made.write(NAME, "ours\n")  # as our driver leaves it
    merges = noted(made)
    assert [each.path for each in merges.unresolved()] == [NAME]
    made.git("reset", "-q", "--hard")
    assert merges.unresolved() == []


def test_a_linked_working_tree_has_notes_of_its_own(merging: Made, tmp_path: Path) -> None:
    linked = tmp_path / "linked"
    merging.git("merge", "--abort")
    merging.git("worktree", "add", "-q", "-b", "third", str(linked))
    there = UnresolvedMerges.of(str(linked))
    there.note(NAME, "why")
    assert [each.path for each in noted_in(str(linked))] == [NAME]
    assert noted_in(str(merging.root)) == []


def test_a_path_that_no_side_has_is_no_reason_to_wait(made: Made) -> None:
    made.write("other.yaml")
    made.commit()
    merges = noted(made)
    assert merges.unresolved() == []


def test_before_the_first_commit_a_note_of_a_file_that_is_not_there_is_stale(made: Made) -> None:
    assert noted(made).unresolved() == []


def test_line_ends_that_git_makes_do_not_keep_a_note(made: Made) -> None:
    made.write(NAME, "base\n")
    made.commit()
    merges = noted(made)
    made.write(NAME, "base\r\n")
    assert merges.unresolved() == []


@pytest.mark.parametrize("text", ["{", "[]\n", '{"path": "x"}\n', "\xff\n"])
def test_notes_that_do_not_read_are_an_error_and_never_none(made: Made, text: str) -> None:
    made.write(".git/secretsync/unresolved", text.encode("latin-1"))
    with pytest.raises(RepositoryError, match="cannot be read"):
        UnresolvedMerges.of(str(made.root)).noted()


@pytest.mark.parametrize("data", [b"", b"gitdir: /nowhere\n", b"x" * 9000])
def test_a_git_file_that_leads_nowhere_has_no_notes(tmp_path: Path, data: bytes) -> None:
    (tmp_path / ".git").write_bytes(data)
    assert noted_in(str(tmp_path)) == []
    assert noted_in(os.path.join(tmp_path, "absent")) == []
