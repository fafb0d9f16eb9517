"""Taking an operation back: nobody else's work goes with it, and the same plan can be carried out again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from secretsync.errors import RepositoryError
from secretsync.git import Repository, branches
from secretsync.rotation import rolling_back
from secretsync.rotation.applying import ApplyOutcome
from secretsync.rotation.journal import Operation, operations
from secretsync.rotation.model import Plan
from secretsync.rotation.rolling_back import RolledBack
from tests.unit.rotation.repositories import Sandbox


class Applied:
    """A plan that was carried out, and what tests do with its branch."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.plan: Plan = sandbox.plan("remove", subject="bob")
        self.outcome: ApplyOutcome = sandbox.apply(self.plan)
        self.branch = self.outcome.branch

    @property
    def operation(self) -> Operation:
        return Operation(Repository.containing(self.sandbox.root), self.plan.operation)

    def roll_back(self, *, discard: bool = False) -> RolledBack:
        repository = Repository.containing(self.sandbox.root)
        return rolling_back.roll_back(self.operation, repository, discard=discard)

    def reviewed(self, name: str = "fix", message: str = "a reviewer's fix") -> str:
        """Commit a file on the branch, from a working tree that goes away again."""
        tree = self.sandbox.root.parent / "review"
        self.sandbox.git("worktree", "add", "-q", str(tree), self.branch)
        (tree / name).write_text("x")
        self.sandbox.git("-C", str(tree), "add", "-A")
        self.sandbox.git("-C", str(tree), "commit", "-q", "-m", message)
        self.sandbox.git("worktree", "remove", str(tree))
        return self.sandbox.git("rev-parse", self.branch)

    def branches(self) -> list[str]:
        return self.sandbox.git("branch", "--format=%(refname:short)").split()


@pytest.fixture
def applied(sandbox: Sandbox) -> Applied:
    """A plan carried out, not merged."""
    return Applied(sandbox)


def test_a_commit_of_somebody_else_is_named_and_kept_unless_it_is_given_up(applied: Applied) -> None:
    commit = applied.reviewed()
    with pytest.raises(
        RepositoryError, match=f'{commit[:12]} "a reviewer\'s fix" by Test <test@example.org>'
    ) as caught:
        applied.roll_back()
    assert "rollback" in (caught.value.hint or "")
    assert "--discard" in (caught.value.hint or "")
    assert applied.branch in applied.branches()
    assert not applied.operation.has("rolled-back")
    assert [entry.commit for entry in applied.roll_back(discard=True).discarded] == [commit]
    assert applied.branches() == ["main"]
    assert applied.operation.has("rolled-back", tip=commit, discarded=commit)


def test_every_commit_of_others_is_named(applied: Applied) -> None:
    commits = [applied.reviewed(name) for name in ("one", "two", "three")]
    with pytest.raises(RepositoryError) as caught:
        applied.roll_back()
    assert all(commit[:12] in caught.value.message for commit in commits)


def test_a_commit_that_somebody_amended_is_no_longer_of_the_operation(applied: Applied) -> None:
    tree = applied.sandbox.root.parent / "review"
    applied.sandbox.git("worktree", "add", "-q", str(tree), applied.branch)
    (tree / "fix").write_text("x")
    applied.sandbox.git("-C", str(tree), "add", "-A")
    applied.sandbox.git("-C", str(tree), "commit", "-q", "--amend", "--no-edit")
    applied.sandbox.git("worktree", "remove", str(tree))
    with pytest.raises(RepositoryError, match="not of the operation"):
        applied.roll_back()


def test_what_lies_on_another_branch_as_well_is_not_lost(applied: Applied) -> None:
    applied.reviewed()
    applied.sandbox.git("branch", "kept", applied.branch)
    assert applied.roll_back().discarded == []
    assert applied.branches() == ["kept", "main"]


def test_a_branch_that_only_ends_alike_is_another_one(applied: Applied) -> None:
    """`origin/team/NAME` is `team/NAME` of `origin`; it is `NAME` where a remote is called `origin/team`."""
    commit = applied.reviewed()
    applied.sandbox.git("update-ref", f"refs/remotes/origin/team/{applied.branch}", commit)
    repository = Repository.containing(applied.sandbox.root)
    assert branches.published(repository, applied.branch) == []
    applied.sandbox.git("config", "remote.origin/team.url", "nowhere")
    again = Repository.containing(applied.sandbox.root)
    assert branches.published(again, applied.branch) == [f"origin/team/{applied.branch}"]


def test_a_remote_copy_of_the_branch_is_the_same_branch(applied: Applied) -> None:
    commit = applied.reviewed()
    applied.sandbox.git("update-ref", f"refs/remotes/origin/{applied.branch}", commit)
    with pytest.raises(RepositoryError, match="not of the operation"):
        applied.roll_back()
    assert applied.roll_back(discard=True).published == [f"origin/{applied.branch}"]


def _squashed(sandbox: Sandbox, branch: str) -> list[str]:
    sandbox.git("merge", "-q", "--squash", branch)
    return [sandbox.commit("squashed")]


def _rebased(sandbox: Sandbox, branch: str) -> list[str]:
    sandbox.write({"other": "x"})
    commit = sandbox.commit("meanwhile")
    sandbox.git("cherry-pick", f"main..{branch}")
    return sandbox.git("rev-list", f"{commit}..main").split()


def _merged(sandbox: Sandbox, branch: str) -> list[str]:
    sandbox.write({"other": "x"})
    sandbox.commit("meanwhile")
    sandbox.git("merge", "-q", "--no-edit", branch)
    return ["-m", "1", sandbox.git("rev-parse", "HEAD")]


def _forwarded(sandbox: Sandbox, branch: str) -> list[str]:
    commits = sandbox.git("rev-list", f"main..{branch}").split()
    sandbox.git("merge", "-q", "--ff-only", branch)
    return commits


@pytest.mark.parametrize("way", [_squashed, _rebased, _merged, _forwarded])
@pytest.mark.parametrize("kept", [True, False])
def test_what_is_merged_in_any_way_is_taken_back_by_a_revert_alone(
    applied: Applied, way: Callable[[Sandbox, str], list[str]], *, kept: bool
) -> None:
    taken = way(applied.sandbox, applied.branch)
    if not kept:
        applied.sandbox.git("branch", "-qD", applied.branch)
    with pytest.raises(RepositoryError, match="merged into main") as caught:
        applied.roll_back()
    assert caught.value.hint == f"on main: git revert {' '.join(word[:12] for word in taken)}"
    assert not applied.operation.has("rolled-back")
    applied.sandbox.git("revert", "--no-edit", *taken)
    applied.roll_back()
    assert applied.operation.has("rolled-back")


def test_a_merge_into_a_default_branch_that_is_not_checked_out_counts(applied: Applied) -> None:
    applied.sandbox.git("switch", "-q", "-c", "elsewhere")
    applied.sandbox.git("branch", "-f", "main", applied.branch)
    with pytest.raises(RepositoryError, match="merged into main"):
        applied.roll_back()


def test_a_merge_that_was_only_fetched_counts(applied: Applied) -> None:
    applied.sandbox.git("update-ref", "refs/remotes/origin/main", applied.branch)
    with pytest.raises(RepositoryError, match="merged into origin/main"):
        applied.roll_back()


def test_a_working_tree_that_stands_on_the_branch_is_named_and_left(applied: Applied, tmp_path: Path) -> None:
    tree = tmp_path / "a tree"
    applied.sandbox.git("worktree", "add", "-q", str(tree), applied.branch)
    with pytest.raises(RepositoryError, match="checked out in") as caught:
        applied.roll_back(discard=True)
    assert caught.value.hint == f"git -C '{tree}' switch --detach"
    assert applied.branch in applied.branches()
    applied.sandbox.git("-C", str(tree), "switch", "-q", "--detach")
    tip = applied.roll_back().tip
    assert applied.sandbox.git("-C", str(tree), "status", "--porcelain") == ""
    assert applied.sandbox.git("-C", str(tree), "rev-parse", "HEAD") == tip


def test_a_working_tree_on_a_disk_that_is_away_keeps_its_branch(applied: Applied, tmp_path: Path) -> None:
    applied.sandbox.git("worktree", "add", "-q", str(tmp_path / "tree"), applied.branch)
    (tmp_path / "tree").rename(tmp_path / "away")
    with pytest.raises(RepositoryError, match="checked out in"):
        applied.roll_back()
    (tmp_path / "away").rename(tmp_path / "tree")
    assert applied.sandbox.git("-C", str(tmp_path / "tree"), "status", "--porcelain") == ""


def test_the_main_working_tree_may_stand_on_the_branch_as_well(applied: Applied) -> None:
    applied.sandbox.git("switch", "-q", applied.branch)
    with pytest.raises(RepositoryError, match="checked out in"):
        applied.roll_back()
    applied.sandbox.git("switch", "-q", "--detach")
    applied.roll_back()
    assert applied.branch not in applied.branches()
    assert applied.sandbox.git("status", "--porcelain") == ""


def test_a_rebase_under_way_comes_back_to_its_branch(applied: Applied, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    applied.sandbox.git("worktree", "add", "-q", str(tree), applied.branch)
    applied.sandbox.git("-C", str(tree), "-c", "sequence.editor=echo break >>", "rebase", "-q", "-i", "main")
    assert branches.holders(Repository.containing(applied.sandbox.root), applied.branch) == [str(tree)]
    with pytest.raises(RepositoryError, match="checked out in"):
        applied.roll_back(discard=True)


def test_the_same_plan_is_carried_out_again_and_the_old_run_is_kept(applied: Applied) -> None:
    first = applied.outcome.commits
    evidence = Path(applied.operation.folder, "evidence.json").read_bytes()
    applied.roll_back()
    outcome = applied.sandbox.apply(applied.plan)
    assert outcome.branch == applied.branch
    assert outcome.commits != first
    name = applied.plan.operation
    assert operations(Repository.containing(applied.sandbox.root)) == [f"{name}.1", name]
    old = Operation(Repository.containing(applied.sandbox.root), f"{name}.1")
    assert Path(old.folder, "evidence.json").read_bytes() == evidence
    assert old.has("rolled-back")
    applied.roll_back()
    applied.sandbox.merge(applied.sandbox.apply(applied.plan, branch="another"))
    assert applied.operation.branch == "another"
    assert operations(Repository.containing(applied.sandbox.root)) == [f"{name}.1", f"{name}.2", name]


def test_a_second_rollback_changes_nothing(applied: Applied) -> None:
    applied.roll_back()
    records = applied.operation.records()
    assert applied.roll_back() == RolledBack("", [], [])
    assert applied.operation.records() == records


def test_what_was_rolled_back_is_not_resumed_but_applied_again(applied: Applied) -> None:
    applied.roll_back()
    with pytest.raises(RepositoryError, match="rolled back") as caught:
        applied.sandbox.apply(applied.plan, resume=True)
    assert caught.value.hint == f"secretsync runbook remove apply --plan {applied.operation.plan_file}"


def test_a_commit_whose_record_a_kill_cut_off_is_of_the_operation(applied: Applied) -> None:
    journal = Path(applied.operation.folder, "journal.jsonl")
    lines = [line for line in journal.read_bytes().splitlines(keepends=True) if b'"event": "commit"' not in line]
    journal.write_bytes(b"".join(line for line in lines if b'"event": "done"' not in line))
    assert applied.roll_back().discarded == []


def test_a_branch_of_ones_own_choice_is_known_to_the_journal(sandbox: Sandbox) -> None:
    plan = sandbox.plan("remove", subject="bob")
    outcome = sandbox.apply(plan, branch="keys/without-bob")
    assert outcome.branch == "keys/without-bob"
    repository = Repository.containing(sandbox.root)
    assert Operation(repository, plan.operation).branch == "keys/without-bob"
    assert sandbox.apply(plan, resume=True).commits == outcome.commits
    rolling_back.roll_back(Operation(repository, plan.operation), repository)
    assert sandbox.git("branch", "--format=%(refname:short)") == "main"


@pytest.mark.parametrize(
    "name", ["-x", "HEAD", "a..b", "a b", "a.lock", "a/", "@{-1}", "a~1", "\x1b[31m", "a//b", ".a", "a\nb", "*"]
)
def test_what_git_allows_no_branch_to_be_called_is_refused_before_anything_is_written(
    sandbox: Sandbox, name: str
) -> None:
    plan = sandbox.plan("remove", subject="bob")
    with pytest.raises(RepositoryError, match="no name of a branch"):
        sandbox.apply(plan, branch=name)
    assert operations(Repository.containing(sandbox.root)) == []


@pytest.mark.parametrize(
    ("there", "wanted"),
    [("secretsync", ""), ("a", "a/b"), ("a/b", "a"), ("a", "a"), ("main", "main"), ("deep", "deep/er/still")],
)
def test_a_branch_in_the_way_is_named_before_anything_is_written(sandbox: Sandbox, there: str, wanted: str) -> None:
    if there != "main":
        sandbox.git("branch", there)
    plan = sandbox.plan("remove", subject="bob")
    with pytest.raises(RepositoryError, match=f"branch '{there}'"):
        sandbox.apply(plan, branch=wanted)
    assert operations(Repository.containing(sandbox.root)) == []
    assert sandbox.apply(plan, branch="free").branch == "free"
